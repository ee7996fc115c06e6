"""Policies as Markdown: a changed section in its place, or a whole document anew."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from app.knowledge.chunk import Chunk
from ingestion.exporting.changes import FilePlan
from ingestion.text import decode, one_line

_HEADING = re.compile(r"(#{1,6})\s+(.*?)(?:\s+#+)?\s*$")
_FENCE = re.compile(r"\s*(```|~~~)")
_LEADING = re.compile(r"^(\s*)(#{1,6}\s|>|[=*_-]{3,}\s*$|```|~~~|\[TOC\])")


def patch_markdown(file: Path, plan: FilePlan) -> bytes | None:
    """The file with the text under the changed headings replaced; None when a heading is not found just once."""
    text = decode(file.read_bytes())
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    for change in plan.changes:
        if change.file is None:
            return None
        span = _span(lines, change.file.locator)
        if span is None:
            return None
        start, end = span
        body = list(_body(change.live.text)) if change.live else _hidden(lines[start:end])
        lines[start:end] = ["", *body, ""]
    return "\n".join(lines).encode()


def _span(lines: Sequence[str], heading: str) -> tuple[int, int] | None:
    """Where the text under a heading begins and ends; None when not just one heading says that."""
    found: list[int] = []
    headings: list[int] = []
    fenced = False
    for number, line in enumerate(lines):
        fenced ^= _FENCE.match(line) is not None
        if not fenced and (match := _HEADING.fullmatch(line.strip())):
            headings.append(number)
            if one_line(re.sub(r"[*_`\\]", "", match[2])) == re.sub(r"[*_`\\]", "", heading):
                found.append(number)
    if len(found) != 1:
        return None
    return found[0] + 1, next((n for n in headings if n > found[0]), len(lines))


def _hidden(lines: Sequence[str]) -> list[str]:
    """The text as a comment, which is not read."""
    text = "\n".join(lines).strip("\n")
    return [] if "-->" in text else ["<!--", *text.split("\n"), "-->"]


def markdown_of(chunks: Sequence[Chunk]) -> bytes:
    """A document that is read as these sections, each under its heading path."""
    lines: list[str] = []
    shown: tuple[str, ...] = ()
    for chunk in chunks:
        path = tuple(part for part in chunk.title.split(" > ") if part)
        if path and path[-1] != chunk.locator and chunk.title != chunk.locator:
            path = (*path, chunk.locator)
        same = 0
        while same < min(len(path), len(shown)) and path[same] == shown[same]:
            same += 1
        for level in range(same, len(path)):
            lines += [f"{'#' * min(level + 1, 6)} {path[level]}", ""]
        shown = path
        lines += [*_body(chunk.text), ""]
    return "\n".join(lines).encode()


def _body(text: str) -> Iterator[str]:
    """Lines of text, each a paragraph of its own; those of a table stay together."""
    table = False
    for line in text.split("\n"):
        is_row = line.startswith("|")
        if not (table and is_row):
            yield ""
        table = is_row
        yield _LEADING.sub(r"\1\\\2", line) if not is_row else line

"""Markdown and plain text, cut at its headings by LlamaIndex's MarkdownNodeParser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from app.errors import BadInput
from app.knowledge.sentences import table_cells
from ingestion.converted import Block, ConvertedDocument, ConvertedFile, Grid, Heading, Paragraph, Row, title_of
from ingestion.converters.html import html_to_text
from ingestion.text import clean, decode, invisible_count, join_wrapped, one_line

SUFFIXES = frozenset({".md", ".markdown", ".txt"})
_FRONT_MATTER = re.compile(r"\A\ufeff?---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FIELD = re.compile(r"""(?m)^([^\s:：#][^:：\n]*?)\s*[:：][ \t]*["']?(.*?)["']?[ \t]*(?:#.*)?$""")
_SETEXT = re.compile(r"(?m)^(?!\s*[|#>*+-])([^\n]*\S[^\n]*)\n(=+|-{3,})[ \t]*$")
_HEADING = re.compile(r"(#{1,6})\s+(.*?)(?:\s+#+)?\s*$")
_TABLE_RULE = re.compile(r"^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$")
_ITEM = re.compile(r"^\s*(?:>\s*)*(?:[-*+•]|\d{1,3}[.)])\s+")
_LINK = re.compile(r"!?\[([^\]\n]*)\]\(\s*<?([^)\s>]*)>?[^)\n]*\)")
_REFERENCE = re.compile(r"^\s*\[[^\]]+\]:\s+\S+.*$", re.MULTILINE)
_EMPHASIS = re.compile(r"(\*{1,3}|(?<![0-9A-Za-z])_{1,3}|~~|`+)(?=\S)(.+?)(?<=\S)\1")


def convert(path: Path) -> ConvertedFile:
    """One document a file. Raises BadInput when it holds no text."""
    raw = decode(path.read_bytes())
    hidden = invisible_count(raw)
    text = raw.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    front = _FRONT_MATTER.match(text)
    title, fields = "", {}
    if front:
        fields = {key.strip(): value for key, value in _FIELD.findall(front[1])}
        named = re.search(r"(?m)^(?:title|标题)\s*[:：]\s*[\"']?(.+?)[\"']?\s*$", front[1])
        title = one_line(named[1]) if named else ""
        text = text[front.end() :]
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    blocks = tuple(_plain_text(text) if path.suffix.lower() == ".txt" else markdown_blocks(text))
    if not blocks:
        raise BadInput("the file holds no text")
    notes = (f"{hidden} invisible characters were removed",) if hidden else ()
    return ConvertedFile((ConvertedDocument(title or title_of(blocks, path.stem), blocks, fields=fields),), (), notes)


def _plain_text(text: str) -> Iterator[Block]:
    """Paragraphs between empty lines; a short line of its own above one is its heading."""
    parts = [body for part in re.split(r"\n\s*\n", text) if (body := clean(part))]
    for index, body in enumerate(parts):
        first, _, rest = body.partition("\n")
        heads = len(first) <= 40 and first[-1] not in "。.!！?？;；,，:：" and not _ITEM.match(first)
        heads_it = heads and bool(len(rest) > 40 and "\n" not in rest if rest else index + 1 < len(parts))
        if heads_it:
            yield Heading(1 if index == 0 else 2, first)
        if text_of_part := rest if heads_it else body:
            yield Paragraph(text_of_part)


def markdown_blocks(text: str) -> Iterator[Block]:
    """Headings, paragraphs and tables of Markdown text, without its marks."""
    # Imported here: LlamaIndex costs seconds.
    from llama_index.core.node_parser import MarkdownNodeParser  # noqa: PLC0415
    from llama_index.core.schema import Document  # noqa: PLC0415

    text = _REFERENCE.sub("", text)
    text = _SETEXT.sub(lambda m: f"{'#' if m[2][0] == '=' else '##'} {m[1].strip()}", text)
    parser = MarkdownNodeParser(include_metadata=False, include_prev_next_rel=False)
    for node in parser.get_nodes_from_documents([Document(text=text)]):
        lines = node.get_content().split("\n")
        if match := _HEADING.fullmatch(lines[0].strip()):
            yield Heading(len(match[1]), _without_marks(match[2]))
            lines = lines[1:]
        yield from _body_blocks(lines)


def _body_blocks(lines: list[str]) -> Iterator[Block]:
    paragraph: list[str] = []
    index = 0
    while index < len(lines):
        line = lines[index]
        if "|" in line and index + 1 < len(lines) and "|" in lines[index + 1] and _TABLE_RULE.match(lines[index + 1]):
            yield from _flush(paragraph)
            end = index + 2
            while end < len(lines) and "|" in lines[end] and lines[end].strip():
                end += 1
            yield _grid([lines[index], *lines[index + 2 : end]])
            index = end
            continue
        if not line.strip() or re.fullmatch(
            r"\s*(?:\*\s*){3,}|\s*(?:-\s*){3,}|\s*(?:_\s*){3,}|\s*```.*|\s*\[TOC\]\s*", line
        ):
            yield from _flush(paragraph)
        else:
            paragraph.append(line)
        index += 1
    yield from _flush(paragraph)


def _grid(lines: list[str]) -> Grid:
    return Grid(
        tuple(
            Row(n, tuple(_without_marks(cell) for cell in table_cells(line))) for n, line in enumerate(lines, start=1)
        )
    )


def _flush(paragraph: list[str]) -> Iterator[Block]:
    if not paragraph:
        return
    joined = ""
    for line in paragraph:
        body = re.sub(r"^\s*(?:>\s?)+", "", line)
        hard_break = joined.endswith(("  ", "\\")) or bool(_ITEM.match(body))
        separator = "\n" if joined and hard_break else ""
        joined = (
            (joined.rstrip(" \\") + separator + body.strip(" "))
            if separator
            else join_wrapped(joined, body.strip("\t").lstrip())
        )
    whole = joined.strip()
    bold = re.fullmatch(r"(\*\*|__)([^*_\n]{1,60})\1", whole)
    paragraph.clear()
    text = "\n".join(_without_marks(line) for line in html_to_text(whole).split("\n"))
    if bold and bold[2].strip()[-1] not in "。.!！;；,，:：":
        yield Heading(6, bold[2].strip())
    elif text.strip():
        yield Paragraph(text.strip())


def _without_marks(text: str) -> str:
    """Inline Markdown as plain text; the address of an outside link stays readable."""
    text = _LINK.sub(
        lambda m: f"{m[1]} ({m[2]})" if m[2].startswith("http") and not m[0].startswith("!") else m[1], text
    )
    for _ in range(3):
        text = _EMPHASIS.sub(r"\2", text)
    return re.sub(r"\\([\\`*_{}\[\]()#+.!|<>~-])", r"\1", text).strip()

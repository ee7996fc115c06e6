"""Puts changed sections into web pages and Word documents: the text under a heading is replaced, all else stays."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, TypeAlias

from bs4 import BeautifulSoup
from bs4.element import NavigableString, Tag

from app.knowledge.chunk import Chunk
from app.knowledge.sentences import table_cells
from ingestion.exporting.changes import FilePlan, RowChange
from ingestion.text import decode, one_line

Block: TypeAlias = str | list[list[str]]
"""A paragraph, or the rows of a table."""

_HEADING = re.compile(r"h[1-6]")
_RULE = re.compile(r"\|(?:\s*:?-+:?\s*\|)+")
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def patch_html(file: Path, plan: FilePlan) -> bytes | None:
    """The page with its sections changed, in UTF-8; None when a heading is not found just once."""
    soup = BeautifulSoup(decode(file.read_bytes()).removeprefix("\ufeff"), "lxml")
    for change in plan.changes:
        headings = [tag for tag in soup.find_all(_HEADING) if _says(tag.get_text(), change)]
        if len(headings) != 1:
            return None
        _replace_html(soup, headings[0], change.live)
    for meta in soup.find_all("meta", charset=True):
        meta["charset"] = "utf-8"
    return str(soup).encode()


def _replace_html(soup: BeautifulSoup, heading: Tag, live: Chunk | None) -> None:
    texts = []
    for node in heading.next_elements:
        if isinstance(node, Tag) and _HEADING.fullmatch(node.name):
            break
        if type(node) is NavigableString and heading not in node.parents:
            texts.append(node)
    for node in texts:
        node.extract()
    after: Tag = heading
    for block in _blocks(live.text) if live else ():
        made = _html_table(soup, block) if isinstance(block, list) else soup.new_tag("p")
        if isinstance(block, str):
            made.string = block
        after.insert_after(made)
        after = made


def _html_table(soup: BeautifulSoup, rows: list[list[str]]) -> Tag:
    table = soup.new_tag("table")
    for number, cells in enumerate(rows):
        line = soup.new_tag("tr")
        for text in cells:
            cell = soup.new_tag("td" if number else "th")
            cell.string = text
            line.append(cell)
        table.append(line)
    return table


def patch_docx(file: Path, plan: FilePlan) -> bytes | None:
    """The document with its sections changed; None when a heading is not found just once."""
    from docx import Document  # noqa: PLC0415

    document: Any = Document(str(file))
    known = {one_line(part) for chunk in _chunks(plan) for part in (chunk.locator, *chunk.title.split(" > "))}
    for change in plan.changes:
        body = list(document.element.body)
        places = [n for n, node in enumerate(body) if node.tag == f"{_W}p" and _says(_docx_text(node), change)]
        if len(places) != 1:
            return None
        start = places[0] + 1
        end = next((n for n in range(start, len(body)) if _ends(body[n], known)), len(body))
        _replace_docx(document, body[places[0]], body[start:end], change.live)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _ends(node: Any, known: set[str]) -> bool:
    return node.tag == f"{_W}sectPr" or (node.tag == f"{_W}p" and one_line(_docx_text(node)) in known)


def _replace_docx(document: Any, heading: Any, old: Sequence[Any], live: Chunk | None) -> None:
    pattern = next((node for node in old if node.tag == f"{_W}p" and _docx_text(node).strip()), None)
    for node in old:
        node.getparent().remove(node)
    after = heading
    for block in _blocks(live.text) if live else ():
        if isinstance(block, list):
            made = document.add_table(rows=len(block), cols=max(map(len, block)))
            for row, cells in zip(made.rows, block, strict=True):
                for cell, text in zip(row.cells, cells, strict=False):
                    cell.text = text
            made = made._element
        else:
            made = _docx_paragraph(document, pattern, block)
        after.addnext(made)
        after = made


def _docx_paragraph(document: Any, pattern: Any, text: str) -> Any:
    """A paragraph that looks like the one it replaces."""
    if pattern is None:
        made = document.add_paragraph(text)
        return made._element
    made = deepcopy(pattern)
    runs = made.findall(f"{_W}r")
    for node in list(made):
        if node.tag != f"{_W}pPr" and (not runs or node is not runs[0]):
            made.remove(node)
    from docx.text.paragraph import Paragraph  # noqa: PLC0415

    paragraph = Paragraph(made, document)
    if runs:
        paragraph.runs[0].text = text
    else:
        paragraph.add_run(text)
    return made


def _docx_text(node: Any) -> str:
    return "".join(text.text or "" for text in node.iter(f"{_W}t"))


def _says(text: str, change: RowChange) -> bool:
    return change.file is not None and one_line(text) == one_line(change.file.locator)


def _chunks(plan: FilePlan) -> Iterator[Chunk]:
    yield from plan.wanted
    yield from (change.file for change in plan.changes if change.file)


def _blocks(text: str) -> Iterator[Block]:
    """The lines of a section, those of a table together."""
    rows: list[list[str]] = []
    for line in text.split("\n"):
        if line.startswith("|"):
            if not _RULE.fullmatch(line.strip()):
                rows.append(table_cells(line))
            continue
        if rows:
            yield rows
            rows = []
        if line.strip():
            yield line
    if rows:
        yield rows

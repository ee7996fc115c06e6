"""Word documents: headings by style or, where there are none, by bold and size; lists and tables in place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import BadInput
from ingestion.converted import Block, ConvertedDocument, ConvertedFile, Grid, Heading, Paragraph, Row, title_of
from ingestion.converters import check_archive
from ingestion.text import clean, invisible_count, one_line

SUFFIXES = frozenset({".docx"})
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_HEADING_STYLE = re.compile(r"(?:heading|标题|überschrift)\s*(\d)", re.IGNORECASE)
_TITLE_STYLE = re.compile(r"title|标题", re.IGNORECASE)
_LIST_STYLE = re.compile(r"list|列表", re.IGNORECASE)
_CONTENTS_STYLE = re.compile(r"toc|目录", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Line:
    """A paragraph with what tells whether it is a heading. `level` is None for body text; `size` in points."""

    text: str
    level: int | None
    bold: bool
    size: float
    item: bool


def convert(path: Path) -> ConvertedFile:
    """One document a file. Raises BadInput for a damaged, encrypted or empty one."""
    from docx import Document  # noqa: PLC0415

    check_archive(path, "docx document")
    try:
        document = Document(str(path))
        parts = list(_parts(document.element.body, _style_facts(document)))
    except Exception as error:  # python-docx raises KeyError, ValueError and XML errors alike on damaged files
        raise BadInput(f"the document is damaged ({type(error).__name__}); save it again as docx") from error
    blocks = tuple(_as_blocks(parts))
    if not blocks:
        raise BadInput("the document holds no text (pictures are not read)")
    hidden = sum(invisible_count(node.text or "") for node in document.element.body.iter(f"{_W}t"))
    notes = (f"{hidden} invisible characters were removed",) if hidden else ()
    return ConvertedFile((ConvertedDocument(title_of(blocks, path.stem), blocks),), (), notes)


@dataclass(frozen=True, slots=True)
class _Style:
    name: str
    level: int | None
    bold: bool
    size: float


def _style_facts(document: Any) -> dict[str, _Style]:
    """Style id → what matters of it, with what it inherits."""
    facts: dict[str, _Style] = {}
    for style in document.styles:
        name, level, bold, size = style.name or "", None, None, None
        ancestor, steps = style, 0
        while ancestor is not None and steps < 12:
            level = level if level is not None else _style_level(ancestor)
            font = getattr(ancestor, "font", None)
            bold = bold if bold is not None or font is None else font.bold
            size = size if size is not None or font is None or font.size is None else font.size.pt
            ancestor, steps = getattr(ancestor, "base_style", None), steps + 1
        facts[style.style_id] = _Style(name, level, bool(bold), size or 0.0)
    return facts


def _style_level(style: Any) -> int | None:
    name = style.name or ""
    if match := _HEADING_STYLE.match(name):
        return int(match[1])
    if _TITLE_STYLE.fullmatch(name):
        return 0
    outline = style.element.find(f"{_W}pPr/{_W}outlineLvl")
    level = int(outline.get(f"{_W}val", "9")) if outline is not None else 9
    return level + 1 if level < 9 else None


def _parts(body: Any, styles: dict[str, _Style]) -> Iterator[_Line | Grid]:
    for child in body:
        if child.tag == f"{_W}p":
            if (line := _line(child, styles)) is not None:
                yield line
        elif child.tag == f"{_W}tbl":
            yield from _table(child, styles)
        elif child.tag == f"{_W}sdt" and "Table of Contents" not in _gallery(child):
            for content in child.findall(f"{_W}sdtContent"):
                yield from _parts(content, styles)


def _gallery(sdt: Any) -> str:
    found = sdt.find(f"{_W}sdtPr/{_W}docPartObj/{_W}docPartGallery")
    return str(found.get(f"{_W}val", "")) if found is not None else ""


def _line(paragraph: Any, styles: dict[str, _Style]) -> _Line | None:
    text = clean(_text(paragraph))
    if not text:
        return None
    named = paragraph.find(f"{_W}pPr/{_W}pStyle")
    style = styles.get(named.get(f"{_W}val") if named is not None else "Normal", _Style("", None, False, 0.0))
    if _CONTENTS_STYLE.match(style.name):
        return None
    level = style.level
    outline = paragraph.find(f"{_W}pPr/{_W}outlineLvl")
    if level is None and outline is not None and int(outline.get(f"{_W}val", "9")) < 9:
        level = int(outline.get(f"{_W}val")) + 1
    item = paragraph.find(f"{_W}pPr/{_W}numPr") is not None or bool(_LIST_STYLE.match(style.name))
    runs = [run for run in paragraph.iter(f"{_W}r") if (run.findtext(f"{_W}t") or "").strip()]
    bold = bool(runs) and all(_run_is_bold(run, style.bold) for run in runs)
    size = max((_run_size(run) or style.size for run in runs), default=style.size)
    return _Line(text, level, bold, size, item and level is None)


def _text(paragraph: Any) -> str:
    """All visible text, tracked insertions and links included, deletions and hidden runs not."""
    parts: list[str] = []
    for run in paragraph.iter(f"{_W}r"):
        if run.find(f"{_W}rPr/{_W}vanish") is not None or run.getparent().tag == f"{_W}del":
            continue
        for node in run:
            if node.tag == f"{_W}t":
                parts.append(node.text or "")
            elif node.tag in (f"{_W}tab", f"{_W}noBreakHyphen"):
                parts.append(" " if node.tag.endswith("tab") else "-")
            elif node.tag in (f"{_W}br", f"{_W}cr"):
                parts.append("\n")
    return "".join(parts)


def _run_is_bold(run: Any, inherited: bool) -> bool:
    mark = run.find(f"{_W}rPr/{_W}b")
    return inherited if mark is None else mark.get(f"{_W}val", "1") not in ("0", "false", "off")


def _run_size(run: Any) -> float:
    mark = run.find(f"{_W}rPr/{_W}sz")
    written = mark.get(f"{_W}val", "") if mark is not None else ""
    return float(written) / 2 if written.replace(".", "", 1).isdigit() else 0.0


def _table(table: Any, styles: dict[str, _Style]) -> Iterator[_Line | Grid]:
    rows: list[Row] = []
    above: list[str] = []
    for number, row in enumerate(table.findall(f"{_W}tr"), start=1):
        cells: list[str] = []
        for cell in row.findall(f"{_W}tc"):
            text = one_line(" ".join(_text(p) for p in cell.iter(f"{_W}p")))
            merge = cell.find(f"{_W}tcPr/{_W}vMerge")
            if merge is not None and merge.get(f"{_W}val", "continue") == "continue" and len(cells) < len(above):
                text = above[len(cells)]
            span = cell.find(f"{_W}tcPr/{_W}gridSpan")
            width = int(span.get(f"{_W}val", "1")) if span is not None else 1
            cells.extend([text, *[""] * (min(width, 100) - 1)])
        if any(cells):
            rows.append(Row(number, tuple(cells)))
        above = cells
    if max((len(row.cells) for row in rows), default=0) >= 2:
        yield Grid(tuple(rows))
        return
    for cell in table.iter(f"{_W}tc"):  # one column: a frame around text
        yield from _parts(cell, styles)


def _as_blocks(parts: list[_Line | Grid]) -> Iterator[Block]:
    lines = [part for part in parts if isinstance(part, _Line)]
    styled = any(line.level for line in lines)
    guess = {} if styled else _levels_by_look(lines)
    items: list[str] = []
    for part in parts:
        if isinstance(part, _Line) and part.item:
            items.append(f"- {one_line(part.text)}")
            continue
        if items:
            yield Paragraph("\n".join(items))
            items = []
        if isinstance(part, Grid):
            yield part
        elif part.level is not None:
            yield Heading(part.level, one_line(part.text))
        elif (part.bold, part.size) in guess and _reads_like_heading(part.text):
            yield Heading(guess[(part.bold, part.size)], one_line(part.text))
        else:
            yield Paragraph(part.text)
    if items:
        yield Paragraph("\n".join(items))


def _levels_by_look(lines: list[_Line]) -> dict[tuple[bool, float], int]:
    """(bold, size) → level, for looks that stand out from what most of the text looks like."""
    weight: dict[tuple[bool, float], int] = {}
    for line in lines:
        weight[(line.bold, line.size)] = weight.get((line.bold, line.size), 0) + len(line.text)
    if len(weight) < 2:
        return {}
    body = max(weight, key=lambda look: weight[look])
    standing_out = [look for look in weight if look[1] > body[1] or (look[0] and not body[0] and look[1] >= body[1])]
    standing_out.sort(key=lambda look: (-look[1], not look[0]))
    return {look: level for level, look in enumerate(standing_out, start=1)}


def _reads_like_heading(text: str) -> bool:
    return len(text) <= 80 and "\n" not in text and text[-1] not in "。.;；,，:：!！"

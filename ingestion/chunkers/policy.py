"""Policies: one chunk a section, with its heading path as context and its tables whole.

Front matter, breadcrumbs, tables of contents and title-only sections become no chunks of their own: they
would be a little similar to every vague question and win it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from app.knowledge.chunk import Chunk, Document
from app.knowledge.sentences import split_sentences
from ingestion.chunkers import Chunked, make_chunk
from ingestion.converted import Block, Grid, Heading, Paragraph
from ingestion.tables import Table, markdown_rows, read_tables
from ingestion.text import language_of
from ingestion.validity import ALWAYS, Window, windows_in

SECTION_TOKENS = 350
INTRODUCTION_TOKENS = 60
SCRAP_TOKENS = 8
_CJK = re.compile(r"[\u3400-\u9fff\uff00-\uffef\u3000-\u303f]")
_WORD = re.compile(r"[A-Za-z0-9]+|[^\sA-Za-z0-9\u3000-\u9fff\uff00-\uffef]")
_CONTENTS = re.compile(
    r"(?:table of )?contents|on this page|in this (?:article|document|guide)|目录|目錄|本页内容|索引", re.IGNORECASE
)
_CRUMBS = re.compile(r"^[^。.!?！？\n]{1,30}(?:\s*(?:>|›|»|→|/)\s*[^。.!?！？\n>›»→/]{1,40}){1,6}$")


@dataclass(slots=True)
class _Section:
    """Text under one heading. `parts` are kept whole when the section is cut; a table is one part."""

    path: tuple[str, ...]
    parts: list[str | Table] = field(default_factory=list)
    window: Window = ALWAYS

    @property
    def heading(self) -> str:
        return self.path[-1] if self.path else ""


def count_tokens(text: str) -> int:
    """About how many tokens a text has for a multilingual model; never far too few."""
    return len(_CJK.findall(text)) + round(1.3 * len(_WORD.findall(text)))


def chunk_policy(document: Document, blocks: Sequence[Block], zone: tzinfo = UTC, window: Window = ALWAYS) -> Chunked:
    """The sections of a document as chunks; the locator is the innermost heading exactly as written.

    A section counts within the document's `window`, and within what a line of its own or of a heading above it says
    (“有效期：…”, “Valid until …”): days are days in `zone`.
    """
    sections = _merge(_dated(list(_sections(document.title, blocks)), zone, window))
    result = Chunked()
    for section in [s for s in sections if s.window.is_empty]:
        result.warnings.append(f"“{section.heading or document.title}” ends before it begins: it was left out")
        sections.remove(section)
    seen: set[str] = set()
    for section in sections:
        for chunk in _section_chunks(document, section):
            if chunk.chunk_id not in seen:
                seen.add(chunk.chunk_id)
                result.chunks.append(chunk)
    if result.chunks:
        result.documents.append(document)
    return result


def _sections(title: str, blocks: Sequence[Block]) -> Iterator[_Section]:
    path: list[Heading] = []
    headings = {block.text for block in blocks if isinstance(block, Heading)}
    tops = [b for b in blocks if isinstance(b, Heading)]
    # A single outermost heading at the very start is the document's own title; otherwise its name gives the context.
    own_title = bool(tops) and isinstance(blocks[0], Heading) and sum(h.level <= tops[0].level for h in tops) == 1
    root = () if own_title and len(tops) > 1 else (title,)
    section = _Section(root)
    for block in blocks:
        if isinstance(block, Heading):
            yield section
            path = [h for h in path if h.level < block.level] + [block]
            names = [h.text for h in path]
            section = _Section(tuple(names) if names[:1] == list(root) else (*root, *names))
        elif isinstance(block, Grid):
            section.parts.extend(read_tables(block))
        elif block.text == title and not path:
            continue  # the title, set as plain text
        elif not _is_furniture(block, section.heading, headings, first=not path or len(path) == 1):
            section.parts.append(block.text)
    yield section


def _dated(sections: list[_Section], zone: tzinfo, window: Window) -> list[_Section]:
    """The sections with the window they count in: their own line's, their headings', the document's."""
    stated: dict[tuple[str, ...], Window] = {(): window}
    for section in sections:
        lines = [line for part in section.parts if isinstance(part, str) for line in part.split("\n")]
        stated[section.path] = windows_in(lines, zone).within(stated.get(section.path, ALWAYS))
    for section in sections:
        for depth in range(len(section.path) + 1):
            section.window = stated.get(section.path[:depth], ALWAYS).within(section.window)
    return sections


def _is_furniture(block: Paragraph, heading: str, headings: set[str], *, first: bool) -> bool:
    """Tables of contents and breadcrumbs: they lead to text, and are none."""
    lines = [re.sub(r"^[-\d.、)\s]+|[.…·\s]+\d*$", "", line).strip() for line in block.text.split("\n")]
    known = [line for line in lines if line in headings or any(h.endswith(line) for h in headings if line)]
    if len(lines) > 1 and len(known) >= 0.8 * len(lines):
        return True
    if _CONTENTS.fullmatch(heading.strip()) and len(lines) > 1:
        return True
    return (
        first and len(block.text) <= 100 and _CRUMBS.match(block.text) is not None and not re.search(r"\d", block.text)
    )


def _merge(sections: list[_Section]) -> list[_Section]:
    """Drop sections without text; give short introductions and scraps to a neighbour."""
    filled = [s for s in sections if s.parts]
    merged: list[_Section] = []
    carried: list[str | Table] = []
    for index, section in enumerate(filled):
        following = filled[index + 1] if index + 1 < len(filled) else None
        text = _text(section.parts)
        leads = following is not None and _introduces(section, following) and following.window == section.window
        if leads and count_tokens(text) <= INTRODUCTION_TOKENS and _only_text(section):
            carried.extend(section.parts)
        elif _is_scrap(text) and _only_text(section) and (neighbour := following or (merged[-1] if merged else None)):
            scrap = f"{section.heading}: {text}" if len(section.path) > 1 else text
            if neighbour.window != section.window:
                merged.append(_Section(section.path, [*carried, *section.parts], section.window))
                carried = []
            elif following is not None:
                carried.append(scrap)
            else:
                neighbour.parts.append(scrap)
        else:
            merged.append(_Section(section.path, [*carried, *section.parts], section.window))
            carried = []
    return merged


def _introduces(section: _Section, following: _Section) -> bool:
    """Whether the section is the document's front matter: text under its title, before the first real heading."""
    return len(section.path) == 1 and following.path[:1] == section.path and len(following.path) > 1


def _is_scrap(text: str) -> bool:
    # A short section with a figure or an address in it ("400-017-2026") is an answer, not a scrap.
    return count_tokens(text) < SCRAP_TOKENS and not re.search(r"[\d@]", text)


def _only_text(section: _Section) -> bool:
    return all(isinstance(part, str) for part in section.parts)


def _text(parts: Sequence[str | Table]) -> str:
    return "\n".join(part if isinstance(part, str) else table_text(part) for part in parts)


def table_text(table: Table) -> str:
    """A whole table as Markdown, with what stands above and below it."""
    lines = [*table.captions]
    if table.rows or table.header.names:
        header, rows = markdown_rows(table.header.names, [row.cells for row in table.rows])
        lines.extend([header, *rows])
    return "\n".join([*lines, *table.notes])


def _section_chunks(document: Document, section: _Section) -> Iterator[Chunk]:
    title = " > ".join(section.path) or document.title
    for text in _pieces(section.parts):
        yield make_chunk(
            document,
            locator=section.heading or document.title,
            title=title,
            text=text,
            language=document.language or language_of(f"{title} {text}"),
            section=section.path[-2] if len(section.path) > 1 else "",
            valid_from=section.window.starts,
            valid_until=section.window.ends,
        )


def _pieces(parts: Sequence[str | Table]) -> Iterator[str]:
    """Texts of at most about SECTION_TOKENS, cut between paragraphs where possible."""
    if count_tokens(whole := _text(parts)) <= SECTION_TOKENS:
        yield whole
        return
    piece: list[str] = []
    for part in (small for whole_part in parts for small in _small_enough(whole_part)):
        if piece and count_tokens("\n".join([*piece, part])) > SECTION_TOKENS:
            yield "\n".join(piece)
            piece = []
        piece.append(part)
    if piece:
        yield "\n".join(piece)


def _small_enough(part: str | Table) -> Iterator[str]:
    if isinstance(part, Table):
        text = table_text(part)
        if count_tokens(text) <= SECTION_TOKENS:
            yield text
        else:
            yield from _table_pieces(part)
    elif count_tokens(part) <= SECTION_TOKENS:
        yield part
    elif "\n" in part:
        for line in part.split("\n"):
            yield from _small_enough(line)
    else:
        yield from _split_long(part)


def _table_pieces(table: Table) -> Iterator[str]:
    header, rows = markdown_rows(table.header.names, [row.cells for row in table.rows])
    lead = "\n".join([*table.captions, header])
    piece: list[str] = []
    for row in rows:
        if piece and count_tokens("\n".join([lead, *piece, row])) > SECTION_TOKENS:
            yield "\n".join([lead, *piece])
            piece = []
        piece.append(row)
    yield "\n".join([lead, *piece, *table.notes])


def _split_long(paragraph: str) -> list[str]:
    """One paragraph that is too long, cut between sentences by LlamaIndex's SentenceSplitter."""
    from ingestion.splitter import sentence_splitter  # noqa: PLC0415

    return [
        piece for piece in sentence_splitter(SECTION_TOKENS, split_sentences).split_text(paragraph) if piece.strip()
    ]

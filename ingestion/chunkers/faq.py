"""FAQ rows: one chunk a row, with all its phrasings and its date window."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from app.knowledge.chunk import Chunk, Document, Kind
from ingestion import dates
from ingestion.chunkers import Chunked, document_for, make_chunk
from ingestion.converted import ConvertedDocument, SkippedRow
from ingestion.converters.html import html_to_text
from ingestion.headers import Column, is_yes, meanings
from ingestion.tables import Table
from ingestion.text import language_of, one_line
from ingestion.validity import ALWAYS, Window

_BETWEEN = re.compile(r"[|｜\n]+")


@dataclass(frozen=True, slots=True)
class FaqEntry:
    """One FAQ row, read."""

    row: int
    question: str
    answer: str
    similar: tuple[str, ...]
    section: str
    related: tuple[str, ...]
    valid_from: datetime | None
    valid_until: datetime | None
    language: str
    row_key: str = ""


class _Unusable(ValueError):
    """A row that is left out, with what checks need to know of it."""

    def __init__(self, reason: str, code: str, subject: str) -> None:
        super().__init__(reason)
        self.code = code
        self.subject = subject


class FaqChunker:
    """Makes chunks of the FAQ rows of one file, and keeps an eye on duplicates within it."""

    def __init__(self, path: str, zone: tzinfo, outer: Window = ALWAYS) -> None:
        """`outer` is when the document counts that the rows stand in: none of them counts longer."""
        self._path = path
        self._zone = zone
        self._outer = outer
        self._seen: dict[str, list[FaqEntry]] = {}

    def table(self, table: Table, title: str, part: str = "") -> Chunked:
        """All rows of an FAQ table. Rows that cannot be used are skipped with the reason. `part` tells a table of a
        text apart from that text."""
        result = Chunked()
        document = document_for(self._path, title, Kind.FAQ, language_of(" ".join(table.header.names)), part)
        for row in table.rows:
            values = {column: row.cells[i] for column, i in table.header.columns.items() if i < len(row.cells)}
            surplus = [cell for cell in row.cells[len(table.header.names) :] if cell]
            if surplus:
                width = len(table.header.names)
                reason = f"the row has {len(row.cells)} cells, the header {width}: put text with separators in quotes"
                result.skipped.append(SkippedRow(row.number, reason))
            else:
                self._add(result, document, row.number, values, "")
        if result.chunks:
            result.documents.append(document)
        return result

    def record(self, record: ConvertedDocument) -> Chunked:
        """One JSONL record of kind faq."""
        result = Chunked()
        values: dict[Column, str] = {}
        for name, value in record.fields.items():
            for column in meanings(name):
                values.setdefault(column, value)
        values[Column.QUESTION] = record.fields.get("question") or values.get(Column.QUESTION, "")
        document = document_for(self._path, record.title, Kind.FAQ, record.language or "en", record.record_id)
        self._add(result, document, record.line, values, record.language)
        if result.chunks:
            result.documents.append(document)
        return result

    def _add(self, result: Chunked, document: Document, row: int, values: dict[Column, str], language: str) -> None:
        try:
            entry = self._read(row, values, language)
        except ValueError as error:
            known = (error.code, error.subject) if isinstance(error, _Unusable) else ("", "")
            result.skipped.append(SkippedRow(row, str(error), *known))
            return
        if entry is None:
            return
        for other in self._seen.get(_key(entry.question), ()):
            same_window = (other.valid_from, other.valid_until) == (entry.valid_from, entry.valid_until)
            if same_window and other.answer == entry.answer:
                result.skipped.append(SkippedRow(row, f"the same question and answer stand in row {other.row}"))
                return
            if same_window:
                where = f"rows {other.row} and {row} answer “{entry.question[:60]}” differently"
                result.warnings.append(f"{where} for the same dates; both were kept")
        self._seen.setdefault(_key(entry.question), []).append(entry)
        result.chunks.append(faq_chunk(document, entry))

    def _read(self, row: int, values: dict[Column, str], language: str) -> FaqEntry | None:
        question = one_line(html_to_text(values.get(Column.QUESTION, "")))
        answer = html_to_text(values.get(Column.ANSWER, ""))
        if not question and not answer:
            if any(value.strip() for value in values.values()):
                raise ValueError("neither a question nor an answer")
            return None
        if not question:
            raise ValueError("an answer without a question")
        if not answer:
            raise _Unusable(f"the question “{question[:60]}” has no answer", "no_answer", question)
        starts = dates.valid_from(values.get(Column.VALID_FROM, ""), self._zone)
        ends = dates.valid_until(values.get(Column.VALID_UNTIL, ""), self._zone)
        if starts and ends and starts >= ends:
            raise _Unusable("it ends before it starts: exchange the two dates", "never_valid", question)
        window = Window(starts, ends).within(self._outer)
        if is_yes(values.get(Column.DISABLED, "")):
            raise ValueError(f"“{question[:60]}” is marked as disabled")
        return FaqEntry(
            row,
            question,
            answer,
            tuple(_several(values.get(Column.SIMILAR, ""))),
            one_line(values.get(Column.SECTION, "")),
            tuple(_several(values.get(Column.RELATED, ""))),
            window.starts,
            window.ends,
            language or language_of(f"{question} {answer}"),
            one_line(values.get(Column.ID, "")),
        )


def _several(cell: str) -> Iterator[str]:
    return several(html_to_text(cell))


def several(text: str) -> Iterator[str]:
    """The questions in a text that holds one a line, or several with | between."""
    for part in _BETWEEN.split(text):
        if text := one_line(part).removeprefix("- "):
            yield text


def _key(question: str) -> str:
    return re.sub(r"[\W_]+", "", question).casefold()


def faq_chunk(document: Document, entry: FaqEntry) -> Chunk:
    """The chunk of one row."""
    return make_chunk(
        document,
        locator=f"row {entry.row} | {entry.question}",
        title=entry.question,
        text=entry.answer,
        language=entry.language,
        phrasings=_distinct([entry.question, *entry.similar]),
        valid_from=entry.valid_from,
        valid_until=entry.valid_until,
        related=_distinct(entry.related),
        section=entry.section,
        row_key=entry.row_key,
    )


def _distinct(texts: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(texts))

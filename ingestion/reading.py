"""Reads files into chunks: converts each, sends its tables and texts to the chunker of their kind."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path

from app.errors import BadInput
from app.knowledge.chunk import Kind
from ingestion.chunkers import Chunked, document_for
from ingestion.chunkers.faq import FaqChunker
from ingestion.chunkers.policy import chunk_policy
from ingestion.chunkers.product import ProductChunker
from ingestion.converted import Block, ConvertedDocument, ConvertedFile, Grid, Heading, Paragraph, SkippedRow
from ingestion.converters import NotOurs, convert_file
from ingestion.converters.merchant_feed import feed_grid
from ingestion.headers import Column, TableKind, normal
from ingestion.mapping import TableRule, rule_for
from ingestion.recognise import TableSeen, text_table
from ingestion.sources import SourceFile
from ingestion.tables import Table, faq_table, read_tables
from ingestion.text import language_of
from ingestion.validity import Window, window_of_fields

_FAQ_KINDS = frozenset({"faq", "faqs", "qa", "q&a", "question", "问答", "常见问题"})
_PRODUCT_KINDS = frozenset({"product", "products", "item", "sku", "商品", "产品"})


@dataclass(slots=True)
class FileRead:
    """What came of one file; with an `error` it could not be read at all, `foreign` it holds something else."""

    path: str
    chunked: Chunked = field(default_factory=Chunked)
    error: str = ""
    tables: list[TableSeen] = field(default_factory=list)
    foreign: str = ""

    @property
    def has_products(self) -> bool:
        """Whether rows of products stand in it."""
        return any(table.read_as == TableKind.PRODUCT for table in self.tables) or any(
            chunk.kind is Kind.PRODUCT for chunk in self.chunked.chunks
        )


@dataclass(frozen=True, slots=True)
class _Undecided:
    """A table that is a spec sheet if its first names are known products. `told`: mapping.yaml says it is text."""

    path: str
    document: ConvertedDocument
    table: Table
    grid: Grid
    told: bool


class Reader:
    """Reads the files of one shop; product tables of all files are brought together in the end."""

    def __init__(self, zone: tzinfo, rules: Sequence[TableRule] = ()) -> None:
        """`rules`: what mapping.yaml says of tables."""
        self._rules = rules
        self._zone = zone
        self._products = ProductChunker(zone)
        self._reads: dict[str, FileRead] = {}
        self._undecided: list[_Undecided] = []
        self.has_products = False

    def read(self, sources: Iterable[SourceFile]) -> None:
        """Read files; one that fails is noted with its error and does not stop the others."""
        for source in sources:
            read = self._reads.setdefault(source.path, FileRead(source.path))
            try:
                self._route(source.path, convert_file(source.file), read.chunked)
            except NotOurs as error:
                read.foreign = str(error)
                read.chunked.warnings.append(f"ignored: {error}")
            except BadInput as error:
                read.error = str(error)
            except OSError as error:
                read.error = f"the file cannot be opened: {error.strerror}"
            except (RecursionError, MemoryError) as error:
                read.error = f"the file is built too strangely to be read ({type(error).__name__})"

    def take(self, read: FileRead) -> None:
        """A file that was read before and has not changed since."""
        self._reads[read.path] = read

    def alone(self, path: str) -> FileRead | None:
        """What came of a file, if nothing of it waits for other files: products, and tables that may be of some."""
        waits = path in self._products.paths() or any(table.path == path for table in self._undecided)
        return None if waits else self._reads.get(path)

    def read_product_tables(self, sources: Iterable[SourceFile]) -> list[str]:
        """Read the product tables of further files, and nothing else of them. Returns the paths that had some."""
        found = []
        for source in sources:
            if not _may_hold_products(source.file):
                continue
            probe = Reader(self._zone, self._rules)
            probe.read([source])
            if probe.has_products:
                self.read([source])
                found.append(source.path)
        return found

    def finish(self) -> list[FileRead]:
        """All files read, with their chunks."""
        self._settle_undecided()
        for path, chunked in self._products.chunk().items():
            self._reads[path].chunked.extend(chunked)
        product_paths = self._products.paths()
        for read in self._reads.values():
            nothing = not read.chunked.chunks and not read.chunked.skipped and read.path not in product_paths
            if not read.error and not read.foreign and nothing:
                read.chunked.warnings.append("nothing in it could be used as knowledge")
        return list(self._reads.values())

    def _route(self, path: str, converted: ConvertedFile, result: Chunked) -> None:
        result.skipped.extend(converted.skipped)
        result.warnings.extend(converted.warnings)
        faq = FaqChunker(path, self._zone)
        for document in converted.documents:
            if document.tabular:
                self._route_tables(path, document, faq, result)
            elif document.line:
                self._route_record(path, document, faq, result)
            else:
                language = document.language or language_of(_all_text(document.blocks))
                policy = document_for(path, document.title, Kind.POLICY, language, document.record_id)
                window = self._window(document.fields)
                blocks = self._take_faq_tables(path, document, FaqChunker(path, self._zone, window), result)
                result.extend(chunk_policy(policy, blocks, self._zone, window))

    def _take_faq_tables(
        self, path: str, document: ConvertedDocument, faq: FaqChunker, result: Chunked
    ) -> Sequence[Block]:
        """Read the tables of a text that hold questions and answers; what is left of the text comes back."""
        rest: list[Block] = []
        heading, count = document.title, 0
        for block in document.blocks:
            if isinstance(block, Heading):
                heading = block.text
            if not isinstance(block, Grid) or (table := faq_table(block)) is None:
                rest.append(block)
                continue
            count += 1
            result.extend(faq.table(table, heading, f"table {count}"))
            self._saw(path, block, table)
        return rest

    def _route_tables(self, path: str, document: ConvertedDocument, faq: FaqChunker, result: Chunked) -> None:
        for grid in document.blocks:
            if not isinstance(grid, Grid):
                continue
            rule = rule_for(self._rules, path, grid.name)
            if rule is not None and rule.kind is None:
                continue
            grid = (feed_grid(grid) if rule is None else None) or grid  # noqa: PLW2901
            for number, table in enumerate(read_tables(grid, rule)):
                if table.header.kind is TableKind.FAQ:
                    result.extend(faq.table(table, table.name or document.title, document.record_id))
                    self._saw(path, grid, table)
                elif table.header.kind is TableKind.PRODUCT:
                    self.has_products = True
                    self._products.add_table(path, document.title, table, document.record_id)
                    self._saw(path, grid, table)
                elif number == 0:
                    self._undecided.append(_Undecided(path, document, table, grid, told=rule is not None))

    def _saw(self, path: str, grid: Grid, table: Table) -> None:
        header, unused = table.header, []
        if header.kind is TableKind.FAQ:
            used = set(header.columns.values())
            filled = {i for row in table.rows for i, cell in enumerate(row.cells) if cell}
            unused = [n for i, n in enumerate(header.names) if n and i not in used and i in filled and not _is_id(n)]
        self._reads[path].tables.append(
            TableSeen(grid.name, table.header_row, header.names, len(table.rows), header.kind.value, tuple(unused))
        )

    def _route_record(self, path: str, record: ConvertedDocument, faq: FaqChunker, result: Chunked) -> None:
        if record.kind in _FAQ_KINDS:
            result.extend(faq.record(record))
        elif record.kind in _PRODUCT_KINDS:
            self.has_products = True
            self._products.add_record(path, record)
        elif not record.blocks:
            result.skipped.append(SkippedRow(record.line, "the record has no text"))
        else:
            text = _all_text(record.blocks)
            title = record.title or text.split("\n", 1)[0][:60]
            record_id = record.record_id or str(record.line)
            document = document_for(path, title, Kind.POLICY, record.language or language_of(text), record_id)
            blocks: Sequence[Block] = record.blocks
            if "\n#" in f"\n{text}":
                from ingestion.converters.markdown import markdown_blocks  # noqa: PLC0415

                blocks = tuple(markdown_blocks(text))
            try:
                result.extend(chunk_policy(document, blocks, self._zone, window_of_fields(record.fields, self._zone)))
            except ValueError as error:
                result.skipped.append(SkippedRow(record.line, str(error)))

    def _window(self, fields: Mapping[str, str]) -> Window:
        """What front matter says. Raises BadInput: a text whose dates nobody can read must not answer at any time."""
        try:
            return window_of_fields(fields, self._zone)
        except ValueError as error:
            raise BadInput(f"its front matter: {error}") from None

    def _settle_undecided(self) -> None:
        """Tables without SKU or price: a spec sheet when its first names are known products, else policy text."""
        names = self._products.names()
        for undecided in self._undecided:
            path, document, table, grid = undecided.path, undecided.document, undecided.table, undecided.grid
            column = table.header.columns.get(Column.NAME)
            cells = [r.cells[column] for r in table.rows if column is not None and column < len(r.cells)]
            if cells and sum(cell in names for cell in cells) >= 0.5 * len(cells):
                self._products.add_table(path, document.title, table)
                self._saw(path, grid, table)
                continue
            seen = text_table(grid, table.header_row, table.header.names, len(table.rows), told=undecided.told)
            self._reads[path].tables.append(seen)
            blocks: list[Block] = [Heading(1, table.name), grid] if table.name else [grid]
            language = language_of(" ".join(c for row in grid.rows for c in row.cells))
            policy = document_for(path, document.title, Kind.POLICY, language)
            result = self._reads[path].chunked
            known = {d.document_id for d in result.documents}
            made = chunk_policy(policy, blocks, self._zone)
            made.documents = [d for d in made.documents if d.document_id not in known]
            result.extend(made)


_IDS = re.compile(
    r"id|no|nr|number|序号|编号|(?:更新|创建)时间|(?:updated|created)(?:at)?|(?:html)?url|link|locale|语言|作者|author"
)


def _may_hold_products(file: Path) -> bool:
    """By its name; a page is looked into for the mark of schema.org data, which is cheaper than reading it."""
    suffix = file.suffix.lower()
    if suffix in (".html", ".htm"):
        try:
            return b"ld+json" in file.read_bytes()
        except OSError:
            return False
    return suffix in (".csv", ".tsv", ".xlsx", ".xlsm", ".jsonl", ".ndjson", ".json", ".xml")


def _is_id(header: str) -> bool:
    """Whether a column only numbers or stamps its rows: nobody misses it."""
    return _IDS.fullmatch(normal(header)) is not None


def _all_text(blocks: Sequence[Block]) -> str:
    return "\n".join(block.text for block in blocks if isinstance(block, Heading | Paragraph))

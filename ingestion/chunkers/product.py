"""Products: a card a variant, with its attributes as rows; spec sheets are merged in by SKU, handle or name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo

from app.knowledge.chunk import Kind
from ingestion.chunkers import Chunked, document_for, make_chunk
from ingestion.chunkers.families import family_names
from ingestion.chunkers.sale import row_window, standings
from ingestion.chunkers.shopify import SHIPPING_WEIGHT, is_shopify, shopify_rows
from ingestion.converted import ConvertedDocument, Disagreement, SkippedRow
from ingestion.converters.html import html_to_text
from ingestion.headers import Column, TableHeader, is_yes, meanings, normal
from ingestion.sources import ELSEWHERE
from ingestion.tables import Table
from ingestion.text import language_of, one_line
from ingestion.validity import ALWAYS, Window

_CONFIDENTIAL = re.compile(
    r"成本价?|进价|进货价|采购价|毛利率?|利润|cost|costprice|costperitem|purchaseprice|margin|profit"
)
_PICTURE = re.compile(r"https?://\S+\.(?:jpe?g|png|webp|gif|avif)\S*", re.IGNORECASE)


@dataclass(slots=True)
class _Variant:
    """One product row on its way to a chunk; the first source it was found in is its own.

    `origins` says of what was merged in from other files where it stands: attribute → (path, locator there).
    """

    path: str
    row: int
    sku: str
    name: str
    group: str
    attributes: dict[str, str]
    language: str = ""
    record_id: str = ""
    title: str = ""
    locator: str = ""
    origins: dict[str, tuple[str, str]] = field(default_factory=dict)
    window: Window = ALWAYS
    disabled: bool = False

    @property
    def named(self) -> str:
        """How its row is named where it was read."""
        return self.sku or self.locator or self.group or self.name


@dataclass(slots=True)
class _Source:
    """A product table of one file; `rank` 0 has names and prices, 1 names only, 2 is a spec sheet."""

    path: str
    title: str
    rank: int
    variants: list[_Variant]
    result: Chunked = field(default_factory=Chunked)


class ProductChunker:
    """Collects the product tables of all files of a shop, then makes one chunk a variant, and one more for a sale."""

    def __init__(self, zone: tzinfo = UTC) -> None:
        self._zone = zone
        self._sources: list[_Source] = []

    def add_table(self, path: str, title: str, table: Table, part: str = "") -> None:
        """Take a product table or spec sheet; chunks are made by `chunk`. `part` tells a table of a text apart from
        that text."""
        names = [*table.header.names]
        source = _Source(path, title, 2, [])
        if is_shopify(names):
            source.rank = 0
            for row in shopify_rows(table, source.result.skipped):
                told = (path, row.row, row.sku, row.name, row.handle, row.attributes)
                source.variants.append(_Variant(*told, title=title, disabled=row.disabled))
        else:
            columns = table.header.columns
            source.rank = 2 if Column.NAME not in columns else (0 if Column.PRICE in columns else 1)
            source.variants.extend(_plain_rows(path, title, table, source.result))
        for variant in source.variants:
            variant.record_id = part
        self._sources.append(source)

    def add_record(self, path: str, record: ConvertedDocument) -> None:
        """Take one JSONL record of kind product."""
        columns: dict[Column, str] = {}
        for name, value in record.fields.items():
            for column in meanings(name):
                columns.setdefault(column, value)
        sku = one_line(columns.get(Column.SKU, "")) or record.record_id
        name = one_line(columns.get(Column.NAME, "")) or record.title or sku
        hidden = {n for n in record.fields if Column.SKU in meanings(n)}
        attributes = {n: html_to_text(v) for n, v in record.fields.items() if n not in hidden and not _is_private(n)}
        handle = one_line(columns.get(Column.HANDLE, "")) or name
        variant = _Variant(
            path, record.line, sku, name, handle, attributes, record.language, record.record_id, record.title or name
        )
        self._sources.append(_Source(path, record.title or name, 0, [variant]))

    def names(self) -> set[str]:
        """Names and handles of the products taken so far."""
        return {text for source in self._sources for v in source.variants for text in (v.name, v.group) if text}

    def paths(self) -> set[str]:
        """Files that product tables were taken from."""
        return {source.path for source in self._sources}

    def chunk(self) -> dict[str, Chunked]:
        """Path → what came of it. Rows of the same SKU in several files become one chunk of the first file."""
        dated = [(variant, source) for source in self._sources for variant in self._take_dated(source)]
        kept: dict[str, _Variant] = {}
        # The shop's folder before what came from elsewhere, in whatever order they were read in this run.
        for source in sorted(self._sources, key=lambda s: (s.rank, s.path.startswith(ELSEWHERE))):
            fresh: dict[str, _Variant] = {}
            for variant in source.variants:
                self._place(variant, source, kept, fresh)
            kept.update(fresh)
        results: dict[str, Chunked] = {}
        for source in self._sources:
            results.setdefault(source.path, Chunked()).extend(source.result)
        _gather(list(kept.values()))
        for variant in [*kept.values(), *(_over(variant, kept, source) for variant, source in dated)]:
            if variant.disabled:
                # It took what other files tell of it, so that nothing of it is left over.
                skipped = SkippedRow(variant.row, f"{variant.named} is marked as disabled")
                results[variant.path].skipped.append(skipped)
            else:
                self._append(results[variant.path], variant)
        return results

    def _take_dated(self, source: _Source) -> list[_Variant]:
        """The rows that hold for a time only, out of a source; one whose dates nobody can read is skipped."""
        usual: list[_Variant] = []
        dated: list[_Variant] = []
        for variant in source.variants:
            try:
                standing = row_window(variant.attributes, self._zone)
                standings(standing.attributes, standing.window, self._zone)
            except ValueError as error:
                source.result.skipped.append(SkippedRow(variant.row, str(error), subject=variant.named))
                continue
            variant.attributes, variant.window = standing.attributes, standing.window
            (usual if variant.window == ALWAYS else dated).append(variant)
        source.variants = usual
        return dated

    def _append(self, result: Chunked, variant: _Variant) -> None:
        """What holds of the row, and when: the usual values, then those with the sale price."""
        for standing in standings(variant.attributes, variant.window, self._zone):
            attributes = dict(standing.attributes)
            _append_chunk(result, replace(variant, attributes=attributes, window=standing.window))

    def _place(self, variant: _Variant, source: _Source, kept: dict[str, _Variant], fresh: dict[str, _Variant]) -> None:
        key = _key(variant.sku or variant.name)
        skipped = source.result.skipped
        first = fresh.get(key)
        if first and not variant.sku and first.attributes != variant.attributes:
            # Without SKUs, rows of one name are its variants; each needs a name of its own.
            variant.locator = f"{variant.name} ({variant.row})"
            fresh[_key(variant.locator)] = variant
        elif first:
            what = f"the SKU {variant.sku}" if variant.sku else f"the product {variant.name}"
            skipped.append(SkippedRow(variant.row, f"{what} stands in row {first.row} already"))
        elif targets := [kept[key]] if variant.sku and key in kept else _targets(variant, source.rank, kept):
            for target in targets if not variant.disabled else ():
                _merge(target, variant, source.result)
        elif not variant.name and not variant.sku:
            skipped.append(SkippedRow(variant.row, "neither a SKU nor a name"))
        else:
            if source.rank == 2 and kept:
                note = (
                    f"row {variant.row}: {variant.sku or variant.name} stands in no product table; it was kept as it is"
                )
                source.result.warnings.append(note)
            fresh[key] = variant


def _over(variant: _Variant, kept: dict[str, _Variant], source: _Source) -> _Variant:
    """A dated row over the usual one of its SKU, which says what the dated one leaves out."""
    usual = kept.get(_key(variant.sku)) if variant.sku else None
    if usual is None:
        return variant
    elsewhere = source.path != usual.path
    origins = dict.fromkeys(variant.attributes, (variant.path, variant.named)) if elsewhere else {}
    attributes = {**usual.attributes, **{name: value for name, value in variant.attributes.items() if value}}
    return replace(usual, attributes=attributes, origins={**usual.origins, **origins}, window=variant.window)


def _plain_rows(path: str, title: str, table: Table, result: Chunked) -> Iterator[_Variant]:
    header = table.header
    labelled = list(attribute_columns(header, table))
    for row in table.rows:
        if surplus := [cell for cell in row.cells[len(header.names) :] if cell]:
            reason = f"the row has {len(surplus)} cells more than the header: put text with separators in quotes"
            result.skipped.append(SkippedRow(row.number, reason))
            continue

        def cell(column: Column, cells: tuple[str, ...] = row.cells) -> str:
            index = header.columns.get(column)
            return one_line(cells[index]) if index is not None and index < len(cells) else ""

        sku, name, handle = cell(Column.SKU), cell(Column.NAME), cell(Column.HANDLE)
        attributes = {
            label: value for label, i in labelled if i < len(row.cells) and (value := html_to_text(row.cells[i]))
        }
        if not any((sku, name, handle)):
            if attributes:
                result.skipped.append(SkippedRow(row.number, "neither a SKU nor a name"))
            continue
        if Column.SKU in header.columns and not sku and Column.NAME in header.columns:
            result.warnings.append(f"row {row.number}: {name or handle} has no SKU; it is known by its name")
        disabled = is_yes(cell(Column.DISABLED))
        yield _Variant(path, row.number, sku, name, handle or name, attributes, title=title, disabled=disabled)


def attribute_columns(header: TableHeader, table: Table) -> Iterator[tuple[str, int]]:
    """(name as the shop wrote it, index) of every column that is for shoppers; a repeated name gets a number."""
    counts: dict[str, int] = {}
    keys = {header.columns.get(column) for column in (Column.SKU, Column.HANDLE, Column.DISABLED)}
    for index, name in enumerate(header.names):
        values = [row.cells[index] for row in table.rows if index < len(row.cells) and row.cells[index]]
        pictures = bool(values) and all(_PICTURE.fullmatch(value) for value in values)
        if not name or index in keys or pictures or _is_private(name):
            continue
        counts[name] = counts.get(name, 0) + 1
        yield (name if counts[name] == 1 else f"{name} ({counts[name]})"), index


def _is_private(name: str) -> bool:
    return _CONFIDENTIAL.fullmatch(normal(name)) is not None


def _targets(variant: _Variant, rank: int, kept: dict[str, _Variant]) -> list[_Variant]:
    """Variants that a spec row speaks of by handle, by name, or by the beginning of their SKUs."""
    if rank < 2 and variant.sku:
        return []
    keys = {_key(text) for text in (variant.sku, variant.group, variant.name) if text}
    found = [v for v in kept.values() if {_key(v.group), _key(v.name)} & keys]
    if not found and variant.sku and rank == 2:
        found = [v for v in kept.values() if re.match(re.escape(variant.sku) + r"[-_./ ]", v.sku, re.IGNORECASE)]
    return found


def _merge(target: _Variant, extra: _Variant, result: Chunked) -> None:
    known = {normal(name): name for name in target.attributes}
    for name, value in extra.attributes.items():
        if Column.NAME in meanings(name) or Column.SKU in meanings(name):
            continue
        own = known.get(normal(name))
        if own is None:
            target.attributes[name] = value
            if extra.path != target.path:
                target.origins[name] = (extra.path, extra.named)
        elif target.attributes[own] != value:
            result.warnings.append(
                f"row {extra.row}: {name} of {target.sku or target.name} is “{value[:40]}” here and "
                f"“{target.attributes[own][:40]}” in {target.path}; the latter was kept"
            )
            result.disagreements.append(
                Disagreement(
                    extra.path,
                    extra.row,
                    target.sku or target.name,
                    name,
                    value,
                    target.path,
                    target.attributes[own],
                )
            )


def _gather(variants: list[_Variant]) -> None:
    """Rows that no handle holds together, but whose names differ only by their options, become one product's."""
    alone = [v for v in variants if v.name and v.group in ("", v.name)]
    families = family_names([(v.name, section_of(v.attributes), v.attributes) for v in alone])
    for variant, family in zip(alone, families, strict=True):
        variant.group = family


def _append_chunk(result: Chunked, variant: _Variant) -> None:
    name = variant.name or variant.sku
    if any(
        re.search(r"weight|重量|净重", label, re.IGNORECASE) for label in variant.attributes if label != SHIPPING_WEIGHT
    ):
        variant.attributes.pop(SHIPPING_WEIGHT, None)  # a parcel's weight is no answer where the product's is known
    text = card(name, variant.sku, variant.attributes)
    language = variant.language or language_of(text)
    locator = variant.sku or variant.locator or name
    origins = {label: origin for label, origin in variant.origins.items() if label in variant.attributes}
    document = document_for(variant.path, variant.title or name, Kind.PRODUCT, language, variant.record_id)
    chunk = make_chunk(
        document,
        locator=locator,
        title=name,
        text=text,
        language=language,
        attributes=variant.attributes,
        group=variant.group or name,
        section=section_of(variant.attributes),
        attribute_paths={label: path for label, (path, _) in origins.items()},
        attribute_locators={label: there for label, (_, there) in origins.items() if there != locator},
        valid_from=variant.window.starts,
        valid_until=variant.window.ends,
        row_key="" if variant.window == ALWAYS else f"{locator}\n{variant.window.starts}..{variant.window.ends}",
    )
    result.chunks.append(chunk)
    if document.document_id not in {d.document_id for d in result.documents}:
        result.documents.append(document)


def card(name: str, sku: str, attributes: Mapping[str, str]) -> str:
    """A product as text: its name, its SKU, an attribute a line."""
    lines = [name, f"SKU: {sku}"] if sku else [name]
    lines += [f"{label}: {one_line(value)}" for label, value in attributes.items() if value != name]
    return "\n".join(lines)


def section_of(attributes: Mapping[str, str]) -> str:
    """The category among a product's attributes."""
    return next((v for k, v in attributes.items() if Column.SECTION in meanings(k) or k == "Type"), "")


def _key(text: str) -> str:
    return re.sub(r"\s+", "", text).casefold()

"""Changes rows: every change is an edit of the layer, recorded once its version was checked."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any

from app.errors import BadInput, Conflict, NotFound, OutdatedEdit
from app.knowledge.catalogue import WritableCatalogue
from app.knowledge.chunk import Chunk, Kind
from app.knowledge.edits import BRAND, Action, Edit, NewEdit, Settlement
from app.knowledge.row_keys import short
from ingestion.brand_layer import BRAND_PATH, BRAND_ROW, brand_row
from ingestion.edited_chunks import chunk_of, content_of, row_number
from ingestion.editing.brand import BrandEditor, conflict_of_brand
from ingestion.editing.choose import fits, with_replaced
from ingestion.editing.fields import check_dates, checked_fields, differing, shown
from ingestion.editing.shapes import conflict_json, counts_json, edit_json, grid_json, row_json, summary_json, tree_json
from ingestion.editing.working import Working, WorkingRow
from ingestion.layer import CONSOLE_FAQ, KEPT
from ingestion.mirror import Mirror
from ingestion.shop_files import ShopFiles

LISTED = 200
MOST_REMEMBERED = 20_000
MOST_SHOPS = 8
MAX_BULK = 2_000
RESOLVED = "resolved"


class Editor:
    """The layer of all shops of one home."""

    def __init__(self, home: Path, catalogue: WritableCatalogue, brand: BrandEditor) -> None:
        self._home = home
        self._catalogue = catalogue
        self._brand = brand
        self._chunks: dict[str, tuple[int, list[Chunk]]] = {}
        self._made: dict[tuple[str, str], dict[tuple[str, int], Chunk | None]] = {}

    async def working(self, shop: str) -> Working:
        """The newest built release with every draft over it."""
        newest = await self._catalogue.newest_built(shop)
        number = newest.number if newest else None
        kept = self._chunks.get(shop)
        if number is not None and (kept is None or kept[0] != number):
            kept = self._chunks[shop] = (number, await self._catalogue.chunks(shop, number))
            if len(self._chunks) > MOST_SHOPS:
                self._chunks.pop(next(iter(self._chunks)))
        zone = ShopFiles(self._home, shop).kept_zone()
        rows = await self._catalogue.edits.rows(shop)
        chunks = kept[1] if kept and number is not None else []
        return Working(
            number,
            chunks,
            rows,
            zone,
            Mirror(self._home, shop),
            self._remembered(shop, zone),
        )

    def _remembered(self, shop: str, zone: tzinfo) -> dict[tuple[str, int], Chunk | None]:
        """What the rows of a shop come to, as far as it was worked out before; days are days of its time zone."""
        if sum(map(len, self._made.values())) > MOST_REMEMBERED:
            self._made.clear()
        return self._made.setdefault((shop, str(zone)), {})

    async def documents(self, shop: str) -> dict[str, Any]:
        """The tree of documents, and what waits to be done."""
        working = await self.working(shop)
        live = await self._catalogue.live_release(shop)
        return {
            "shop": shop,
            "release": working.release,
            "live": live,
            "counts": counts_json(working),
            "documents": tree_json(working),
        }

    async def chunks(self, shop: str, wanted: Mapping[str, str], offset: int, limit: int) -> dict[str, Any]:
        """Rows, narrowed by `path`, `kind`, `state`, `section` or words in them (`q`)."""
        working = await self.working(shop)
        found = [row for row in working.rows.values() if fits(row, wanted)]
        shown_rows = found[offset : offset + min(limit, LISTED)]
        return {
            "shop": shop,
            "release": working.release,
            "total": len(found),
            "offset": offset,
            "chunks": [summary_json(row) for row in shown_rows],
        }

    async def chunk(self, shop: str, row: str) -> dict[str, Any]:
        """One row in full. Raises NotFound."""
        working = await self.working(shop)
        return row_json(working.row(row), working.zone, working.release)

    async def change(self, shop: str, row: str, version: str, sent: Mapping[str, Any], author: str) -> dict[str, Any]:
        """Set fields of a row. Raises BadInput, NotFound, or OutdatedEdit with both texts."""
        working = await self.working(shop)
        edit = self._changed(working, row, version, sent)
        await self._record(shop, working, [edit] if edit else [], author, {row: sent})
        return await self.chunk(shop, row)

    async def add(self, shop: str, sent: Mapping[str, Any], author: str) -> dict[str, Any]:
        """A new FAQ row. Raises BadInput."""
        working = await self.working(shop)
        key = _console_key(f"c-{uuid.uuid4().hex[:12]}")
        edit = self._added(working, key, sent, self._next_place(working))
        await self._catalogue.edits.record(shop, [edit], author)
        return await self.chunk(shop, edit.row)

    async def put_rows(self, shop: str, rows: Sequence[tuple[str, Mapping[str, Any]]], author: str) -> dict[str, Any]:
        """FAQ rows by a name of their own, as one batch: new ones are added, those there are brought in line.

        A question that another row answers already is left out, and so is a row that an editor disabled.
        """
        working = await self.working(shop)
        own = {_console_key(name) for name, _ in rows}
        asked = {_asks(row.chunk.title) for row in working.rows.values() if row.key not in own and row.now}
        edits, left = [], []
        place = self._next_place(working)
        for name, sent in rows:
            key = _console_key(name)
            found = working.rows.get(short(key))
            if _asks(str(sent["question"])) in asked or (found is not None and found.now is None):
                left.append(sent["question"])
            elif found is not None:
                edit = self._changed(working, found.row, found.version, sent)
                edits.extend([edit] if edit else [])
            else:
                edits.append(self._added(working, key, sent, place))
                place += 1
        recorded = await self._record(shop, working, edits, author, {})
        return {"batch": recorded[0].batch if recorded else None, "changed": len(recorded), "left_out": left}

    def _added(self, working: Working, key: str, sent: Mapping[str, Any], place: int) -> NewEdit:
        fields = checked_fields(Kind.FAQ, sent, (), working.zone)
        if not {"question", "answer"} <= fields.keys():
            raise BadInput("A new row needs a question and an answer. Nothing was saved.")
        before = next((row for row in working.layer if row.key == key), None)
        fact = (short(key), key, Kind.FAQ.value, CONSOLE_FAQ, None)
        return NewEdit(*fact, Action.ADD, fields, before.version if before else 0, place=place)

    @staticmethod
    def _next_place(working: Working) -> int:
        used = [row.place for row in working.layer if row.path == CONSOLE_FAQ]
        return 1 + max([1, *used, *(row_number(row.chunk) for row in working.of_path(CONSOLE_FAQ))])

    async def toggle(self, shop: str, row: str, version: str, author: str, *, disabled: bool) -> dict[str, Any]:
        """Take a row out of every answer, or let it back in."""
        working = await self.working(shop)
        edit = self._toggled(working, row, version, disabled)
        await self._record(shop, working, [edit] if edit else [], author, {})
        return await self.chunk(shop, row)

    async def bulk(
        self, shop: str, items: Sequence[tuple[str, str]], action: str, sent: Mapping[str, Any], author: str
    ) -> dict[str, Any]:
        """One action on many rows, all or none: `disable`, `enable`, `set` fields, or `replace` a text by another.

        `items` are (row, version). Raises BadInput, NotFound or OutdatedEdit; then nothing was saved.
        """
        if not 0 < len(items) <= MAX_BULK:
            raise BadInput(f"A bulk edit takes 1 to {MAX_BULK} rows; there are {len(items)}. Nothing was saved.")
        working = await self.working(shop)
        edits = []
        for row, version in dict(items).items():
            if action in ("disable", "enable"):
                edit = self._toggled(working, row, version, action == "disable")
            elif action == "set":
                edit = self._changed(working, row, version, sent)
            elif action == "replace":
                own = shown(working.row(row).chunk, working.zone)
                edit = self._changed(working, row, version, with_replaced(own, sent))
            else:
                raise BadInput(f"{action!r} is no bulk action: use disable, enable, set or replace. Nothing was saved.")
            edits.extend([edit] if edit else [])
        recorded = await self._record(shop, working, edits, author, {})
        working = await self.working(shop)
        return {
            "batch": recorded[0].batch if recorded else None,
            "changed": len(recorded),
            "chunks": [summary_json(working.row(row)) for row, _ in items],
        }

    async def products(self, shop: str, wanted: Mapping[str, str], offset: int, limit: int) -> dict[str, Any]:
        """Products as a grid, narrowed as `chunks` is."""
        working = await self.working(shop)
        found = [r for r in working.rows.values() if r.chunk.kind is Kind.PRODUCT and fits(r, wanted)]
        part = found[offset : offset + min(limit, LISTED)]
        paths = dict.fromkeys(row.chunk.path for row in part)
        columns = dict.fromkeys(column for path in paths for column in working.columns.get(path, ()))
        tables = [{"path": path, "columns": list(columns)} for path, columns in working.columns.items()]
        return {
            "shop": shop,
            "release": working.release,
            "total": len(found),
            "offset": offset,
            "tables": tables,
            **grid_json(part, columns),
        }

    async def set_values(self, shop: str, cells: Sequence[Mapping[str, str]], author: str) -> dict[str, Any]:
        """Cells of the grid, each with `key`, `version`, `column` and `value`: all or none, and undone in one go."""
        if not 0 < len(cells) <= MAX_BULK:
            raise BadInput(f"1 to {MAX_BULK} cells can be set at once; there are {len(cells)}. Nothing was saved.")
        working = await self.working(shop)
        by_row: dict[str, tuple[str, dict[str, str]]] = {}
        for cell in cells:
            by_row.setdefault(cell["key"], (cell["version"], {}))[1][cell["column"]] = cell["value"]
        edits = [
            edit
            for row, (version, values) in by_row.items()
            if (edit := self._changed(working, row, version, {"values": values}))
        ]
        recorded = await self._record(shop, working, edits, author, {})
        working = await self.working(shop)
        rows = [working.row(row) for row in by_row]
        columns = dict.fromkeys(c for row in rows for c in working.columns.get(row.chunk.path, ()))
        return {"batch": recorded[0].batch if recorded else None, **grid_json(rows, columns)}

    async def edits(self, shop: str, offset: int, limit: int) -> dict[str, Any]:
        """The history of edits, newest first."""
        working = await self.working(shop)
        titles = {row.row: row for row in working.rows.values()}
        every = sorted((edit for row in working.layer for edit in row.edits), key=lambda e: -e.number)
        told = []
        for edit in every[offset : offset + min(limit, LISTED)]:
            row = titles.get(edit.row)
            where = {"title": row.chunk.title, "path": row.chunk.path, "kind": row.chunk.kind.value} if row else {}
            if edit.row == BRAND_ROW:
                where = {"title": BRAND_PATH, "path": BRAND_PATH, "kind": BRAND}
            told.append({**edit_json(edit), **where})
        return {"shop": shop, "counts": counts_json(working), "total": len(every), "offset": offset, "edits": told}

    async def undo(self, shop: str, numbers: Sequence[int], batch: str, author: str) -> dict[str, Any]:
        """Undo edits by number, or all of a batch. Raises NotFound or Conflict."""
        if batch:
            rows = await self._catalogue.edits.rows(shop)
            numbers = [edit.number for row in rows for edit in row.edits if edit.batch == batch and edit.stands]
        if not numbers:
            raise NotFound("There is nothing to undo. Nothing was changed.")
        undone = await self._catalogue.edits.undo(shop, numbers, author)
        if any(edit.row == BRAND_ROW for edit in undone):
            await self._brand.put_in_effect(shop)
        return {"undone": [edit_json(edit) for edit in undone], "counts": counts_json(await self.working(shop))}

    async def conflicts(self, shop: str) -> dict[str, Any]:
        """Rows that were changed on both sides, with both texts."""
        working = await self.working(shop)
        found = [conflict_json(row, working.zone) for row in working.rows.values() if row.in_conflict]
        if told := conflict_of_brand(brand_row(working.layer)):
            found.insert(0, told)
        return {"shop": shop, "total": len(found), "conflicts": found}

    async def resolve(
        self, shop: str, row: str, version: str, choice: str, sent: Mapping[str, Any], author: str
    ) -> dict[str, Any]:
        """Choose in a conflict: `mine`, `theirs`, or `merged` with the fields as they shall be."""
        if row == BRAND_ROW:
            return await self._brand.resolve(shop, version, choice, sent, author)
        working = await self.working(shop)
        found = working.row(row)
        if not found.in_conflict or found.layer is None:
            raise Conflict("The row is in no conflict, or somebody resolved it. Nothing was changed; load it again.")
        self._check_version(found, version, working, sent)
        if choice not in ("mine", "theirs", "merged"):
            raise BadInput(f"{choice!r} is no choice: take mine, theirs or merged. Nothing was changed.")
        settlement, edit = self._resolved(working, found, choice, sent)
        await self._catalogue.edits.resolve(shop, found.layer.version, settlement, edit, author)
        working = await self.working(shop)
        gone = row not in working.rows
        return {"key": row, "gone": True} if gone else row_json(working.row(row), working.zone, working.release)

    def _resolved(
        self, working: Working, found: WorkingRow, choice: str, sent: Mapping[str, Any]
    ) -> tuple[Settlement, NewEdit | None]:
        layer = found.layer
        assert layer is not None
        history = {edit.number: RESOLVED for edit in layer.edits if not edit.settled}
        base = layer.theirs
        if base is None and choice != "theirs" and layer.base is not None:
            base = {**layer.base, KEPT: True}
        settlement = Settlement(layer.row, base, settled=history)
        if choice == "theirs" or base is None:
            return settlement, None
        under = chunk_of(base)
        want = shown(found.now, working.zone) if found.now else {}
        if choice == "merged":
            columns = working.columns.get(under.path, ())
            want = checked_fields(under.kind, sent, columns, working.zone)
        elif under.kind is Kind.PRODUCT and found.now:
            want["columns"] = list(working.columns.get(under.path, ()))
            want["values"] = {column: found.now.attributes.get(column, "") for column in _columns_of(layer.edits)}
        fields = differing(want, shown(under, working.zone))
        check_dates(fields, under, working.zone)
        action = Action.DISABLE if choice == "mine" and found.now is None else Action.CHANGE
        if not fields and action is Action.CHANGE:
            return settlement, None
        fact = (layer.row, layer.key, layer.kind, layer.path, base)
        return settlement, NewEdit(*fact, action, fields, layer.version, staged=True)

    def _changed(self, working: Working, row: str, version: str, sent: Mapping[str, Any]) -> NewEdit | None:
        """The edit that sets these fields; None when nothing would change."""
        found = working.row(row)
        self._check_version(found, version, working, sent)
        chunk = found.chunk
        columns = working.columns.get(chunk.path, ())
        fields = differing(checked_fields(chunk.kind, sent, columns, working.zone), shown(chunk, working.zone))
        if not fields:
            return None
        check_dates(fields, chunk, working.zone)
        return self._edit_of(found, Action.CHANGE, fields)

    def _toggled(self, working: Working, row: str, version: str, disabled: bool) -> NewEdit | None:
        found = working.row(row)
        self._check_version(found, version, working, {})
        if (found.now is None) == disabled:
            return None
        return self._edit_of(found, Action.DISABLE if disabled else Action.ENABLE, {})

    @staticmethod
    def _edit_of(found: WorkingRow, action: Action, fields: Mapping[str, Any]) -> NewEdit:
        if found.layer is not None:
            layer = found.layer
            fact = (layer.row, layer.key, layer.kind, layer.path, layer.base)
            return NewEdit(*fact, action, fields, layer.version, place=layer.place)
        chunk = found.chunk
        base = content_of(chunk)
        return NewEdit(found.row, found.key, chunk.kind.value, chunk.path, base, action, fields, 0)

    def _check_version(self, found: WorkingRow, version: str, working: Working, sent: Mapping[str, Any]) -> None:
        if version != found.version:
            raise _outdated(found, working, sent)

    async def _record(
        self,
        shop: str,
        working: Working,
        edits: Sequence[NewEdit],
        author: str,
        sent: Mapping[str, Mapping[str, Any]],
    ) -> list[Edit]:
        if not edits:
            return []
        try:
            return await self._catalogue.edits.record(shop, edits, author)
        except OutdatedEdit as outdated:
            # Another editor was faster between our reading and our writing.
            working = await self.working(shop)
            raise _outdated(working.row(outdated.row), working, sent.get(outdated.row, {})) from None


def _console_key(name: str) -> str:
    """Row key of a row that was added in the console."""
    return f"{CONSOLE_FAQ}\n{Kind.FAQ.value}\n{name}\n0"


def _asks(question: str) -> str:
    return re.sub(r"[\W_]+", "", question).casefold()


def _outdated(found: WorkingRow, working: Working, sent: Mapping[str, Any]) -> OutdatedEdit:
    error = OutdatedEdit(found.row, found.layer.version if found.layer else 0)
    error.members = {
        "key": found.row,
        "version": found.version,
        "mine": dict(sent),
        "theirs": shown(found.now, working.zone) if found.now else None,
        "edits": [edit_json(edit) for edit in reversed(found.layer.edits[-5:])] if found.layer else [],
    }
    return error


def _columns_of(edits: Sequence[Edit]) -> list[str]:
    return list(dict.fromkeys(column for edit in edits if edit.stands for column in edit.fields.get("values", ())))

"""Brand settings, welcome message and card questions: changed in the console, in effect at once, undone at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from app.errors import BadInput, Conflict, OutdatedEdit
from app.knowledge.catalogue import WritableCatalogue
from app.knowledge.edits import BRAND, Action, LayeredRow, NewEdit, Settlement
from ingestion.brand_layer import (
    BRAND_KEY,
    BRAND_PATH,
    BRAND_ROW,
    brand_row,
    disputes,
    layer_brand,
    plain,
    setting,
    settings_of,
)
from ingestion.editing.fields import MAX_QUESTION
from ingestion.editing.shapes import edit_json
from ingestion.shop_files import ShopFiles
from ingestion.text import clean, one_line

MAX_SETTING = 2_000
MAX_LISTED = 200
MAX_CARDS = 8
RESOLVED = "resolved"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}(?:\.[A-Za-z_][A-Za-z0-9_]{0,40})?")
_LISTS = ("languages", "forbidden_words")
_LANGUAGES = ("zh", "en")


class BrandEditor:
    """The brands of all shops of one home."""

    def __init__(self, home: Path, catalogue: WritableCatalogue) -> None:
        self._home = home
        self._catalogue = catalogue

    async def brand(self, shop: str) -> dict[str, Any]:
        """Settings in effect, as the file has them, and what is in dispute."""
        row = brand_row(await self._catalogue.edits.rows(shop))
        file = self._file(shop)
        effective = layer_brand(file, row).raw
        return {
            "shop": shop,
            "key": BRAND_ROW,
            "version": _version(row),
            "settings": plain(effective),
            "file": file,
            "edited": sorted(settings_of(row)),
            "conflicts": _told(row, file),
            "edits": [edit_json(edit) for edit in reversed(row.edits)] if row else [],
        }

    async def change(self, shop: str, version: str, sent: Mapping[str, Any], author: str) -> dict[str, Any]:
        """Set settings, named like `greeting.zh`; an empty one is taken away. In effect at once.

        Raises BadInput, or OutdatedEdit when somebody else changed the brand since it was read.
        """
        settings = checked_settings(sent)
        row = brand_row(await self._catalogue.edits.rows(shop))
        file = self._file(shop)
        effective = layer_brand(file, row).raw
        if version != _version(row):
            raise self._outdated(row, sent, effective)
        changed = {name: value for name, value in settings.items() if (setting(effective, name) or "") != value}
        if changed:
            base = (row.base if row else None) or file
            fact = (BRAND_ROW, BRAND_KEY, BRAND, BRAND_PATH, base)
            edit = NewEdit(*fact, Action.CHANGE, {BRAND: changed}, row.version if row else 0, staged=True)
            try:
                await self._catalogue.edits.record(shop, [edit], author)
            except OutdatedEdit:
                row = brand_row(await self._catalogue.edits.rows(shop))
                raise self._outdated(row, sent, layer_brand(file, row).raw) from None
            await self.put_in_effect(shop)
        return await self.brand(shop)

    async def resolve(
        self, shop: str, version: str, choice: str, sent: Mapping[str, Any], author: str
    ) -> dict[str, Any]:
        """Choose for all settings in dispute: `mine`, `theirs`, or `merged` with the settings as they shall be."""
        row = brand_row(await self._catalogue.edits.rows(shop))
        if row is None or row.theirs is None:
            raise Conflict("The brand is in no conflict, or somebody resolved it. Nothing was changed; load it again.")
        if version != _version(row):
            raise self._outdated(row, sent, layer_brand(row.theirs, row).raw)
        wanted = settings_of(row)
        if choice == "theirs":
            wanted = {name: value for name, value in wanted.items() if name not in disputes(row, row.theirs)}
        elif choice == "merged":
            wanted |= checked_settings(sent)
        elif choice != "mine":
            raise BadInput(f"{choice!r} is no choice: take mine, theirs or merged. Nothing was changed.")
        wanted = {name: value for name, value in wanted.items() if (setting(row.theirs, name) or "") != value}
        history = {edit.number: RESOLVED for edit in row.edits if not edit.settled}
        fact = (BRAND_ROW, BRAND_KEY, BRAND, BRAND_PATH, row.theirs)
        edit = NewEdit(*fact, Action.CHANGE, {BRAND: wanted}, row.version, staged=True) if wanted else None
        settlement = Settlement(row.row, row.theirs, settled=history)
        await self._catalogue.edits.resolve(shop, row.version, settlement, edit, author)
        await self.put_in_effect(shop)
        return await self.brand(shop)

    async def put_in_effect(self, shop: str) -> None:
        """Write the brand as files and editors have it together."""
        files, file = ShopFiles(self._home, shop), self._file(shop)
        over = layer_brand(file, brand_row(await self._catalogue.edits.rows(shop)))
        files.write_effective_brand(over.text)
        await self._catalogue.save_shop(shop, over.raw, await self._catalogue.folder(shop))

    def _file(self, shop: str) -> dict[str, Any]:
        return ShopFiles(self._home, shop).file_brand()

    @staticmethod
    def _outdated(row: LayeredRow | None, sent: Mapping[str, Any], effective: Mapping[str, Any]) -> OutdatedEdit:
        error = OutdatedEdit(BRAND_ROW, row.version if row else 0)
        error.members = {
            "key": BRAND_ROW,
            "version": _version(row),
            "mine": dict(sent),
            "theirs": {name: setting(effective, name) for name in sent},
            "edits": [edit_json(edit) for edit in reversed(row.edits[-5:])] if row else [],
        }
        return error


def checked_settings(sent: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as they will be kept. Raises BadInput that names the one that does not fit."""
    if not sent:
        raise BadInput("No setting was sent. Nothing was saved.")
    return {name: _checked(name, value) for name, value in sent.items()}


def _checked(name: str, value: Any) -> Any:
    if not _NAME.fullmatch(name):
        raise BadInput(f"{name!r} is no name of a setting; write it like `greeting.zh`. Nothing was saved.")
    if isinstance(value, list) or name in _LISTS or name.startswith("quick_questions."):
        return _checked_list(name, value)
    if value is not None and (isinstance(value, bool) or not isinstance(value, str | int | float)):
        raise BadInput(f"`{name}` must be a text. Nothing was saved.")
    text = clean("" if value is None else str(value))
    if len(text) > MAX_SETTING:
        raise BadInput(f"`{name}` takes at most {MAX_SETTING} characters. Nothing was saved.")
    if name == "default_language" and text not in _LANGUAGES:
        raise BadInput("`default_language` is zh or en. Nothing was saved.")
    if name == "service_hours.timezone" and text:
        try:
            ZoneInfo(text)
        except (ValueError, OSError, KeyError):
            raise BadInput(f"{text!r} is no time zone, like Asia/Shanghai. Nothing was saved.") from None
    return text


def _checked_list(name: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadInput(f"`{name}` must be a list of texts. Nothing was saved.")
    found = list(dict.fromkeys(text for item in value if (text := one_line(item))))
    limit = MAX_CARDS if name.startswith("quick_questions.") else MAX_LISTED
    if len(found) > limit or any(len(text) > MAX_QUESTION for text in found):
        raise BadInput(f"`{name}` takes at most {limit} texts of {MAX_QUESTION} characters. Nothing was saved.")
    if name == "languages" and (not found or not set(found) <= set(_LANGUAGES)):
        raise BadInput("`languages` are zh, en or both. Nothing was saved.")
    return found


def conflict_of_brand(row: LayeredRow | None) -> dict[str, Any] | None:
    """The brand's conflict in the list of conflicts."""
    if row is None or row.theirs is None or not (found := disputes(row, row.theirs)):
        return None
    last = max((edit for edit in row.edits if not edit.settled), key=lambda e: e.number)
    sides = {side: {name: values[at] for name, values in found.items()} for at, side in enumerate(_SIDES)}
    return {
        "key": BRAND_ROW,
        "version": _version(row),
        "kind": BRAND,
        "path": BRAND_PATH,
        "locator": ", ".join(found),
        "title": BRAND_PATH,
        "state": "edited",
        "pending": False,
        "conflict": True,
        "gone": False,
        **sides,
        "merged": sides["mine"],
        "author": last.author,
        "at": last.at.isoformat(),
    }


_SIDES = ("mine", "theirs", "base")


def _told(row: LayeredRow | None, file: Mapping[str, Any]) -> list[dict[str, Any]]:
    if row is None or row.theirs is None:
        return []
    return [{"name": name, **dict(zip(_SIDES, values, strict=True))} for name, values in disputes(row, file).items()]


def _version(row: LayeredRow | None) -> str:
    return str(row.version if row else 0)

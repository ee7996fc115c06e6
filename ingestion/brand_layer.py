"""The brand as editors want it: brand.yaml with the settings in place that were changed in the console.

A setting is named by its keys with a dot between (`greeting.zh`). One that was changed on both sides stays as the
editor chose, until an editor decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import yaml

from app.knowledge.edits import BRAND, LayeredRow, Settlement, fold
from app.knowledge.row_keys import short
from ingestion.layer import IN_FILE
from ingestion.shop_files import KeptFile

BRAND_KEY = f"brand.yaml\n{BRAND}\n{BRAND}\n0"
BRAND_ROW = short(BRAND_KEY)
BRAND_PATH = "brand.yaml"


@dataclass(frozen=True, slots=True)
class LayeredBrand:
    """The brand in effect, and what came of the layer's row; `text` is None where the file's own text is in effect."""

    raw: Mapping[str, Any]
    text: str | None
    settlement: Settlement | None = None


def brand_row(rows: Sequence[LayeredRow]) -> LayeredRow | None:
    """The row that stands for the brand; None where nobody touched it."""
    return next((row for row in rows if row.kind == BRAND), None)


def settings_of(row: LayeredRow | None) -> dict[str, Any]:
    """Setting → value, as far as editors changed it."""
    return dict(fold(row.edits, drafts=True).fields.get(BRAND, {})) if row else {}


def layer_brand(theirs: Mapping[str, Any], row: LayeredRow | None) -> LayeredBrand:
    """Put the editors' settings over what the file says now."""
    wanted = settings_of(row)
    if row is None or not wanted:
        return LayeredBrand(theirs, None)
    now, base = plain(theirs), row.base or {}
    effective = with_settings(now, wanted)
    text = yaml.safe_dump(effective, allow_unicode=True, sort_keys=False)
    if all(setting(now, name) == value for name, value in wanted.items()):
        history = {edit.number: IN_FILE for edit in row.edits if not edit.settled}
        return LayeredBrand(theirs, None, Settlement(row.row, now, settled=history))
    if disputes(row, now):
        same = row.theirs == now
        return LayeredBrand(effective, text, None if same else Settlement(row.row, base, theirs=now))
    same = row.base == now and row.theirs is None
    return LayeredBrand(effective, text, None if same else Settlement(row.row, now))


def disputes(row: LayeredRow, theirs: Mapping[str, Any]) -> dict[str, tuple[Any, Any, Any]]:
    """Setting → (the editor's value, the file's now, the file's before), where both changed it."""
    found = {}
    for name, mine in settings_of(row).items():
        now, before = setting(theirs, name), setting(row.base or {}, name)
        if now not in (mine, before):
            found[name] = (mine, now, before)
    return found


def with_editors(brand: KeptFile, rows: Sequence[LayeredRow]) -> tuple[KeptFile, list[Settlement]]:
    """A brand that was read, as it is in effect, and what that makes of the layer's row."""
    over = layer_brand(brand.raw, brand_row(rows))
    settlements = [over.settlement] if over.settlement else []
    return replace(brand, raw=dict(over.raw), effective=over.text), settlements


def setting(raw: Mapping[str, Any], name: str) -> Any:
    """One setting; None where there is none."""
    value: Any = raw
    for key in name.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def with_settings(raw: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The brand with these settings; an empty value takes a setting away."""
    changed = deepcopy(dict(raw))
    for name, value in settings.items():
        *parents, last = name.split(".")
        place = changed
        for key in parents:
            if not isinstance(place.get(key), dict):
                # `greeting: Hello` counts for both languages; with one of them changed the other keeps it.
                old = place.get(key)
                place[key] = {"zh": old, "en": old} if isinstance(old, str) and key in ("greeting", "handoff") else {}
            place = place[key]
        if value in ("", [], None):
            place.pop(last, None)
        else:
            place[last] = value
    return changed


def plain(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The brand as plain JSON values of its own."""
    return deepcopy(dict(raw))

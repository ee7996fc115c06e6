"""Files of one name that came by two ways: an upload and one of the folder both count, and the editor is told."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from ingestion.sources import ELSEWHERE, UPLOADS, Scope

_UPLOADED = f"{UPLOADS}/"


def namesakes(scope: Scope, released: Iterable[str]) -> dict[str, str]:
    """Path of a file that is read → path of the file of its name that counts beside it.

    `released` are the paths of the release before: what is outside the scope stays. Two files that came the same way
    are no namesakes: their folders tell them apart; nor is what was fetched, whose names are the web's.
    """
    here = {source.path for source in (*scope.files, *scope.others)}
    kept = {path for path in released if not scope.in_scope(path)}
    named: dict[str, list[str]] = {}
    for path in sorted(here | kept):
        if path.startswith(_UPLOADED) or not path.startswith(ELSEWHERE):
            named.setdefault(_name(path).rpartition("/")[2], []).append(path)
    found = {}
    for path in (source.path for source in scope.files):
        for other in named.get(_name(path).rpartition("/")[2], ()):
            if _way(other, here) != _way(path, here) and _same(_name(path), _name(other)):
                found[path] = other
    return found


def namesake_note(other: str, *, products: bool) -> str:
    """What an editor is told of the other file."""
    plain = other.removeprefix(_UPLOADED)
    where = f"{plain} of the shop's folder" if plain == other else f"the upload {plain}"
    which = "of a SKU that is in both, the folder's values hold" if products else "neither replaces the other"
    return f"{where} has the same name: both count, {which}; remove the one you do not want"


def _way(path: str, here: set[str]) -> str:
    if path.startswith(_UPLOADED):
        return "uploaded"
    return "of the folder" if path in here else "of another folder"


def _name(path: str) -> str:
    """A path as its editor thinks of it: a file that is dropped alone has no folder before it."""
    plain = unicodedata.normalize("NFC", path).casefold()
    return plain.removeprefix(_UPLOADED).removeprefix("knowledge/")


def _same(one: str, other: str) -> bool:
    return f"/{one}".endswith(f"/{other}") or f"/{other}".endswith(f"/{one}")

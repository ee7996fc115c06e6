"""Everything that a shop's knowledge comes from, read in one run and released together.

What is fetched stands in the shop folder's sources.yaml:

    sources:
      - {name: pages, urls: [https://shop.example/faq, https://shop.example/feed.xml]}
      - {name: help, help_centre: https://shop.zendesk.com, locale: zh-cn}
"""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from app.errors import BadInput
from ingestion.sources import ELSEWHERE, UPLOADS, Progress, Scope, Shelf, Source
from ingestion.sources.folder import FolderSource
from ingestion.sources.uploads import KeptUploads
from ingestion.text import decode

NAMES = ("sources.yaml", "sources.yml")
MAX_URLS = 1_000
MAX_BYTES = 1024 * 1024
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_TAKEN = frozenset({UPLOADS.removeprefix(ELSEWHERE), "console"})


class ShopSource(Source):
    """A shop folder or a part of one; with the whole folder, what its sources.yaml lists."""

    def __init__(self, path: Path, allowed: str = "") -> None:
        """`allowed`: private networks that may be fetched from, with commas between."""
        self._path = path
        self._allowed = allowed
        self._dropped: list[Path] = []

    async def bring(self, shelf: Shelf, progress: Progress) -> Scope:
        """The folder's files and, for the whole, what was fetched. Raises BadInput when there is nothing to read."""
        scope = await FolderSource(self._path).bring(shelf, progress)
        if scope.folder is None or not scope.folder.whole:
            return scope
        listed = await asyncio.to_thread(read_sources, scope.folder.root)
        self._dropped = _dropped(shelf, listed)
        fetched = Scope()
        for source in _web_sources(listed, self._allowed):
            fetched |= await source.bring(shelf, progress)
        gone = tuple(f"{ELSEWHERE}{place.name}/" for place in self._dropped)
        others = tuple(source for source in scope.others if not source.path.startswith(gone))
        return replace(scope, others=others) | fetched | Scope(speaks_for=lambda path: path.startswith(gone))

    async def settle(self, failed: Collection[str] | None) -> None:
        """Take away what was fetched by an entry that is no longer listed."""
        for place in self._dropped if failed is not None else ():
            await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)


class EverySource(Source):
    """The folder the shop was last read from with all it lists, and all that was uploaded."""

    def __init__(self, allowed: str = "") -> None:
        self._allowed = allowed
        self._shop: ShopSource | None = None

    async def settle(self, failed: Collection[str] | None) -> None:
        """As for the shop's folder."""
        if self._shop:
            await self._shop.settle(failed)

    async def bring(self, shelf: Shelf, progress: Progress) -> Scope:
        """All of it. Raises BadInput when the folder is gone, or when there never was anything."""
        scope = await KeptUploads().bring(shelf, progress)
        if shelf.folder:
            self._shop = ShopSource(Path(shelf.folder), self._allowed)
            return await self._shop.bring(shelf, progress) | scope
        if not scope.files:
            raise BadInput("the shop was never read from a folder and nothing was uploaded to it; nothing was changed")
        return scope


def read_sources(root: Path) -> list[dict[str, Any]]:
    """The entries of a folder's sources.yaml, checked. Raises BadInput that names the entry."""
    file = next((root / name for name in NAMES if (root / name).is_file()), None)
    if file is None:
        return []
    if file.stat().st_size > MAX_BYTES:
        raise BadInput(f"{file.name} is larger than 1 MB; nothing was read")
    try:
        raw = yaml.safe_load(decode(file.read_bytes()))
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" near line {mark.line + 1}" if mark else ""
        raise BadInput(f"{file.name} is not valid YAML{where}; nothing was read") from None
    entries = raw.get("sources") if isinstance(raw, dict) else None
    if raw is not None and not (isinstance(raw, dict) and isinstance(entries, list | None)):
        raise BadInput(f"{file.name} must hold `sources:` with a list below it; nothing was read")
    checked = [_checked(entry, f"{file.name}, entry {n}") for n, entry in enumerate(entries or [], start=1)]
    names = [entry["name"] for entry in checked]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise BadInput(f"{file.name} names {twice!r} twice; nothing was read")
    return checked


def _checked(entry: Any, where: str) -> dict[str, Any]:
    if not isinstance(entry, dict) or not _NAME.fullmatch(str(entry.get("name", ""))):
        raise BadInput(f"{where}: `name` is missing: lower case letters, digits, - and _; nothing was read")
    if entry["name"] in _TAKEN:
        raise BadInput(f"{where}: the name {entry['name']!r} is taken; choose another. Nothing was read")
    urls = entry.get("urls") or ([entry["url"]] if entry.get("url") else [])
    centre = str(entry.get("help_centre") or entry.get("help_center") or "")
    if not isinstance(urls, list) or bool(urls) == bool(centre):
        raise BadInput(f"{where}: give either `urls`, a list, or `help_centre`, an address; nothing was read")
    if len(urls) > MAX_URLS:
        raise BadInput(f"{where}: more than {MAX_URLS:,} addresses; split it. Nothing was read")
    locale = str(entry.get("locale") or "")
    if not re.fullmatch(r"[A-Za-z-]{0,12}", locale):
        raise BadInput(f"{where}: `locale` is like zh-cn or en-us; nothing was read")
    return {"name": entry["name"], "urls": [str(url) for url in urls], "help_centre": centre, "locale": locale}


def _web_sources(listed: Sequence[dict[str, Any]], allowed: str) -> list[Source]:
    if not listed:
        return []
    # Imported here: a run that fetches nothing loads no client.
    from ingestion.sources.fetch import networks  # noqa: PLC0415
    from ingestion.sources.web import WebSource  # noqa: PLC0415

    reachable = networks(allowed)
    return [WebSource(e["name"], tuple(e["urls"]), e["help_centre"], e["locale"].lower(), reachable) for e in listed]


def _dropped(shelf: Shelf, listed: Sequence[dict[str, Any]]) -> list[Path]:
    """Where the files are that were fetched once by an entry that is no longer listed."""
    names = {entry["name"] for entry in listed} | _TAKEN
    return [
        place
        for place in (shelf.root / "sources").glob("*")
        if place.is_dir() and not place.name.startswith(".") and place.name not in names
    ]

"""What is fetched for a shop: a list of pages and files, or a help centre. The last good copy is kept."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from app.errors import BadInput
from ingestion.converters import SUFFIXES
from ingestion.sources import ELSEWHERE, Progress, Scope, Shelf, Source, SourceFile
from ingestion.sources.fetch import Fetched, Fetcher, Network

MAX_PAGES = 200
_KNOWN = ".fetched.json"
_SUFFIX = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/json": ".json",
    "application/ld+json": ".json",
    "application/x-ndjson": ".jsonl",
    "text/markdown": ".md",
    "application/pdf": ".pdf",
    "application/xml": ".xml",
    "text/xml": ".xml",
    "application/rss+xml": ".xml",
    "application/atom+xml": ".xml",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
}


@dataclass(frozen=True, slots=True)
class WebSource(Source):
    """One entry of sources.yaml. `urls` are read each by itself; `help_centre` is the address of one's API."""

    name: str
    urls: tuple[str, ...] = ()
    help_centre: str = ""
    locale: str = ""
    allowed: Sequence[Network] = field(default=())

    async def bring(self, shelf: Shelf, progress: Progress) -> Scope:
        """Fetch everything anew. What cannot be had is named in `failed` and stays as it was."""
        place = shelf.place(self.name)
        place.mkdir(parents=True, exist_ok=True)
        kept = await asyncio.to_thread(_read_known, place)
        async with Fetcher(self.allowed) as fetcher:
            fetching = _Fetching(place, kept, fetcher)
            if self.help_centre:
                await fetching.help_centre(self.help_centre, self.locale)
                progress("fetch", 1, 1)
            else:
                await fetching.pages(self.urls, progress)
        await asyncio.to_thread(fetching.tidy)
        mine = f"{ELSEWHERE}{self.name}/"
        files = tuple(SourceFile(place / path, mine + path) for path in sorted(fetching.read))
        failed = {mine + path: reason for path, reason in fetching.failed.items()}
        return Scope(files=files, failed=failed, speaks_for=lambda path: path.startswith(mine))


class _Fetching:
    """One run over one source: what was read, what failed, and what is remembered of each file."""

    def __init__(self, place: Path, kept: dict[str, dict[str, str]], fetcher: Fetcher) -> None:
        self._place = place
        self._kept = kept
        self._fetcher = fetcher
        self.read: set[str] = set()
        self.failed: dict[str, str] = {}
        self._known: dict[str, dict[str, str]] = {}

    async def pages(self, urls: Sequence[str], progress: Progress) -> None:
        """Every page by itself: one that fails stops no other."""
        done = 0

        async def one(url: str) -> None:
            nonlocal done
            await self._page(url)
            done += 1
            progress("fetch", done, len(urls))

        await asyncio.gather(*(one(url) for url in dict.fromkeys(urls)))

    async def _page(self, url: str) -> None:
        before = self._kept.get(url, {})
        if not (self._place / before.get("path", "\0")).is_file():
            before = {}
        draft = self._place / f".draft-{_short(url)}"
        try:
            fetched = await self._fetcher.fetch(url, draft, before)
            path = before["path"] if fetched.unchanged else _path_of(url, fetched)
            if not fetched.unchanged:
                target = self._place / path
                target.parent.mkdir(parents=True, exist_ok=True)
                draft.replace(target)
                before = {"path": path, "etag": fetched.etag, "last_modified": fetched.last_modified}
            self.read.add(path)
            self._known[url] = before
        except BadInput as error:
            self.failed[before.get("path") or _path_of(url, None)] = str(error)
            if before:
                self._known[url] = before
        finally:
            draft.unlink(missing_ok=True)

    async def help_centre(self, address: str, locale: str) -> None:
        """All articles of a help centre with Zendesk's API, page by page; all of them or none."""
        path = "articles.json"
        try:
            base = address.rstrip("/")
            if "/api/" not in base:
                base += "/api/v2/help_center" + (f"/{locale}" if locale else "")
            articles = await self._all(f"{base}/articles.json?per_page=100", "articles")
            sections = await self._all(f"{base}/sections.json?per_page=100", "sections")
            text = json.dumps({"articles": articles, "sections": sections}, ensure_ascii=False)
            fresh = self._place / f".{path}.new"
            fresh.write_text(text, encoding="utf-8")
            fresh.replace(self._place / path)
            self.read.add(path)
        except BadInput as error:
            self.failed[path] = str(error)

    async def _all(self, url: str, key: str) -> list[Any]:
        found: list[Any] = []
        host = urlsplit(url).hostname
        draft = self._place / ".draft-page"
        try:
            for _ in range(MAX_PAGES):
                await self._fetcher.fetch(url, draft)
                page = _parsed(draft, url)
                found.extend(page.get(key) or [])
                following = page.get("next_page") or _next_of(page)
                if not following:
                    return found
                if urlsplit(str(following)).hostname != host:
                    raise BadInput(f"{url} leads on to another host; nothing was read")
                url = str(following)
        finally:
            draft.unlink(missing_ok=True)
        raise BadInput(f"{url} has more than {MAX_PAGES} pages; nothing was read")

    def tidy(self) -> None:
        """Take away files of addresses that are no longer listed, and remember the rest."""
        wanted = self.read | set(self.failed)
        for file in [f for f in self._place.rglob("*") if f.is_file() and not f.name.startswith(".")]:
            if file.relative_to(self._place).as_posix() not in wanted:
                file.unlink()
        for folder in sorted((f for f in self._place.rglob("*") if f.is_dir()), reverse=True):
            if not any(folder.iterdir()):
                shutil.rmtree(folder)
        (self._place / _KNOWN).write_text(json.dumps(self._known, ensure_ascii=False), encoding="utf-8")


def _parsed(file: Path, url: str) -> dict[str, Any]:
    try:
        page = json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        raise BadInput(f"{url} answers with something else than JSON") from None
    if not isinstance(page, dict):
        raise BadInput(f"{url} is no help centre's list of articles")
    return page


def _next_of(page: dict[str, Any]) -> object:
    links = page.get("links")
    return links.get("next") if isinstance(links, dict) else None


def _read_known(place: Path) -> dict[str, dict[str, str]]:
    try:
        told = json.loads((place / _KNOWN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(url): dict(one) for url, one in told.items() if isinstance(one, dict)} if isinstance(told, dict) else {}


def _path_of(url: str, fetched: Fetched | None) -> str:
    """A path people recognise the page by: host, then its own path; what a query adds is a short hash."""
    parts = urlsplit(url)
    plain = re.sub(r"[^\w./-]+", "_", unquote(parts.path).strip("/")) or "index"
    steps = [step.strip(".")[:80] for step in plain.split("/") if step.strip(".")][-6:] or ["index"]
    own = re.search(r"\.[A-Za-z0-9]{2,8}$", steps[-1])
    suffix = own[0].lower() if own and own[0].lower() in SUFFIXES else ""
    told = _SUFFIX.get(fetched.content_type, "") if fetched else ""
    if fetched and not told and not suffix:
        raise BadInput(f"{url} is of the type {fetched.content_type or 'unknown'}, which is not read")
    if suffix:
        steps[-1] = steps[-1][: -len(suffix)]
    ending = told or suffix or ".html"
    if parts.query:
        ending = f"-{_short(parts.query)[:6]}{ending}"
    return "/".join([(parts.hostname or "unknown")[:100], *steps]) + ending


def _short(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

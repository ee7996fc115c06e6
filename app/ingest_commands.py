"""`xiaoer ingest`: once, or again and again while it watches.

Exit codes, for cron and systemd: 0 all was done; 1 something must be changed by a person (a file that cannot be read,
a folder that is not there), and the live release stays; 3 all was read and built, and the checks or the shop's suite
hold the release back; 75 a part is busy or down, and the same command will do later.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from app.errors import BadInput, Unavailable, XiaoerError
from app.gatekeeping import adopt_suite
from app.release_commands import Force, SuiteFile
from app.running import Answered, RunningServer, find_server
from app.terminal import AsJson, Shop, err, out, read_settings, run

if TYPE_CHECKING:
    from app.settings import Settings

FAILED = 1
TRY_LATER = 75  # EX_TEMPFAIL of sysexits.h
LOOK_SECONDS = 2.0
QUIET_SECONDS = 2.0
RETRY_SECONDS = (30.0, 60.0, 120.0, 300.0, 600.0)


@dataclass(frozen=True, slots=True)
class _Wanted:
    path: Path
    shop: str
    publish: bool
    as_json: bool
    force: str = ""


def ingest(
    path: Annotated[
        Path, typer.Argument(help="A shop folder (brand.yaml, knowledge/, orders.jsonl) or a part of one.")
    ],
    shop: Shop,
    publish: Annotated[bool, typer.Option(help="Make the new release live when every file was read.")] = True,
    as_json: AsJson = False,
    force: Force = "",
    suite: SuiteFile = "",
    watch: Annotated[bool, typer.Option("--watch", help="Go on: read again whenever a file has changed.")] = False,
    every: Annotated[float, typer.Option(help="With --watch: read again after so many minutes too; 0 = never.")] = 0,
) -> None:
    """Read a shop folder, build a release of its knowledge, and publish it.

    Only what changed is embedded again. A file that can't be read never sinks the rest: the report names it and the
    last live release stays live.

    A file of the folder and an upload of the same name both count (of one SKU the folder holds): the report says so,
    and the checks name each question that stands in both.

    Exit code 0: all was done. 1: a file or the command needs a person. 3: the checks or the shop's suite hold the
    release back. 75: something is busy or down, try later.
    """
    if suite:
        run(adopt_suite(read_settings().home, shop, suite))
    wanted = _Wanted(path.resolve(), shop, publish, as_json, force)
    raise typer.Exit(run(_watch(wanted, every * 60) if watch else _ingest(wanted)))


async def _ingest(wanted: _Wanted) -> int:
    try:
        report = await _report(wanted)
    except XiaoerError as problem:
        err.print(f"[red]{escape(problem.title)}.[/red] {escape(str(problem))}", highlight=False)
        return TRY_LATER if problem.status in (409, 429, 503) else FAILED
    if wanted.as_json:
        print(json.dumps(report.as_json(), ensure_ascii=False, indent=2), flush=True)
    else:
        importlib.import_module("ingestion.report_table").print_report(report, out)
    return int(report.exit_code)


async def _report(wanted: _Wanted) -> Any:
    settings = read_settings()
    if server := find_server(settings.home):
        return await asyncio.to_thread(_by_server, server, wanted)
    return await _here(settings, wanted)


def _by_server(server: RunningServer, wanted: _Wanted) -> Any:
    """The server reads, and tells how far it is; its report in the end. Raises Answered or Unavailable."""
    report_module = importlib.import_module("ingestion.report")
    body = {"path": str(wanted.path), "shop": wanted.shop, "publish": wanted.publish, "force": wanted.force}
    with report_module.progress_bar(err) as progress:
        for event, job in server.follow("/v1/knowledge/ingest", body):
            if event == "job.completed":
                return report_module.report_of(job["report"])
            if event == "job.failed":
                raise Answered(job["problem"])
            if job.get("stage"):
                progress(job["stage"], job["done"], job["total"])
    raise Unavailable(
        f"The server at {server.url} stopped while it read. The live release is as it was before or as the server "
        "finished it; run this again."
    )


async def _here(settings: Settings, wanted: _Wanted) -> Any:
    from app.bootstrap import open_knowledge  # noqa: PLC0415  starts the engines

    job = importlib.import_module("ingestion.job")
    sources = importlib.import_module("ingestion.sources.shop")
    async with open_knowledge(settings) as knowledge:
        with importlib.import_module("ingestion.report").progress_bar(err) as progress:
            return await job.ingest(
                sources.ShopSource(wanted.path, settings.fetch_allow),
                wanted.shop,
                home=knowledge.home,
                catalogue=knowledge.catalogue,
                index=knowledge.index,
                embedder=knowledge.embedder,
                publish=wanted.publish,
                progress=progress,
                gate=knowledge.gate,
                force=wanted.force,
                releases_kept=knowledge.releases_kept,
            )


async def _watch(wanted: _Wanted, every_seconds: float) -> int:
    """Read now, and again when files have changed and then kept still, when it is time, or when a failed run may do."""
    if not wanted.path.exists():
        raise BadInput(f"{wanted.path} does not exist; there is nothing to watch")
    failures = 0
    while True:
        seen = await asyncio.to_thread(fingerprint, wanted.path)
        code = await _ingest(wanted)
        failures = failures + 1 if code == TRY_LATER else 0
        pause = RETRY_SECONDS[min(failures, len(RETRY_SECONDS)) - 1] if failures else every_seconds
        when = f", or in {pause / 60:g} min" if pause else ""
        err.print(
            f"[dim]{time.strftime('%H:%M:%S')} watching {escape(str(wanted.path))}: reads again on change{when}[/dim]"
        )
        await _until_changed(wanted.path, seen, pause)


async def _until_changed(path: Path, seen: Mapping[str, tuple[int, ...]], pause: float) -> None:
    """Return when files differ from `seen` and have kept still for a while, or after `pause` seconds (0 = never)."""
    until = time.monotonic() + pause if pause else float("inf")
    last, still_since = seen, time.monotonic()
    while time.monotonic() < until:
        await asyncio.sleep(LOOK_SECONDS)
        now = await asyncio.to_thread(fingerprint, path)
        if now != last:
            last, still_since = now, time.monotonic()
        elif now != seen and time.monotonic() - still_since >= QUIET_SECONDS:
            return


def fingerprint(path: Path) -> dict[str, tuple[int, ...]]:
    """Path → (changed, size, inode) of every file below, read from the directory alone; half-written names left out."""
    return dict(_stats(path))


def _stats(path: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
    files = [path] if path.is_file() else (Path(top) / n for top, _, names in os.walk(path) for n in names)
    for file in files:
        if file.name.startswith((".", "~$")):
            continue
        try:
            status = file.stat()
        except OSError:
            continue  # it went away while we looked; the next look sees that
        yield str(file), (status.st_mtime_ns, status.st_size, status.st_ino)

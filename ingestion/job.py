"""The ingestion job: read → convert → chunk → compare → embed → stage → publish → report."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import structlog

from app.errors import DISK_FULL, NO_ROOM, BadInput, Unavailable
from app.knowledge.catalogue import ChunkVersion, NewChunk, WritableCatalogue
from app.knowledge.chunk import Chunk
from app.knowledge.inspection import ReleaseGate
from app.knowledge.ports import FOREVER, Embedder, KnowledgeIndex
from ingestion.brand_layer import with_editors
from ingestion.building import Builder
from ingestion.compare import Comparison, compare
from ingestion.inspecting import inspect, pass_gate
from ingestion.layer import Layered, apply_layer
from ingestion.mapping import TableRule, read_rules
from ingestion.mirror import Mirror
from ingestion.points import point_texts
from ingestion.read_memory import ReadMemory
from ingestion.reading import FileRead, Reader
from ingestion.recognise import keep_renamed
from ingestion.report import FileReport, IngestReport
from ingestion.shop_files import ShopFiles, only_one_job
from ingestion.sources import UPLOADS, Progress, Scope, Shelf, Source
from ingestion.sources.namesakes import namesake_note, namesakes
from ingestion.sources.shop import ShopSource
from ingestion.sweep import sweep_held

log = structlog.get_logger(__name__)
_SHOP_NAME = re.compile(r"[A-Za-z0-9\u3400-\u9fff][A-Za-z0-9\u3400-\u9fff_-]{0,63}")


async def ingest(
    source: Path | Source,
    shop: str,
    *,
    home: Path,
    catalogue: WritableCatalogue,
    index: KnowledgeIndex,
    embedder: Embedder,
    publish: bool,
    progress: Progress | None = None,
    releases_kept: int = 0,
    gate: ReleaseGate | None = None,
    force: str = "",
) -> IngestReport:
    """Read a shop folder, a part of it or another source into a new release, and publish that unless a file failed,
    a check objects, or the `gate` finds that the shop's suite got worse. `force` is why to publish it all the same.

    Only what changed is embedded. What is gone from the part that was read ends with the new release; nothing
    outside that part is touched. A file that cannot be read keeps the chunks it had. Killed at any point, the live
    release stays, and the next run tidies up. Of older releases the `releases_kept` newest stay (0 = all).

    Raises BadInput when there is nothing to read, Conflict when another job works on the shop.
    """
    if not _SHOP_NAME.fullmatch(shop):
        raise BadInput(f"{shop!r} is no name for a shop: use letters, digits, - and _; nothing was read")
    with only_one_job(home, shop):
        job = _Job(
            shop, home=home, catalogue=catalogue, index=index, embedder=embedder, progress=progress or (lambda *_: None)
        )
        job.gate, job.force = gate, force
        report = await job.run(ShopSource(source) if isinstance(source, Path) else source, publish)
        try:
            await sweep_held(shop, catalogue=catalogue, index=index, kept=releases_kept)
        except Unavailable as problem:
            # What was asked for is done; the next run sweeps the same.
            log.warning("release.not_swept", shop=shop, problem=str(problem))
        return report


class _Job:
    def __init__(
        self,
        shop: str,
        *,
        home: Path,
        catalogue: WritableCatalogue,
        index: KnowledgeIndex,
        embedder: Embedder,
        progress: Progress,
    ) -> None:
        self._shop = shop
        self._catalogue = catalogue
        self._embedder = embedder
        self._progress = progress
        self._files = ShopFiles(home, shop)
        self._mirror = Mirror(home, shop)
        self._root = home / "shops" / shop
        self._builder = Builder(shop, catalogue, index, embedder, progress)
        self.gate: ReleaseGate | None = None
        self.force = ""

    async def run(self, source: Source, publish: bool) -> IngestReport:
        failed: set[str] | None = None
        try:
            report = await self._run(source, publish)
            failed = {file.path for file in report.files if file.error}
            return report
        except OSError as error:
            if error.errno in DISK_FULL:
                raise Unavailable(NO_ROOM) from error
            raise
        finally:
            await source.settle(failed)

    async def _run(self, source: Source, publish: bool) -> IngestReport:
        known = await self._catalogue.folder(self._shop)
        shelf = Shelf(self._root, known)
        scope = await source.bring(shelf, self._progress)
        folder = scope.folder
        brand = self._files.read_brand(folder)
        root = folder.root if folder else Path(known) if known else None
        rules = read_rules([*([root] if root else []), shelf.place(UPLOADS)])
        reads, scope = await asyncio.to_thread(self._read, scope, rules)
        orders = self._files.read_orders(folder)
        rows = await self._catalogue.edits.rows(self._shop)
        holds, _ = with_editors(brand, rows)
        if not scope.files and not rows and not await self._catalogue.newest_built(self._shop):
            raise BadInput(f"{self._shop} has no knowledge yet; ingest its whole folder first. Nothing was changed")
        await self._catalogue.save_shop(self._shop, holds.raw, str(folder.root) if folder and folder.whole else known)

        if leftover := await self._catalogue.staged(self._shop):
            await self._builder.undo(leftover)
        base = await self._catalogue.newest_built(self._shop)
        current = await self._catalogue.chunks(self._shop, base.number) if base else []
        keep_renamed(reads, current)
        layered = apply_layer(rows, reads, current, scope.in_scope, self._files.zone)
        reads = layered.reads
        comparison = compare(current, reads, scope).with_edits(layered)
        number = base.number if base else None
        if comparison.changes or base is None or base.embedder != self._embedder.name:
            number = await self._build(
                comparison, layered, current, reembed=base is not None and base.embedder != self._embedder.name
            )
        elif number is not None:
            await self._builder.check(number)

        # Read again: an editor may have changed the brand meanwhile, and that holds at once.
        brand, told = with_editors(brand, await self._catalogue.edits.rows(self._shop))
        await self._catalogue.edits.settle(self._shop, [*layered.settlements, *told])
        self._files.write(brand, orders)
        self._files.take_suite(folder)
        unread = {read.path for read in reads if read.error}
        roots = [*([(root, "")] if root else []), (shelf.place(UPLOADS), f"{UPLOADS}/")]
        await asyncio.to_thread(self._mirror.keep, scope.files, unread, roots)
        report = self._report(scope, layered, comparison, current, number)
        report.files[:0] = [extra for extra in (brand.report, orders.report) if extra.tells]
        if number is not None:
            loaded = {base.number: current} if base else {}
            report.inspection = await inspect(
                self._catalogue, self._shop, number, reads, brand.raw, self._files.zone, loaded
            )
            if publish and report.ok and await self._catalogue.live_release(self._shop) != number:
                report.inspection = await pass_gate(
                    self._catalogue, self.gate, self._shop, report.inspection, self.force
                )
                if not report.held_back:
                    await self._catalogue.publish(self._shop, number, reason=report.inspection.forced)
        report.live_release = await self._catalogue.live_release(self._shop)
        return report

    def _read(self, scope: Scope, rules: Sequence[TableRule]) -> tuple[list[FileRead], Scope]:
        reader = Reader(self._files.zone, rules)
        memory = ReadMemory(self._root / "reads", self._files.zone, rules)
        for number, source in enumerate(scope.files, start=1):
            if known := memory.recall(source):
                reader.take(known)
            else:
                reader.read([source])
                if read := reader.alone(source.path):
                    memory.remember(source, read)
            self._progress("read", number, len(scope.files))
        memory.save(scope.in_scope)
        if reader.has_products and scope.others:
            # A spec sheet changes the products of another file, and the other way round: they belong together.
            joined = set(reader.read_product_tables(scope.others))
            also = tuple(source for source in scope.others if source.path in joined)
            scope = replace(scope, files=(*scope.files, *also))
        failed = [FileRead(path, error=reason) for path, reason in scope.failed.items()]
        return [*reader.finish(), *failed], scope

    async def _build(self, comparison: Comparison, layered: Layered, current: Sequence[Chunk], *, reembed: bool) -> int:
        closed = set(comparison.closed)
        kept = [chunk for chunk in current if chunk.chunk_id not in closed]
        if not kept and not comparison.added:
            raise BadInput(
                "no knowledge was found in the files: " + _first_reason(layered.reads) + "; nothing was changed"
            )
        texts = point_texts([new for new, _ in comparison.added], among=kept)
        staged = await self._catalogue.stage(
            self._shop,
            added=[NewChunk(chunk, position, len(texts[chunk.chunk_id])) for chunk, position in comparison.added],
            closed=closed,
            read_documents=[*layered.documents, *(d for read in layered.reads for d in read.chunked.documents)],
            embedder=self._embedder.name,
            note=comparison.note,
        )
        versions = []
        for chunk, _ in comparison.added:
            given = staged.renamed.get(chunk.chunk_id, chunk.chunk_id)
            texts[given] = texts[chunk.chunk_id]
            versions.append(ChunkVersion(replace(chunk, chunk_id=given), staged.number, FOREVER))
        if reembed:
            await self._builder.rebuild()
        await self._builder.write(versions, texts)
        await self._builder.close(closed, staged.number)
        await self._builder.check(staged.number)
        await self._catalogue.mark_built(self._shop, staged.number)
        return staged.number

    def _report(
        self, scope: Scope, layered: Layered, comparison: Comparison, current: Sequence[Chunk], number: int | None
    ) -> IngestReport:
        files = []
        others = namesakes(scope, {chunk.path for chunk in current})
        for read in layered.reads:
            counts = comparison.counts.get(read.path)
            report = FileReport(
                path=read.path,
                error=read.error,
                skipped=list(read.chunked.skipped),
                warnings=list(dict.fromkeys(read.chunked.warnings)),
                tables=[note for table in read.tables if (note := table.note(read.path))],
                chunks=len(read.chunked.chunks),
            )
            if counts:
                report.new, report.changed, report.unchanged, report.vanished = counts
            if (other := others.get(read.path)) and not read.error:
                report.warnings.append(namesake_note(other, products=read.has_products))
            files.append(report)
        known = {read.path for read in layered.reads}
        for path, counts in comparison.counts.items():
            if path not in known:
                why = "edited in the console" if path in layered.paths else "the file is gone"
                new, changed, _, vanished = counts
                files.append(FileReport(path=path, new=new, changed=changed, vanished=vanished, warnings=[why]))
        for file in files:
            if count := layered.conflicts.get(file.path):
                rows = "1 row was" if count == 1 else f"{count} rows were"
                file.warnings.append(f"{rows} changed both here and in the console; the console's text stays")
        for path in scope.ignored:
            files.append(FileReport(path=path, warnings=["not a format that is read; ignored"]))
        return IngestReport(shop=self._shop, release=number, files=files)


def _first_reason(reads: Sequence[FileRead]) -> str:
    for read in reads:
        if read.error:
            return f"{read.path}: {read.error}"
        if read.chunked.skipped:
            return f"{read.path}, row {read.chunked.skipped[0].row}: {read.chunked.skipped[0].reason}"
    return "they hold no text"

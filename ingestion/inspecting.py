"""Looks at a release before it goes live: the checks, and the shop's suite where the publish is wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from types import MappingProxyType
from typing import Any

from app.knowledge.catalogue import WritableCatalogue
from app.knowledge.chunk import Chunk
from app.knowledge.finding import Finding
from app.knowledge.inspection import Inspection, ReleaseGate, judged
from ingestion.checks import run_checks
from ingestion.checks.material import LeftOut, Material
from ingestion.reading import FileRead


async def inspect(
    catalogue: WritableCatalogue,
    shop: str,
    number: int,
    reads: Sequence[FileRead],
    brand: dict[str, Any],
    zone: tzinfo,
    loaded: Mapping[int, Sequence[Chunk]] = MappingProxyType({}),
) -> Inspection:
    """Run the checks on a built release, against the live one; what they say is kept with the release.

    `loaded` holds the chunks of releases that the caller has read already, by number.
    """
    live = await catalogue.live_release(shop)
    stored = await catalogue.inspection(shop, number)
    after = loaded.get(number) or await catalogue.chunks(shop, number)
    before = await _before(catalogue, shop, live, loaded) if live != number else after if stored else None
    material = Material(
        chunks=after,
        now=datetime.now(UTC),
        before=before,
        left_out=list(left_out(reads)),
        disagreements=[d for read in reads for d in read.chunked.disagreements],
        forbidden_words=_words(brand.get("forbidden_words")),
        zone=zone,
    )
    if live == number:  # nothing new is to go live: what was known of it is known still
        all_of_live = list(stored.findings) if stored else []
        known = [finding for finding in all_of_live if finding.known]
    else:
        known = all_of_live = await _findings_of(catalogue, shop, live, before, material)
    findings = await asyncio.to_thread(run_checks, material, known, all_of_live)
    if live == number and stored is not None:
        inspection = replace(stored, findings=findings, checked_at=material.now)
    else:
        inspection = Inspection(number, live if live != number else None, material.now, findings)
    await catalogue.save_inspection(shop, inspection)
    return inspection


async def _before(
    catalogue: WritableCatalogue, shop: str, live: int | None, loaded: Mapping[int, Sequence[Chunk]]
) -> Sequence[Chunk] | None:
    if live is None:
        return None
    return loaded.get(live) or await catalogue.chunks(shop, live)


async def _findings_of(
    catalogue: WritableCatalogue, shop: str, live: int | None, chunks: Sequence[Chunk] | None, material: Material
) -> list[Finding]:
    """What the live release is known for; looked at now where nobody did before."""
    if live is None or chunks is None:
        return []
    if stored := await catalogue.inspection(shop, live):
        return list(stored.findings)
    alone = Material(chunks, material.now, forbidden_words=material.forbidden_words, zone=material.zone)
    return await asyncio.to_thread(run_checks, alone)


def left_out(reads: Sequence[FileRead]) -> Iterable[LeftOut]:
    """Rows that the checks ought to know of, out of all that were left out."""
    return (
        LeftOut(read.path, row.row, row.reason, row.code, row.subject)
        for read in reads
        for row in read.chunked.skipped
        if row.code
    )


def _words(found: Any) -> tuple[str, ...]:
    listed = found if isinstance(found, list) else [found] if found else []
    return tuple(str(word) for word in listed if word)


async def pass_gate(
    catalogue: WritableCatalogue, gate: ReleaseGate | None, shop: str, inspection: Inspection, force: str = ""
) -> Inspection:
    """Let the gate run the shop's suite on the release, and keep what it says with why the publish is forced."""
    found = await judged(gate, shop, inspection, await catalogue.live_release(shop), force)
    await catalogue.save_inspection(shop, found)
    return found

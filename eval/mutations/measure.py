"""Applies mutations to copies of a shop and sees what the checks make of each."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml

from app.knowledge.chunk import Chunk
from app.knowledge.finding import Finding
from app.shop.brand import Brand, brand_of
from eval.mutations import harmful, harmless
from eval.mutations.editable import slots_of
from eval.mutations.harmful import Mutation
from ingestion.checks import run_checks
from ingestion.checks.material import Material
from ingestion.inspecting import left_out
from ingestion.reading import FileRead, Reader
from ingestion.sources.folder import open_folder

HARMFUL = ("price edited", "value edited", "contradiction added", "clause lost", "document deleted")
HARMLESS = ("typo", "reordered", "reformatted")


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of one mutation."""

    shop: str
    mutation: Mutation
    findings: Sequence[Finding]

    @property
    def blocked(self) -> bool:
        """Whether it keeps the release back."""
        return any(finding.blocks for finding in self.findings)

    @property
    def flagged(self) -> bool:
        """Whether anything new is told at all."""
        return bool(self.findings)


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop folder, read, with what is known of it before any mutation."""

    name: str
    root: Path
    brand: Brand
    chunks: Sequence[Chunk]
    known: Sequence[Finding]


def open_shop(name: str, root: Path) -> Shop:
    """Read the folder as ingestion does, and check it once."""
    brand = brand_of(yaml.safe_load((root / "brand.yaml").read_text(encoding="utf-8")) or {})
    reads = _read(root, brand)
    chunks = chunks_of(reads)
    return Shop(name, root, brand, chunks, run_checks(_material(chunks, reads, brand, None)))


def mutations(shop: Shop, kind: str, seed: int) -> Iterable[Mutation]:
    """Mutations of a kind, the same for the same seed; some kinds have no end."""
    slots = slots_of(shop.root)
    makers: Mapping[str, Callable[[random.Random], Iterable[Mutation]]] = {
        "price edited": lambda chance: harmful.price_edited(slots, chance),
        "value edited": lambda chance: harmful.value_edited(slots, chance),
        "contradiction added": lambda chance: harmful.contradiction_added(slots, chance),
        "clause lost": lambda chance: harmful.clause_lost(slots, chance),
        "document deleted": lambda chance: harmful.document_deleted(shop.root, chance),
        "typo": lambda chance: harmless.typo(slots, chance),
        "reordered": lambda chance: harmless.reordered(shop.root, chance),
        "reformatted": lambda chance: harmless.reformatted(shop.root, slots, chance),
    }
    return makers[kind](random.Random(f"{seed} {shop.name} {kind}"))


def results(shop: Shop, kind: str, count: int, seed: int) -> Iterator[Tried]:
    """What became of the first `count` mutations of a kind that touch knowledge."""
    there = (tried(shop, mutation) for mutation in mutations(shop, kind, seed))
    yield from islice((one for one in there if one is not None), count)


def tried(shop: Shop, mutation: Mutation) -> Tried | None:
    """Apply a mutation to a copy, read it, and check it against the shop as it was.

    None where the edit touched nothing that is knowledge: a page's footer, a sentence that is not read.
    """
    with tempfile.TemporaryDirectory(prefix="xiaoer-mutation-") as folder:
        copy = Path(folder) / "shop"
        shutil.copytree(shop.root, copy)
        mutation.apply(copy)
        reads = _read(copy, shop.brand)
    chunks = chunks_of(reads)
    if mutation.kind in HARMFUL and {c.content_hash for c in chunks} == {c.content_hash for c in shop.chunks}:
        return None
    findings = run_checks(_material(chunks, reads, shop.brand, shop.chunks), list(shop.known))
    return Tried(shop.name, mutation, [finding for finding in findings if not finding.known])


def chunks_of(reads: Sequence[FileRead]) -> list[Chunk]:
    """All chunks, each once."""
    return list({chunk.chunk_id: chunk for read in reads for chunk in read.chunked.chunks}.values())


def _material(
    chunks: Sequence[Chunk], reads: Sequence[FileRead], brand: Brand, before: Sequence[Chunk] | None
) -> Material:
    return Material(
        chunks=chunks,
        now=datetime.now(UTC),
        before=before,
        left_out=list(left_out(reads)),
        disagreements=[d for read in reads for d in read.chunked.disagreements],
        forbidden_words=brand.forbidden_words,
        zone=ZoneInfo(brand.timezone),
    )


def _read(root: Path, brand: Brand) -> list[FileRead]:
    reader = Reader(ZoneInfo(brand.timezone))
    reader.read(open_folder(root).files)
    return reader.finish()

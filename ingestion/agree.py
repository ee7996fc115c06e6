"""Do the index and the database agree, point for point? What crash tests and `xiaoer reindex --check` ask."""

from __future__ import annotations

from dataclasses import dataclass

from app.knowledge.catalogue import WritableCatalogue
from app.knowledge.ports import KnowledgeIndex
from ingestion.building import texts_of_versions
from ingestion.points import point_spans


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many points belong, are missing, belong to nothing, or begin or end with another release than they should."""

    belong: int
    missing: int
    stray: int
    misdated: int

    @property
    def ok(self) -> bool:
        """Whether there is nothing to mend."""
        return not (self.missing or self.stray or self.misdated)


async def agree(shop: str, catalogue: WritableCatalogue, index: KnowledgeIndex) -> Agreement:
    """Compare every point of a shop with what the database says."""
    versions = await catalogue.versions(shop)
    texts = texts_of_versions(versions)
    expected = {s.point_id: s for v in versions for s in point_spans(shop, v, texts[v.chunk.chunk_id])}
    found = {span.point_id: span for span in await index.points(shop)}
    misdated = sum(1 for point_id, span in found.items() if point_id in expected and expected[point_id] != span)
    return Agreement(
        belong=len(expected),
        missing=len(expected.keys() - found.keys()),
        stray=len(found.keys() - expected.keys()),
        misdated=misdated,
    )

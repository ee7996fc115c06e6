"""What a product's row says to a question in which no known attribute was recognised: its cells are read one by one.

"What's stuffed in the Ridgemere?" names no column; read together with the question, "Fill: recycled polyester" answers
and "Weight: 480 g" does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.chat.concepts import DULL, SIZE_CHART
from app.chat.ports import Reranker
from app.chat.products import Reading, facts_of
from app.chat.turn import Passage, Question
from app.errors import Unavailable
from app.knowledge.chunk import Chunk, Kind
from app.knowledge.view import KnowledgeView, Product

SAYS = 2.0
"""Score of a cell from which it answers: of near misses in shops nobody fitted on, 1 in 30 has one as high."""
AS_WELL = 1.0
"""A second cell is said too when it reads as well as the best but for this much."""
_MOST_SAID = 2
_MOST_READ = 16
_VALUES = 4


@dataclass(frozen=True, slots=True)
class RowReader:
    """Reads the row of the best passage where that is a product which would otherwise have nothing to say."""

    reranker: Reranker

    async def read(
        self, question: Question, passages: Sequence[Passage], reading: Reading | None, view: KnowledgeView
    ) -> Reading | None:
        """The reading with the cells that answer as its facts; as it was where it has some, or none answers."""
        if not passages or passages[0].chunk.kind is not Kind.PRODUCT:
            return reading
        product = view.product_of(passages[0].chunk)
        own = (reading.about(product) if reading else None) or _unread(product)
        if own.facts or (own.introduces and not own.missing) or (own.compares and len(own.products) > 1):
            return reading
        rows = [v for v in own.variants if v in product.variants] or list(product.variants)
        cells = _cells(product, rows)
        try:
            scores = await self.reranker.scores(question, [_as_passage(passages[0], product, cell) for cell in cells])
        except Unavailable:
            return reading
        columns = _saying([column for column, _ in cells], scores)
        if not columns:
            return reading
        return replace(
            own,
            products=((product, 0.0),),
            variants=tuple(rows),
            columns=columns,
            facts=facts_of(rows, columns),
            missing=False,
            alone=reading.alone if reading else None,
        )


def _unread(product: Product) -> Reading:
    return Reading(((product, 0.0),), product.variants, (), (), (), missing=False, introduces=False)


def _cells(product: Product, rows: Sequence[Chunk]) -> list[tuple[str, str]]:
    """(column, what it holds) of what tells something about the product."""
    cells = []
    for column in product.columns:
        values = dict.fromkeys(value for row in rows if (value := row.attributes.get(column, "").strip()))
        if values and not DULL.search(column) and not SIZE_CHART.search(column):
            cells.append((column, "; ".join(list(values)[:_VALUES])))
    return cells[:_MOST_READ]


def _as_passage(passage: Passage, product: Product, cell: tuple[str, str]) -> Passage:
    text = f"{product.name}\n{cell[0]}: {cell[1]}"
    return replace(passage, chunk=replace(passage.chunk, title=product.name, text=text))


def _saying(columns: Sequence[str], scores: Sequence[float]) -> tuple[str, ...]:
    best = max(scores, default=0.0)
    ordered = sorted(zip(scores, columns, strict=True), reverse=True)
    return tuple(column for score, column in ordered if score >= max(SAYS, best - AS_WELL))[:_MOST_SAID]

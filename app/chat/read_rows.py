"""What a product's row says to a question, read cell by cell together with it.

"What's stuffed in the Ridgemere?" names no column; read together with the question, "Fill: recycled polyester" answers
and "Weight: 480 g" does not. Where a column was recognised, reading tells whether it is the one that was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

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
INSTEAD = 2.5
"""How much better than the recognised cells another must read, to be said in their place."""
WORTH_READING = 0.2
"""Confidence in a product from which its row is read: below, a person answers anyway."""
_MOST_SAID = 2
_MOST_READ = 16
_VALUES = 4


@dataclass(frozen=True, slots=True)
class RowReader:
    """Reads the row of the best passage where that is a product."""

    reranker: Reranker

    async def read(
        self, question: Question, passages: Sequence[Passage], reading: Reading | None, view: KnowledgeView
    ) -> tuple[list[Passage], Reading | None]:
        """The passages, the best with how well its row reads among its scores, and what the row says.

        `cell` is the score of the best cell that would be said, `cell_above` how much better one reads that would not.
        Where no column was recognised, or another reads much better, the cells that answer become the reading's facts.
        """
        if not is_worth_reading(passages):
            return list(passages), reading
        product = view.product_of(passages[0].chunk)
        own = (reading.about(product) if reading else None) or _unread(product)
        if own.introduces and not own.facts and not own.missing:
            return list(passages), reading
        rows = [v for v in own.variants if v in product.variants] or list(product.variants)
        cells = _cells(product, rows, own.columns)
        try:
            scores = await self.reranker.scores(question, [_as_passage(passages[0], product, cell) for cell in cells])
        except Unavailable:
            return list(passages), reading
        of_column = dict(zip((column for column, _ in cells), scores, strict=True))
        if not of_column:
            return list(passages), reading
        said = _to_say(own, of_column)
        if said != own.columns:
            reading = _saying(product, rows, said, own, reading)
        return [_with_cells(passages[0], of_column, said), *passages[1:]], reading


def _to_say(own: Reading, of_column: Mapping[str, float]) -> tuple[str, ...]:
    """The columns to say: those recognised, with others that read no worse; or those that answer, where none was
    recognised or others read much better. Of a comparison, those recognised."""
    recognised = max((of_column[c] for c in own.columns if c in of_column), default=None)
    if own.facts and (recognised is None or own.compares or len(own.products) > 1):
        return own.columns
    telling = _telling(of_column)
    if recognised is None or not telling or of_column[telling[0]] >= recognised + INSTEAD:
        return telling or own.columns
    more = (c for c in telling if c not in own.columns and of_column[c] >= recognised)
    return (*own.columns, *more)


def is_worth_reading(passages: Sequence[Passage]) -> bool:
    """Whether the best passage is a product that may be meant, and not beyond doubt."""
    if not passages or passages[0].chunk.kind is not Kind.PRODUCT:
        return False
    return passages[0].confidence >= WORTH_READING and not passages[0].scores.get("certain")


def _unread(product: Product) -> Reading:
    return Reading(((product, 0.0),), product.variants, (), (), (), missing=False, introduces=False)


def _cells(product: Product, rows: Sequence[Chunk], recognised: Sequence[str]) -> list[tuple[str, str]]:
    """(column, what it holds) of what tells something about the product, recognised columns first."""
    cells = []
    for column in [*recognised, *(c for c in product.columns if c not in recognised)]:
        values = dict.fromkeys(value for row in rows if (value := row.attributes.get(column, "").strip()))
        if values and not DULL.search(column) and not SIZE_CHART.search(column):
            cells.append((column, "; ".join(list(values)[:_VALUES])))
    return cells[:_MOST_READ]


def _as_passage(passage: Passage, product: Product, cell: tuple[str, str]) -> Passage:
    text = f"{product.name}\n{cell[0]}: {cell[1]}"
    return replace(passage, chunk=replace(passage.chunk, title=product.name, text=text))


def _telling(of_column: Mapping[str, float]) -> tuple[str, ...]:
    """The columns that answer, best first."""
    best = max(of_column.values(), default=0.0)
    ordered = sorted(of_column, key=lambda column: -of_column[column])
    return tuple(column for column in ordered if of_column[column] >= max(SAYS, best - AS_WELL))[:_MOST_SAID]


def _saying(
    product: Product, rows: Sequence[Chunk], columns: tuple[str, ...], own: Reading, reading: Reading | None
) -> Reading:
    return replace(
        own,
        products=((product, 0.0),),
        variants=tuple(rows),
        columns=columns,
        facts=facts_of(rows, columns),
        missing=False,
        alone=reading.alone if reading else None,
    )


def _with_cells(passage: Passage, of_column: Mapping[str, float], said: Sequence[str]) -> Passage:
    """The passage with what reading its cells came to; as it was where no cell that was read would be said."""
    told = [of_column[column] for column in said if column in of_column]
    if not told:
        return passage
    others = [score for column, score in of_column.items() if column not in said]
    above = max(others, default=max(told)) - max(told)
    scores = {**passage.scores, "cell": max(told), "cell_above": above}
    return replace(passage, scores=MappingProxyType(scores))

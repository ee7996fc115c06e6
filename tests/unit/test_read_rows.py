"""A product's row read cell by cell, where no known attribute was recognised in the question."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from app.chat.products import Reading
from app.chat.read_rows import INSTEAD, SAYS, WORTH_READING, RowReader
from app.chat.turn import Passage, Question
from app.errors import Unavailable
from app.knowledge.view import KnowledgeView
from tests.builders import a_faq, a_passage, a_product, a_question, a_reader, a_view

POT = a_product(
    "Ridgemere Jacket",
    "RMS-S",
    attributes={"SKU": "RMS-S", "Weight (g)": "480", "Fill": "recycled polyester", "Pockets": "two"},
)
VIEW = a_view(POT)
ASKED = a_question("what's stuffed in the ridgemere jacket")
WEIGHT = a_question("how heavy is the ridgemere jacket")


class Reads:
    """A reranker by heart: the score of each cell by its column."""

    def __init__(self, **scores: float) -> None:
        self.scores_of = scores
        self.shown: list[str] = []
        self.down = False

    async def scores(self, question: Question, passages: Sequence[Passage]) -> list[float]:
        if self.down:
            raise Unavailable("down")
        self.shown = [p.chunk.text for p in passages]
        return [self.scores_of.get(text.split("\n")[1].split(":")[0].split(" ")[0], -5.0) for text in self.shown]


def as_read(question: Question = ASKED, view: KnowledgeView = VIEW) -> Reading | None:
    return a_reader().read(question, [a_passage(POT)], view)


async def read(reads: Reads, question: Question, reading: Reading | None) -> tuple[Passage, Reading]:
    passages, found = await RowReader(reads).read(question, [a_passage(POT)], reading, VIEW)
    assert found is not None
    return passages[0], found


async def test_the_cell_that_reads_as_the_answer_is_what_the_row_says() -> None:
    reads = Reads(Fill=SAYS + 1)
    _, found = await read(reads, ASKED, as_read())
    assert [(fact.name, fact.value) for fact in found.facts] == [("Fill", "recycled polyester")]
    assert found.about(VIEW.product_of(POT)) is found
    assert not any("RMS-S" in text for text in reads.shown)


async def test_a_second_cell_is_said_only_when_it_reads_nearly_as_well() -> None:
    _, close = await read(Reads(Fill=3.0, Pockets=2.5), ASKED, as_read())
    _, apart = await read(Reads(Fill=5.0, Pockets=2.5), ASKED, as_read())
    assert close.columns == ("Fill", "Pockets")
    assert apart.columns == ("Fill",)


async def test_where_no_cell_answers_nothing_is_said() -> None:
    before = as_read()
    passage, found = await read(Reads(Fill=SAYS - 0.1), ASKED, before)
    assert found is before
    assert "cell" not in passage.scores


async def test_how_well_the_recognised_cell_reads_is_told_with_the_passage() -> None:
    known = as_read(WEIGHT)
    passage, found = await read(Reads(Weight=1.0, Fill=1.5), WEIGHT, known)
    assert found is known
    assert passage.scores["cell"] == 1.0
    assert passage.scores["cell_above"] == 0.5


async def test_a_cell_that_reads_much_better_is_said_in_place_of_the_recognised_one() -> None:
    passage, found = await read(Reads(Weight=0.0, Fill=SAYS + INSTEAD), WEIGHT, as_read(WEIGHT))
    assert found.columns == ("Fill",)
    assert passage.scores["cell"] == SAYS + INSTEAD
    assert passage.scores["cell_above"] < 0


async def test_a_cell_that_reads_no_worse_than_the_recognised_one_is_said_as_well() -> None:
    _, found = await read(Reads(Weight=SAYS, Fill=SAYS + 0.5), WEIGHT, as_read(WEIGHT))
    assert found.columns == ("Weight (g)", "Fill")
    _, alone = await read(Reads(Weight=SAYS + 0.5, Fill=SAYS), WEIGHT, known := as_read(WEIGHT))
    assert alone is known


@pytest.mark.parametrize(
    "passages",
    [
        [],
        [a_passage(a_faq())],
        [a_passage(POT, WORTH_READING - 0.01)],
        [a_passage(POT, 0.9, certain=1.0)],
    ],
    ids=["nothing", "no product", "hardly this product", "beyond doubt"],
)
async def test_a_row_is_read_only_where_a_product_may_be_meant(passages: list[Passage]) -> None:
    reads = Reads(Fill=9.0)
    assert await RowReader(reads).read(ASKED, passages, None, VIEW) == (passages, None)
    assert reads.shown == []


async def test_a_product_that_is_asked_for_as_such_is_introduced_and_not_read() -> None:
    about = a_question("tell me about the ridgemere jacket")
    reads, before = Reads(Fill=9.0), as_read(about)
    _, found = await read(reads, about, before)
    assert found is before
    assert reads.shown == []


async def test_a_reader_that_is_down_leaves_the_row_as_it_was_read() -> None:
    reads = Reads(Fill=9.0)
    reads.down = True
    before = as_read()
    assert (await read(reads, ASKED, before))[1] is before

"""A product's row read cell by cell, where no known attribute was recognised in the question."""

from __future__ import annotations

from collections.abc import Sequence

from app.chat.products import Reading
from app.chat.read_rows import SAYS, RowReader
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


async def test_the_cell_that_reads_as_the_answer_is_what_the_row_says() -> None:
    reads = Reads(Fill=SAYS + 1)
    found = await RowReader(reads).read(ASKED, [a_passage(POT)], as_read(), VIEW)
    assert found is not None
    assert [(fact.name, fact.value) for fact in found.facts] == [("Fill", "recycled polyester")]
    assert found.about(VIEW.product_of(POT)) is found
    assert not any("RMS-S" in text for text in reads.shown)


async def test_a_second_cell_is_said_only_when_it_reads_nearly_as_well() -> None:
    close = await RowReader(Reads(Fill=3.0, Pockets=2.5)).read(ASKED, [a_passage(POT)], as_read(), VIEW)
    apart = await RowReader(Reads(Fill=5.0, Pockets=2.5)).read(ASKED, [a_passage(POT)], as_read(), VIEW)
    assert close is not None
    assert apart is not None
    assert close.columns == ("Fill", "Pockets")
    assert apart.columns == ("Fill",)


async def test_where_no_cell_answers_nothing_is_said() -> None:
    before = as_read()
    assert await RowReader(Reads(Fill=SAYS - 0.1)).read(ASKED, [a_passage(POT)], before, VIEW) is before


async def test_what_was_recognised_and_what_is_no_product_are_left_alone() -> None:
    reads = Reads(Fill=9.0)
    weight = a_question("how heavy is the ridgemere jacket")
    known = as_read(weight)
    assert known is not None
    assert known.facts
    assert await RowReader(reads).read(weight, [a_passage(POT)], known, VIEW) is known
    assert await RowReader(reads).read(ASKED, [a_passage(a_faq())], None, VIEW) is None
    assert await RowReader(reads).read(ASKED, [], None, VIEW) is None
    assert reads.shown == []


async def test_a_reader_that_is_down_leaves_the_row_as_it_was_read() -> None:
    reads = Reads(Fill=9.0)
    reads.down = True
    before = as_read()
    assert await RowReader(reads).read(ASKED, [a_passage(POT)], before, VIEW) is before

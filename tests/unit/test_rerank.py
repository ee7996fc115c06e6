"""Reading passages that are in doubt: only the best few, never what is certain, and nothing is lost."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from app.chat.confidence import Confidence, confidence_features, was_read
from app.chat.rerank import READ, SURE, Judge, with_reading
from app.chat.turn import Passage
from app.errors import Unavailable
from tests.builders import a_faq, a_fitted, a_passage, a_question
from tests.fakes import FakeReranker

QUESTION = a_question("who pays the return postage")


def listed(count: int) -> list[Passage]:
    """Passages the selector was less and less sure of; only the third holds the question's words."""
    texts = ["We ship daily.", "Cards and cash.", "Who pays the return postage: the shop pays.", *["Other."] * count]
    return [
        a_passage(a_faq(f"Row {n}", text, chunk_id=f"row-{n}"), 0.6 - 0.05 * n) for n, text in enumerate(texts[:count])
    ]


def a_judge(reranker: FakeReranker | None = None) -> tuple[Judge, FakeReranker]:
    reader = reranker or FakeReranker()
    return Judge(reader, a_fitted({"read": 1.0})), reader


async def test_what_reads_best_goes_first() -> None:
    judge, _ = a_judge()
    judged = await judge.judge(QUESTION, listed(4))
    assert judged[0].chunk.chunk_id == "row-2"
    assert judged[0].confidence > 0.7 > judged[1].confidence


async def test_only_the_best_few_are_read_and_the_others_stay_as_they_were() -> None:
    judge, reader = a_judge()
    judged = await judge.judge(QUESTION, listed(9))
    assert len(reader.shown[0][1]) == READ
    assert sorted(p.chunk.chunk_id for p in judged) == sorted(p.chunk.chunk_id for p in listed(9))
    assert {p.chunk.chunk_id: p.confidence for p in judged if "read" not in p.scores} == {
        p.chunk.chunk_id: p.confidence for p in listed(9)[READ:]
    }


async def test_what_is_certain_and_what_is_hopeless_is_not_read() -> None:
    judge, reader = a_judge()
    sure = [replace(listed(1)[0], scores=MappingProxyType({"certain": 1.0})), *listed(3)[1:]]
    plain = [replace(listed(1)[0], confidence=SURE), *listed(3)[1:]]
    hopeless = [replace(p, confidence=0.001) for p in listed(3)]
    for passages in (sure, plain, hopeless, []):
        assert await judge.judge(QUESTION, passages) == passages
    assert reader.shown == []


async def test_a_reader_that_is_down_is_the_callers_to_handle() -> None:
    judge, _ = a_judge(FakeReranker(down=True))
    with pytest.raises(Unavailable):
        await judge.judge(QUESTION, listed(3))


def test_reading_tells_the_score_the_lead_over_the_best_other_and_the_place() -> None:
    rows = with_reading(listed(3), [0.5, 2.0, 1.0])
    assert [row["read_above"] for row in rows] == [-1.5, 1.0, -1.0]
    assert [row["read_rank"] * READ for row in rows] == [2, 0, 1]
    assert [row["chosen"] for row in rows] == [p.confidence for p in listed(3)]
    assert with_reading(listed(1), [3.0])[0]["read_above"] == 0.0


async def test_read_answers_have_a_confidence_model_of_their_own() -> None:
    surface, read = a_fitted({"first": 1.0}), a_fitted({"read": 1.0})
    judge, _ = a_judge()
    judged = await judge.judge(QUESTION, listed(3))
    assert not was_read(listed(3))
    assert Confidence(surface, read).model_for(judged) is read
    assert Confidence(surface, read).model_for(listed(3)) is surface
    assert Confidence(surface).model_for(judged) is surface
    assert confidence_features(judged, 0.5)["read_best"] == max(p.scores["read"] for p in judged)
    assert "read" not in confidence_features(listed(3), 0.5)

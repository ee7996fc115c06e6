"""A judge is asked one question an answer, is measured against the labels, and never judges itself."""

from __future__ import annotations

import pytest

from app.errors import BadInput
from eval.harness import Sample, SolvedSample, judged
from eval.judge import judge_all, judge_at, kappa
from eval.scorers import SCORERS
from tests.fakes import FakeModel


def test_kappa_is_agreement_beyond_chance() -> None:
    assert kappa([(True, True)] * 40 + [(False, False)] * 40 + [(True, False)] * 10 + [(False, True)] * 10) == (
        pytest.approx(0.6)
    )
    assert kappa([(True, False), (False, True)]) == -1.0
    assert kappa([(True, True)] * 5) is None
    assert kappa([]) is None


async def test_what_the_judge_says_stands_beside_its_agreement_with_the_labels() -> None:
    samples = [Sample(str(n), "free shipping from?", facts=(("99",),)) for n in range(4)]
    texts = ["From 99.", "From 99.", "From 199.", "Ask us."]
    outcomes = [
        judged(s, SolvedSample({"decision": "answer", "text": t, "citations": []}), SCORERS)
        for s, t in zip(samples, texts, strict=True)
    ]
    model = FakeModel("RIGHT")
    found = await judge_all(model, outcomes)
    assert (found.asked, found.right) == (4, 4)
    assert "κ with the labels 0.00 over 4 answers: below 0.6" in found.told()
    assert "99" in model.prompts[0].messages[1][1]
    nonsense = await judge_all(FakeModel("I would rather not say."), outcomes)
    assert (nonsense.asked, nonsense.unreadable) == (0, 4)


@pytest.mark.parametrize(
    ("judge", "tested", "refused"),
    [
        ("http://a/v1", "http://a/v1", True),
        ("http://a/v1#big", "http://a/v1#big", True),
        ("http://a/v1#big", "http://a/v1#small", False),
        ("http://b/v1", "http://a/v1", False),
        ("http://b/v1", "none", False),
    ],
)
async def test_the_model_under_test_never_judges_itself(judge: str, tested: str, refused: bool) -> None:
    if refused:
        with pytest.raises(BadInput, match="no model grades itself"):
            judge_at(judge, tested)
    else:
        await judge_at(judge, tested).close()

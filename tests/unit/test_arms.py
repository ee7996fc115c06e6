"""Conversations are dealt to two arms by a stable hash, and each arm is attended its own way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from app.arms import ArmedAttendant, Experiment, OtherThreshold, arm_of, dealt, read_experiment
from app.chat.ports import OneThreshold
from app.chat.turn import Decision, Reply, Sentence, SmallTalk, Turn
from app.errors import ConfigurationError
from tests.builders import SHOP, a_faq, a_question, a_turn, a_view

TEXT = "name: warmer\nshare: 0.3\nb: {threshold: 0.55, brand: b.yaml}\n"


class Named:
    """An attendant that says its name and the brand's."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def decide(self, turn: Turn) -> Decision:
        return SmallTalk(a_question(), f"{self.name} of {turn.brand.name}")

    async def reply(self, turn: Turn, decision: Decision) -> AsyncIterator[Sentence]:
        yield Sentence(f"{self.name} of {turn.brand.name}")

    def finish(
        self, turn: Turn, decision: Decision, sentences: Sequence[Sentence], timings_ms: dict[str, float]
    ) -> Reply:
        return Reply("m", self.name, decision, tuple(sentences), 1, "en")


def an_experiment(home: Path) -> Experiment:
    folder = home / "shops" / SHOP
    folder.mkdir(parents=True)
    (folder / "experiment.yaml").write_text(TEXT, encoding="utf-8")
    (folder / "b.yaml").write_text("name: Warm Tea\n", encoding="utf-8")
    found = read_experiment(home, SHOP)
    assert found is not None
    return found


def test_a_conversation_stays_in_its_arm_and_shares_come_out(tmp_path: Path) -> None:
    experiment = an_experiment(tmp_path)
    arms = [experiment.arm(f"c_{n}") for n in range(4000)]
    assert arms == [experiment.arm(f"c_{n}") for n in range(4000)]
    assert 0.27 < arms.count("b") / 4000 < 0.33


async def test_arm_b_has_its_brand_and_its_attendant_from_decision_to_reply(tmp_path: Path) -> None:
    experiment = an_experiment(tmp_path)
    attendant = ArmedAttendant(Named("own"), {SHOP: (experiment, Named("other"))})
    ids = {arm: next(f"c_{n}" for n in range(99) if experiment.arm(f"c_{n}") == arm) for arm in "ab"}
    for arm, said in (("a", "own of Tea Corner"), ("b", "other of Warm Tea")):
        turn = a_turn(conversation_id=ids[arm])
        decision = await attendant.decide(turn)
        assert decision.grounds.arm == f"warmer/{arm}"
        assert [s.text async for s in attendant.reply(turn, decision)] == [said]
        assert attendant.finish(turn, decision, (), {}).text == said.split(" ", maxsplit=1)[0]
    lone = await attendant.decide(a_turn(conversation_id=""))
    assert lone.grounds.arm == ""


def test_a_shop_without_a_comparison_is_attended_as_ever(tmp_path: Path) -> None:
    own = Named("own")
    assert dealt(tmp_path, [SHOP], own, lambda arm: Named("other")) is own
    an_experiment(tmp_path)
    assert isinstance(dealt(tmp_path, [SHOP], own, lambda arm: Named("other")), ArmedAttendant)


def test_another_threshold_has_no_certificate() -> None:
    held_to = OtherThreshold(OneThreshold(0.7), 0.55).standing(a_turn(), a_view(a_faq()), "faq", "en")
    assert (held_to.threshold, held_to.certificate) == (0.55, "")


@pytest.mark.parametrize(
    ("raw", "told"),
    [({"colour": 1}, "no colour"), ({"threshold": 2}, "between 0 and 1"), ({"brand": "x"}, "not there")],
)
def test_an_arm_that_cannot_be_is_refused_in_words(tmp_path: Path, raw: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        arm_of(raw, tmp_path)

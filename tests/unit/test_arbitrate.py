"""What the quick check leaves in doubt is asked, what it knows is not, and nobody waits for a model that is away."""

from __future__ import annotations

import pytest

from app.adapters.entailment.labels import MOST_CHARACTERS, chance, cleaned, supporting
from app.chat.arbitrate import Arbiter, doubt_about
from app.chat.turn import Evidence
from app.chat.verify import OTHER_WORDS, Verdict, Verifier
from tests.fakes import FakeEntailment
from tests.unit.test_verify import EN, ZH, evidence_of, question_for

CERTAINLY_RIGHT = ("You can return unused kit within 30 days of delivery for a full refund.", "仓库48小时内完成验货。")
CERTAINLY_WRONG = (
    "You can return unused kit within 60 days of delivery for a full refund.",
    "The jacket is machine washable.",
    "You can read more at www.elsewhere.example.",
    "We promise a refund by tomorrow.",
    "仓库收到退货后24小时内完成验货。",
    "护肤品撕开塑封后支持无理由退货。",
)
IN_OTHER_WORDS = (
    "Please keep that coat out of your laundry drum, it is not suited to it.",
    "化妆品打开包装就不给退了。",
)


def quick(sentence: str, evidence: Evidence | None = None) -> tuple[Verdict, Verifier, Evidence]:
    evidence = evidence or evidence_of(*ZH, *EN)
    verifier = Verifier()
    return verifier.judge(sentence, verifier.grounds(evidence, question_for(sentence))), verifier, evidence


async def settled(sentence: str, model: FakeEntailment, evidence: Evidence | None = None) -> Verdict:
    verdict, verifier, evidence = quick(sentence, evidence)
    grounds = verifier.grounds(evidence, question_for(sentence))
    return await Arbiter(model).settle(sentence, verdict, grounds, evidence)


@pytest.mark.parametrize("sentence", [*CERTAINLY_RIGHT, *CERTAINLY_WRONG])
async def test_what_the_quick_check_knows_is_not_asked(sentence: str) -> None:
    for told in (0.0, 1.0):
        model = FakeEntailment(chance=told)
        assert await settled(sentence, model) == quick(sentence)[0]
        assert model.asked == []


@pytest.mark.parametrize("sentence", IN_OTHER_WORDS)
async def test_a_sentence_in_other_words_is_let_through_when_the_model_is_sure(sentence: str) -> None:
    assert quick(sentence)[0].reason == OTHER_WORDS
    sure, unsure = FakeEntailment(chance=0.95), FakeEntailment(chance=0.85)
    verdict = await settled(sentence, sure)
    assert verdict.reason == ""
    assert len(verdict.citations) == 1
    assert all(asked == sentence for _, asked in sure.asked)
    assert (await settled(sentence, unsure)).reason == OTHER_WORDS
    assert 1 <= len(unsure.asked) <= 3


async def test_other_words_with_another_figure_are_never_asked() -> None:
    sentence = "Stitching up a split panel sets you back £25 and one fortnight."
    model = FakeEntailment(chance=1.0)
    assert (await settled(sentence, model)).reason
    assert model.asked == []


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("The jacket keeps you warm and dry in heavy rain.", "The jacket keeps you dry in heavy rain."),
        (
            "The fee is not reduced by discount codes and can be paid with points.",
            "The fee is not reduced by discount codes and cannot be paid with points.",
        ),
        ("会费每年100元，支付，自动续期。", "会费每年100元，入会当天支付，自动续期。"),
    ],
    ids=["a word from nowhere", "one not of two", "without its term"],
)
async def test_what_passed_but_adds_drops_or_turns_something_falls_when_the_model_says_it_does_not_follow(
    said: str, text: str
) -> None:
    evidence = evidence_of(text)
    assert quick(said, evidence)[0].reason == ""
    doubting, content = FakeEntailment(chance=0.2), FakeEntailment(chance=0.6)
    assert (await settled(said, doubting, evidence)).reason == "does not follow from its evidence"
    assert (await settled(said, content, evidence)).reason == ""
    assert doubting.asked == [(text, said)]


async def test_the_model_is_told_what_the_evidence_stands_under() -> None:
    evidence = evidence_of("The jacket is not machine washable.", title="Care > The blue jacket")
    model = FakeEntailment(chance=0.0)
    await settled(IN_OTHER_WORDS[0], model, evidence)
    assert model.asked == [
        ("Care > The blue jacket\nThe jacket is not machine washable.", IN_OTHER_WORDS[0]),
    ]


@pytest.mark.parametrize("sentence", IN_OTHER_WORDS)
async def test_a_model_that_is_down_or_resting_changes_nothing(sentence: str) -> None:
    resting = FakeEntailment(chance=1.0)
    resting.available = False
    for model in (FakeEntailment(down=True), resting):
        assert await settled(sentence, model) == quick(sentence)[0]
    assert resting.asked == []


def test_there_is_no_doubt_where_no_place_has_the_same_values_and_stance() -> None:
    sentence = IN_OTHER_WORDS[0]
    verdict, verifier, evidence = quick(sentence, evidence_of("The jacket is machine washable at 30 degrees."))
    assert verdict.reason
    assert doubt_about(sentence, verdict, verifier.grounds(evidence, question_for(sentence))) is None


@pytest.mark.parametrize(
    ("labels", "meant"),
    [
        (("contradiction", "entailment", "neutral"), "entailment"),
        (("ENTAILMENT", "not_entailment"), "ENTAILMENT"),
        (("LABEL_0",), "LABEL_0"),
        (("hallucinated", "consistent"), "consistent"),
    ],
)
def test_the_label_that_means_yes_is_found_by_its_name(labels: tuple[str, ...], meant: str) -> None:
    assert supporting(labels) == meant
    assert chance({label: 0.7 if label == meant else 0.1 for label in labels}) == 0.7


@pytest.mark.parametrize("labels", [("LABEL_0", "LABEL_1"), ("joy", "anger"), ("entailment", "supported"), ()])
def test_labels_that_do_not_say_which_means_yes_are_refused(labels: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="must be called entailment"):
        supporting(labels)


@pytest.mark.parametrize("score", [-0.2, 1.5, float("nan"), float("inf")])
def test_what_is_no_probability_is_refused(score: float) -> None:
    with pytest.raises(ValueError, match="as a probability"):
        chance({"entailment": score})


def test_texts_are_cut_and_cleaned_for_the_model() -> None:
    assert cleaned([("a\0b\ud800c", "长" * 5000)]) == [("a bc", "长" * MOST_CHARACTERS)]

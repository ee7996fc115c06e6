"""Choosing among passages: the fitted model's probability, valid dates first, and no opinions of buyers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.chat.select import CERTAIN, FEATURES, Selector, features, in_force, prefer_valid_window, without_opinions
from tests.builders import NOON, a_faq, a_fitted, a_passage, a_policy, a_product, a_question, a_reader, a_view

ALWAYS = a_passage(a_faq("Shipping fee?", "£5.", chunk_id="always"), 0.8)
YEAR = a_passage(
    a_faq("Shipping fee?", "£4.", chunk_id="year", valid_from=NOON, valid_until=NOON + timedelta(days=365)), 0.6
)
WEEK = a_passage(
    a_faq("Shipping fee?", "Free.", chunk_id="week", valid_from=NOON, valid_until=NOON + timedelta(days=7)), 0.5
)
OPEN_ENDED = a_passage(a_faq("Shipping fee?", "£3.", chunk_id="open", valid_from=NOON), 0.6)


def first(*passages: object) -> str:
    return prefer_valid_window(passages, 0.03)[0].chunk.chunk_id  # type: ignore[arg-type]


def test_a_dated_row_goes_before_an_undated_one_on_the_same_matter() -> None:
    assert first(ALWAYS, WEEK) == "week"
    assert first(ALWAYS, OPEN_ENDED) == "open"


def test_a_narrower_window_goes_before_a_wider_one() -> None:
    assert first(YEAR, WEEK) == "week"
    assert first(WEEK, YEAR) == "week"
    assert first(ALWAYS, YEAR, WEEK) == "week"
    assert first(YEAR, OPEN_ENDED) == "year"


def test_the_row_put_first_is_as_likely_as_the_one_it_replaces_and_none_is_lost() -> None:
    chosen = prefer_valid_window([ALWAYS, YEAR, WEEK], 0.03)
    assert chosen[0].confidence == ALWAYS.confidence
    assert sorted(p.chunk.chunk_id for p in chosen) == ["always", "week", "year"]


def test_a_dated_row_about_something_else_changes_nothing() -> None:
    far = a_passage(WEEK.chunk, 0.5, dense=0.7)
    unlikely = a_passage(WEEK.chunk, 0.1)
    assert first(ALWAYS, far) == "always"
    assert first(ALWAYS, unlikely) == "always"


def test_undated_rows_keep_their_order_and_nothing_stays_nothing() -> None:
    assert first(ALWAYS, a_passage(a_faq("Other?", "x"), 0.7)) == "always"
    assert prefer_valid_window([], 0.03) == []


REVIEWS = a_passage(a_policy("What customers said: reviews", "Arrived in one day!", path="reviews.html"))
ZH_REVIEWS = a_passage(a_policy("顾客评价精选", "收到很快！", path="顾客评价.html"))


def test_what_buyers_wrote_is_no_statement_of_the_shop() -> None:
    assert without_opinions(a_question("how long is delivery"), [REVIEWS, ALWAYS, ZH_REVIEWS]) == [ALWAYS]


@pytest.mark.parametrize("text", ["what do the reviews say?", "这款评价怎么样"])
def test_who_asks_for_opinions_gets_them(text: str) -> None:
    assert without_opinions(a_question(text), [REVIEWS, ALWAYS]) == [REVIEWS, ALWAYS]


def test_an_faq_row_about_reviews_is_the_shops_own_word() -> None:
    row = a_passage(a_faq("Can I leave a review?", "Yes."))
    assert without_opinions(a_question("how do I rate my purchase"), [row]) == [row]


def test_passages_are_ordered_by_the_fitted_probability_and_carry_their_features() -> None:
    policy, row = a_policy(), a_faq()
    selector = Selector(a_fitted({"is_faq": 2.0, "is_policy": -2.0}))
    asked = a_question("will it come by Friday")
    passages = [a_passage(policy, 0.0, score=0.9), a_passage(row, 0.0)]
    judged = selector.select(asked, passages, a_view(policy, row), None)
    assert [p.chunk for p in judged] == [row, policy]
    assert judged[0].confidence == pytest.approx(0.8808, abs=1e-4)
    assert set(FEATURES) <= set(judged[0].scores)


def test_an_editors_own_question_is_certain_whatever_the_model_says() -> None:
    row, other = a_faq("Do you wrap gifts?", "Yes, for £3."), a_faq("Do you post gifts?", "Yes.", chunk_id="other")
    selector = Selector(a_fitted({}, intercept=-5.0))
    asked = a_question("do you wrap gifts")
    judged = selector.select(asked, [a_passage(other), a_passage(row)], a_view(row, other), None)
    assert judged[0].chunk is row
    assert judged[0].confidence == CERTAIN
    assert judged[1].confidence < 0.1


def test_a_value_of_a_product_named_in_full_is_certain_and_a_name_within_a_name_is_not() -> None:
    kettle = a_product("Clay Kettle", "CK-1", attributes={"Price": "£32"})
    pro = a_product("Clay Kettle Pro", "CK-2", attributes={"Price": "£54"})
    view = a_view(kettle, pro)
    asked = a_question("how much is the Clay Kettle Pro?")
    passages = [a_passage(pro, name=1.0, score=0.95), a_passage(kettle, name=0.7, score=0.9)]
    judged = Selector(a_fitted({}, intercept=-5.0)).select(
        asked, passages, view, a_reader().read(asked, passages, view)
    )
    assert [(p.chunk.title, p.confidence >= CERTAIN) for p in judged] == [
        ("Clay Kettle Pro", True),
        ("Clay Kettle", False),
    ]


def test_every_feature_is_given_and_finite_for_every_kind_of_passage() -> None:
    chunks = (a_policy(), a_faq(), a_product())
    view = a_view(*chunks)
    question = a_question("how much is the Clay Teapot", signals={"p_knowledge": 0.9})
    passages = [a_passage(chunk) for chunk in chunks]
    for row in features(question, passages, view, a_reader().read(question, passages, view)):
        assert set(row) == set(FEATURES)
        assert all(-10.0 < value < 10.0 for value in row.values())


def test_a_recorded_and_a_missing_attribute_are_told_apart() -> None:
    view = a_view(a_product())
    passages = [a_passage(a_product())]

    def asked(text: str) -> tuple[float, float]:
        question = a_question(text)
        row = features(question, passages, view, a_reader().read(question, passages, view))[0]
        return row["attribute_found"], row["attribute_missing"]

    assert asked("how much is the Clay Teapot") == (1.0, 0.0)
    assert asked("what voltage is the Clay Teapot") == (0.0, 1.0)


def test_no_passages_get_no_features_and_no_choice() -> None:
    assert features(a_question(), [], a_view(a_faq()), None) == []
    assert Selector(a_fitted({"dense": 1.0})).select(a_question(), [], a_view(a_faq()), None) == []


def test_of_rows_that_ask_the_same_the_one_in_force_answers_even_if_another_was_found() -> None:
    view = a_view(ALWAYS.chunk, YEAR.chunk, WEEK.chunk)

    def answers(days: int) -> list[str]:
        return [p.chunk.chunk_id for p in in_force([ALWAYS], view, NOON + timedelta(days=days))]

    assert answers(1) == ["week"]
    assert answers(7) == ["year"]
    assert answers(365) == ["always"]
    assert answers(-1) == ["always"]


def test_rows_replaced_by_the_same_one_are_one_passage_and_others_stay() -> None:
    other = a_passage(a_faq("Opening hours?", "Nine to five."))
    view = a_view(ALWAYS.chunk, YEAR.chunk, WEEK.chunk, other.chunk)
    chosen = in_force([ALWAYS, other, WEEK], view, NOON)
    assert [p.chunk.chunk_id for p in chosen] == ["week", "Opening hours?"]
    assert chosen[0].scores == ALWAYS.scores

"""What kind of value a question asks for, and whether a text holds one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.chat.shapes import asked_kinds, held_kinds, kind_match


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("发货要多久", "duration"),
        ("how long is delivery?", "duration"),
        ("运费多少钱", "money"),
        ("how much is the teapot", "money"),
        ("会员打几折", "percent"),
        ("what discount do members get", "percent"),
        ("一次最多买几件", "number"),
        ("你们在哪里", "place"),
        ("客服电话是多少", "contact"),
        ("怎么申请退货", "way"),
        ("how do I return it", "way"),
        ("退货运费谁出", "person"),
        ("who pays for the return", "person"),
        ("可以退吗", "yesno"),
        ("can I return it", "yesno"),
    ],
)
def test_a_question_shows_what_kind_of_value_it_wants(question: str, kind: str) -> None:
    assert kind in asked_kinds(question)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("下单后48小时内发出", "duration"),
        ("within 3 working days", "duration"),
        ("满99元包邮", "money"),
        ("Returns are free.", "money"),
        ("会员享九折", "percent"),
        ("call 01632 960118", "contact"),
        ("运费由买家承担", "person"),
        ("We pay the postage.", "person"),
    ],
)
def test_a_text_shows_which_values_it_holds(text: str, kind: str) -> None:
    assert kind in held_kinds(text)


def test_a_passage_without_the_kind_asked_for_matches_nothing() -> None:
    assert kind_match("how long is delivery", "We deliver with care.") == 0.0
    assert kind_match("how long is delivery", "Delivery takes 3 days.") == 1.0


def test_a_question_for_no_hard_kind_is_matched_by_everything() -> None:
    assert kind_match("is it blue?", "anything") == 1.0


@given(st.text(max_size=80), st.text(max_size=80))
def test_the_match_is_a_share(question: str, text: str) -> None:
    assert 0.0 <= kind_match(question, text) <= 1.0

"""What is personal, what is courtesy, and which answers belong together. The masker is measured by eval.masking."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from app.conversation.events import Event, EventType
from app.review.draft import draft_of
from app.review.exchange import read
from app.review.group import UNLIKE, Pair, centred, groups_of
from app.review.known import PublicWords
from app.review.mask import Masker
from app.review.public import PublicValues
from app.review.tidy import asks_something, tidy_answer, tidy_question
from app.shop.brand import brand_of
from tests.builders import a_chunk
from tests.fakes import FakeEmbedder


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("我的手机号是138 6112 9745，帮我查下订单", "我的手机号是[电话]，帮我查下订单"),
        ("我叫王丽女士，住杭州市西湖区文三路90号3栋502室", "我叫[姓名]女士，住[地址]"),
        ("邮箱 xzeng@yahoo.com 收不到验证码", "邮箱 [邮箱] 收不到验证码"),
        ("身份证号110101200403085795，实名认证一直不过", "身份证号[证件号]，实名认证一直不过"),
        ("快递单号SF7105128717750没更新", "快递单号[单号]没更新"),
        ("My name is Emma Brown, order LW-204811", "My name is [name], order [order number]"),
        ("Please send it to 12 Mill Lane, LA9 4DR", "Please send it to [address]"),
        ("You can reach me on 07700 900123", "You can reach me on [phone]"),
    ],
)
def test_personal_data_becomes_a_placeholder(text: str, masked: str) -> None:
    assert Masker().mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "下单时间2024-01-18 11:27:39", "商品编号10047669046有货吗", "满99元包邮，7天无理由退货", "拍了30号和78号两个色",
        "Delivery takes 2 to 4 working days and costs £3.95.", "Can I pay by PayPal or Klarna on Monday?",
        "这个颜色应该是白色的吧", "我是高兴了才买的", "小姐姐在吗",
    ],
)  # fmt: skip
def test_what_shops_write_about_is_left_as_it_is(text: str) -> None:
    assert Masker().mask(text) == text


def test_what_the_shop_says_itself_is_nobodys_secret() -> None:
    brand = brand_of({"name": "Grove", "contact": {"phone": "01632 960118", "email": "help@grove.example"}})
    masker = Masker(PublicWords(brand, [a_chunk("Where are you?", "At 4 Tenterfold Yard in Kendal.")]))
    text = "Ring 01632 960118 or write to help@grove.example; we are in Kendal."
    assert masker.mask(text) == text
    assert "[phone]" in masker.mask("Ring me on 01632 960555")


def _event(seq: int, type_: EventType, **payload: Any) -> Event:
    return Event("c", seq, type_, datetime.now(UTC), payload)


def _answered(asked: str, *answers: str, agent: str = "Mei") -> Any:
    events = [_event(1, EventType.RECEIVED, message_id="m", text=asked)]
    events += [_event(2 + n, EventType.AGENT_SAID, answers="m", name=agent, text=t) for n, t in enumerate(answers)]
    return read(events).about("m")


def test_a_value_told_to_many_is_the_shops_and_never_an_order_or_a_person() -> None:
    told = PublicValues(PublicWords(brand_of({"name": "Grove"}), []), Masker())
    for number in range(3):
        told.see(f"c{number}", _answered("Where do I send it?", "To 9 Station Road. I am Emma, ticket AB-204811."))
    told.see("c9", _answered("I live at 3 Mill Lane", "It goes to 3 Mill Lane."))
    assert told("9 Station Road")
    assert not told("AB-204811")
    assert not told("Emma")
    assert not told("3 Mill Lane")


def test_the_answer_to_a_call_for_a_person_is_to_what_was_asked_before() -> None:
    decided = {"answers": ["m1"], "intent": "knowledge", "decision": "answer"}
    exchange = read(
        [
            _event(1, EventType.RECEIVED, message_id="m1", text="Do you wrap gifts?"),
            _event(2, EventType.DECIDED, message_id="m1", **decided),
            _event(3, EventType.RECEIVED, message_id="m2", text="a human please"),
            _event(4, EventType.DECIDED, message_id="m2", answers=["m2"], intent="human", decision="handoff"),
            _event(5, EventType.AGENT_SAID, answers="m2", name="Mei", text="We do, for £3."),
        ]
    ).about("m2")
    assert (exchange.question, exchange.answers, exchange.intent) == (
        "Do you wrap gifts?",
        ["We do, for £3."],
        "knowledge",
    )


def test_courtesy_goes_and_the_matter_stays() -> None:
    assert tidy_question("亲，在吗？请问多久能收到货呀，谢谢") == "多久能收到货"
    assert tidy_question("Hi there, quick question: do you wrap gifts? thanks") == "Do you wrap gifts?"
    assert tidy_answer("您好，我是客服小美。发出后2-4天到。您的订单[单号]已经备注。祝您生活愉快～") == "发出后2-4天到。"
    assert (
        tidy_answer("Hi [name]! Sure, we wrap for £3. I've noted your order. Have a lovely day!") == "We wrap for £3."
    )
    assert tidy_answer("So Boxes are paper. Basically, bags are paper too.") == "Boxes are paper. Bags are paper too."
    assert tidy_answer("好的，稍等，我帮您看一下") == ""
    assert not asks_something("在吗？谢谢")


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("多久能到（微信号 [账号]）", "多久能到"),
        ("见到东西再给钱行吗 我的订单号是[单号]", "见到东西再给钱行吗"),
        ("我叫[姓名]女士，电话[电话]。鹅绒被有味道正常吗？", "鹅绒被有味道正常吗？"),
        ("My name is [name]. Do you wrap gifts?", "Do you wrap gifts?"),
        ("Can I change [address]?", "Can I change [address]?"),
    ],
)
def test_what_a_question_tells_of_one_person_is_left_out_of_it(asked: str, kept: str) -> None:
    assert tidy_question(asked) == kept


async def _pairs(*told: tuple[str, str]) -> list[Pair]:
    embedder = FakeEmbedder()
    unlike = await embedder.embed_queries(UNLIKE)
    vectors = centred(await embedder.embed_queries([question for question, _ in told]), unlike)
    return [Pair(question, answer, vector) for (question, answer), vector in zip(told, vectors, strict=True)]


async def test_what_is_asked_and_answered_alike_is_one_group() -> None:
    pairs = await _pairs(
        ("Do you wrap gifts?", "We wrap gifts for £3 in kraft paper."),
        ("Is the shop open on Sunday?", "On Sunday we are closed all day."),
        ("Can you gift wrap it?", "Gifts are wrapped in kraft paper for £3."),
        ("Are you open Sundays?", "We are closed on Sunday."),
    )
    assert sorted(sorted(group) for group in groups_of(pairs)) == [[0, 2], [1, 3]]
    assert groups_of([]) == []


async def test_a_draft_warns_where_people_gave_other_figures() -> None:
    pairs = await _pairs(
        ("Do you wrap gifts?", "We wrap gifts for £3."),
        ("Do you gift wrap?", "We wrap gifts for £3."),
        ("Gift wrapping?", "We wrap gifts for £5."),
    )
    drafted = draft_of(pairs)
    assert drafted.answer == "We wrap gifts for £3."
    assert drafted.variants == ("We wrap gifts for £5.",)
    assert len({drafted.question, *drafted.phrasings}) == 1 + len(drafted.phrasings)


def test_vectors_are_compared_without_what_all_questions_share() -> None:
    shared = np.array([5.0, 0.0, 0.0], dtype=np.float32)
    vectors = shared + np.array([[0, 1, 0], [0, 0, 1]], dtype=np.float32)
    apart = centred(vectors, np.stack([shared, shared]))
    assert abs(float(apart[0] @ apart[1])) < 1e-6

"""The groundedness check: a copy passes, anything that changes what it says does not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.chat.turn import Citation, Evidence, Passage, Question, Sentence
from app.chat.verify import Verifier
from app.knowledge.chunk import Chunk, Kind

ZH = [
    "现货商品每天16:00前付款当天发出，16:00后付款次日发出。",
    "单笔实付满99元包邮，不满99元收8元运费。",
    "签收后7天内可免费换一次尺码或颜色，换货期限不随会员等级延长。",
    "仓库收到退货后48小时内完成验货。",
    "运费险最高赔付12元，超出部分自理。",
    "签收后30天内发现质量问题，来回运费由我们承担，需要提供照片或15秒以上的视频。",
    "护肤品撕开塑封后不支持无理由退货。",
    "黑棠会员每个自然年有2次免费上门取件。",
    "2026年11月11日下单的订单不参加价格保护。",
    "羽绒被等大件不支持升级顺丰。",
]
EN = [
    "Orders placed before 14:00 on a working day leave the same day.",
    "You can return unused kit within 30 days of delivery for a full refund.",
    "Standard delivery is £4.95, or free on orders over £75.",
    "We do not ship gas canisters outside the United Kingdom.",
    "The jacket is not machine washable.",
    "Repairs take 3 to 4 weeks and cost £18 for a torn seam.",
    "Gift cards expire 24 months after purchase and cannot be exchanged for cash.",
    "Only unopened food can be returned.",
]
QUESTION_ZH = Question("怎么算？", "怎么算？", "zh")
QUESTION_EN = Question("How does it work?", "How does it work?", "en")


def evidence_of(*texts: str, title: str = "") -> Evidence:
    passages = tuple(
        Passage(
            Chunk(
                chunk_id=f"c{n}",
                document_id="d",
                path="knowledge/policies/p.md",
                locator=f"section {n}",
                kind=Kind.POLICY,
                title=title,
                text=text,
                language="zh" if re.search("[一-鿿]", text) else "en",
                content_hash=str(n),
            )
        )
        for n, text in enumerate(texts)
    )
    return Evidence(passages=passages)


def question_for(text: str) -> Question:
    return QUESTION_ZH if re.search("[一-鿿]", text) else QUESTION_EN


def is_accepted(sentence: str, *texts: str) -> bool:
    evidence, question = evidence_of(*texts), question_for(sentence)
    verifier = Verifier()
    return not verifier.judge(sentence, verifier.grounds(evidence, question)).reason


@pytest.mark.parametrize("text", ZH + EN)
def test_an_exact_copy_passes_and_is_cited(text: str) -> None:
    sentence = Verifier().verify(text, evidence_of(*ZH, *EN), question_for(text))
    assert sentence is not None
    assert sentence.text == text
    assert sentence.origin == "model"
    assert [c.quote for c in sentence.citations] == [text]


NUMBERS = [
    (text, match.start(), match.end())
    for text in ZH + EN
    for match in re.finditer(r"(?<![\d.:])\d+(?![\d.:年月日])", text)
]


@given(which=st.sampled_from(NUMBERS), number=st.integers(min_value=1, max_value=5000))
@settings(max_examples=300, deadline=None)
def test_a_changed_number_fails(which: tuple[str, int, int], number: int) -> None:
    text, start, end = which
    changed = text[:start] + str(number) + text[end:]
    if number != int(text[start:end]):
        assert not is_accepted(changed, *ZH, *EN)


UNITS = [("天", "元"), ("元", "天"), ("小时", "天"), ("秒", "分钟"), ("次", "元"), ("days", "weeks"), ("weeks", "days")]
UNITS += [("£", "$"), ("months", "days"), ("days", "hours")]


@pytest.mark.parametrize(("unit", "other"), UNITS)
def test_a_changed_unit_fails(unit: str, other: str) -> None:
    changed = 0
    for text in ZH + EN:
        pattern = rf"(?<=\d){unit}|(?<=\d )\b{unit}\b|£(?=\d)" if unit == "£" else rf"(?<=\d){unit}|(?<=\d ){unit}\b"
        wrong = re.sub(pattern, other, text)
        if wrong != text:
            changed += 1
            assert not is_accepted(wrong, *ZH, *EN), wrong
    assert changed


NEGATIONS = [
    ("羽绒被等大件支持升级顺丰。", ZH[9]),
    ("2026年11月11日下单的订单参加价格保护。", ZH[8]),
    ("护肤品撕开塑封后支持无理由退货。", ZH[6]),
    ("换货期限随会员等级延长。", ZH[2]),
    ("单笔实付满99元不包邮。", ZH[1]),
    ("仓库收到退货后48小时内不会完成验货。", ZH[3]),
    ("We ship gas canisters outside the United Kingdom.", EN[3]),
    ("The jacket is machine washable.", EN[4]),
    ("Gift cards can be exchanged for cash.", EN[6]),
    ("You cannot return unused kit within 30 days of delivery for a full refund.", EN[1]),
    ("Opened food can be returned.", EN[7]),
]


@pytest.mark.parametrize(("wrong", "text"), NEGATIONS)
def test_a_turned_negation_fails(wrong: str, text: str) -> None:
    assert not is_accepted(wrong, text)
    assert not is_accepted(wrong, *ZH, *EN)


OTHER_LIES = [
    "16:00后付款当天发出。",
    "16:00前付款次日发出。",
    "满8元包邮。",
    "来回运费由您承担。",
    "来回运费由买家自理。",
    "运费险最低赔付12元。",
    "仓库收到退货后48小时以上完成验货。",
    "护肤品不支持无理由退货。",
    "羽绒被可以免费升级。",
    "订单号DD20261234已经发出。",
    "我们保证48小时内完成验货。",
    "稍后会有专员给您回电。",
    "可以给您补偿12元。",
    "详情请看https://evil.example/x。",
    "# 运费",
    "顾客：好的",
    "根据系统提示，48小时内完成验货。",
    "Orders placed after 14:00 on a working day leave the same day.",
    "Standard delivery is free.",
    "Standard delivery is £75, or free on orders over £4.95.",
    "We guarantee that orders leave the same day.",
    "We will call you back within 30 days.",
    "Please write to boss@elsewhere.example for a refund.",
    "Amazon delivers orders placed before 14:00 on a working day.",
    "Food can be returned.",
]


@pytest.mark.parametrize("lie", OTHER_LIES)
def test_what_the_evidence_does_not_say_fails(lie: str) -> None:
    assert not is_accepted(lie, *ZH, *EN)


PARAPHRASES = [
    ("每天16:00前付款的现货商品当天发出。", ZH[0]),
    ("收到退货后，仓库会在48小时内完成验货。", ZH[3]),
    ("满99元包邮。", ZH[1]),
    ("质量问题的来回运费由我们承担。", ZH[5]),
    ("您好，运费险最高赔付12元。", ZH[4]),
    ("签收后七天内可以免费换一次尺码或者颜色。", ZH[2]),
    ("You can return unused kit for a full refund within thirty days of delivery.", EN[1]),
    ("Repairs take 3-4 weeks.", EN[5]),
    ("The jacket isn't machine washable.", EN[4]),
    ("Sure, gift cards expire 24 months after purchase.", EN[6]),
]


@pytest.mark.parametrize(("sentence", "text"), PARAPHRASES)
def test_the_same_in_other_words_passes(sentence: str, text: str) -> None:
    verdict = Verifier()
    reason = verdict.judge(sentence, verdict.grounds(evidence_of(*ZH, *EN), question_for(sentence))).reason
    assert reason == ""


def test_a_failing_sentence_becomes_the_evidence_it_was_nearest_to() -> None:
    sentence = Verifier().verify("仓库收到退货后24小时内完成验货。", evidence_of(*ZH), QUESTION_ZH)
    assert sentence is not None
    assert sentence.text == ZH[3]
    assert sentence.origin == "evidence"
    assert sentence.citations == (Citation("knowledge/policies/p.md", "section 3", "d", ZH[3]),)


def test_a_failing_sentence_is_dropped_when_its_evidence_was_said() -> None:
    assert Verifier().verify("仓库24小时内完成验货。", evidence_of(*ZH), QUESTION_ZH, said=[ZH[3]]) is None


def test_a_draft_sentence_is_preferred_as_the_replacement() -> None:
    draft = Sentence("收到退货后48小时内验货。", (Citation("p", "l", "d", "x"),), "evidence")
    evidence = Evidence(passages=evidence_of(*ZH).passages, draft=(draft,))
    assert Verifier().verify("收到退货后24小时内验货。", evidence, QUESTION_ZH) == draft


def test_the_replacement_is_the_row_that_was_asked_about() -> None:
    rows = ["类别: 内裤、袜子; 什么情况下不能退: 拆开卫生封条后", "类别: 茶叶; 什么情况下不能退: 开袋、开罐后"]
    question = Question("茶叶拆开了还能退吗", "茶叶拆开了还能退吗", "zh")
    sentence = Verifier().verify("茶叶拆开后不能退。", evidence_of(*rows), question)
    assert sentence is not None
    assert sentence.text == rows[1]


def test_forbidden_words_of_the_brand_never_pass() -> None:
    text = "全网最低，满99元包邮。"
    assert Verifier().verify(text, evidence_of(*ZH), QUESTION_ZH, forbidden_words=("全网最低",)) != Sentence(text)


def test_another_language_needs_equal_values_and_a_close_embedding() -> None:
    evidence = evidence_of(ZH[3])
    right, wrong = "We check returns within 48 hours of receiving them.", "We check returns within 24 hours."
    verifier = Verifier()
    for sentence, cosine, accepted in ((right, 0.9, True), (right, 0.5, False), (wrong, 0.9, False)):
        grounds = verifier.grounds(evidence, QUESTION_EN)
        assert (verifier.judge(sentence, grounds, alike=lambda _, c=cosine: c).reason == "") is accepted
    assert verifier.judge(right, verifier.grounds(evidence, QUESTION_EN)).reason


def test_a_value_of_one_table_row_is_not_given_to_another() -> None:
    table = "| 会员等级 | 无理由退货期限 |\n| --- | --- |\n| 青棠、银棠 | 7天 |\n| 金棠、黑棠 | 15天 |"
    assert is_accepted("金棠、黑棠无理由退货期限是15天。", table)
    assert not is_accepted("金棠、黑棠无理由退货期限是7天。", table)


def test_a_value_of_one_clause_is_not_given_to_what_another_names() -> None:
    text = "微信、支付宝余额1天内到账，银行卡3-7个工作日到账，花呗恢复额度即时完成。"
    assert is_accepted("银行卡3-7个工作日到账。", text)
    question = Question("退款多久到银行卡", "退款多久到银行卡", "zh")
    verifier = Verifier()
    grounds = verifier.grounds(evidence_of(text, title="退货政策 > 退款时间"), question)
    assert verifier.judge("退款时间到银行卡1天内到账。", grounds).reason
    assert verifier.judge("不。", grounds).reason
    assert verifier.judge("1天", grounds).reason


SMALL_MODEL_LIES = [
    (
        "券能叠加满减吗",
        "券不能叠加满减。",
        "店铺券可以与满减叠加，计算顺序是：会员折扣→满减→店铺券→积分。员工内购券不能与任何优惠叠加。",
    ),
    (
        "the box is damaged, can I still return",
        "The box is damaged, we may take up to 25 % off the refund.",
        "If an item comes back marked, smelling of smoke or without its box, we may take up to 25 % off the refund.",
    ),
    (
        "who pays if the jacket is faulty",
        "The customer pays the postage if the jacket is faulty.",
        "Tell us within 30 days of finding the fault and we pay the postage both ways.",
    ),
    ("真丝能机洗吗", "真丝不能机洗，因为它的材质是水洗棉。", "材质: 水洗棉; 机洗: 可以\n材质: 桑蚕丝; 机洗: 不可以"),
    ("会掉级吗", "不会掉级。", "等级有效期12个月，到期时按近12个月金额重新核定，一次最多降一级。"),
]


@pytest.mark.parametrize(("asked", "lie", "text"), SMALL_MODEL_LIES)
def test_what_a_small_model_once_made_up_fails(asked: str, lie: str, text: str) -> None:
    question = Question(asked, asked, "zh" if re.search("[一-鿿]", asked) else "en")
    verifier = Verifier()
    assert verifier.judge(lie, verifier.grounds(evidence_of(text), question)).reason


def test_a_sentence_takes_about_a_millisecond() -> None:
    import time

    verifier, evidence = Verifier(), evidence_of(*ZH, *EN)
    grounds = verifier.grounds(evidence, QUESTION_ZH)
    verifier.judge("热身", grounds)
    began = time.process_time()
    for n in range(50):
        verifier.judge(f"仓库收到退货后{n}小时内完成验货，运费险最高赔付12元。", grounds)
    assert (time.process_time() - began) / 50 < 0.005

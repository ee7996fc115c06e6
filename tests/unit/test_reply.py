"""A reply is whole and true, whatever the model does."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.chat.arbitrate import Arbiter
from app.chat.generate import Budget, Generator, SentenceSplitter
from app.chat.lines import Lines
from app.chat.prompts import Prompts
from app.chat.reply import ABLE, Phrasing, Responder
from app.chat.turn import Answer, Citation, Decision, Evidence, Fact, HandOff, Message, Question, Sentence, Turn
from app.chat.verify import Verifier
from app.errors import ConfigurationError
from app.shop.brand import Brand
from tests.fakes import FakeEntailment, FakeModel

PROMPTS = Path(__file__).parents[2] / "prompts"
BRAND = Brand("棠里生活", assistant_name="小棠里", forbidden_words=("全网最低",), handoff={"zh": "请人工同事来看。"})
QUESTION = Question("退款多久到账", "退款多久到账", "zh")
DRAFT = (
    "仓库收到退货后48小时内完成验货。",
    "微信、支付宝余额1天内到账，银行卡3-7个工作日到账。",
    "花呗恢复额度即时完成。",
)
TURN = Turn("tangli", BRAND, 3, datetime(2026, 11, 22, tzinfo=UTC), QUESTION.text, message_id="m1")


def answer(*draft: str, facts: tuple[Fact, ...] = (), needs_model: bool = True) -> Answer:
    sentences = tuple(Sentence(text, (Citation("p.md", "退款时间", "d", text),), "evidence") for text in draft)
    return Answer(QUESTION, Evidence(facts=facts, draft=sentences), 0.9, needs_model)


def responder(model: FakeModel, phrasing: Phrasing = ABLE) -> Responder:
    return Responder(Generator(model, Prompts(PROMPTS)), Verifier(), timeout_seconds=2, phrasing=phrasing)


async def said(model: FakeModel, decision: Decision, phrasing: Phrasing = ABLE) -> list[Sentence]:
    return [sentence async for sentence in responder(model, phrasing).reply(TURN, decision)]


async def test_what_needs_no_model_is_said_without_it() -> None:
    model = FakeModel("不该说的话。")
    draft = await said(model, answer(*DRAFT, needs_model=False))
    handoff = await said(model, HandOff(QUESTION, "anger", "请人工同事来看。"))
    assert [s.text for s in draft] == list(DRAFT)
    assert [(s.text, s.origin) for s in handoff] == [("请人工同事来看。", "line")]
    assert model.prompts == []


async def test_a_small_model_is_not_asked_to_phrase_what_is_short_or_to_translate() -> None:
    model = FakeModel("不该说的话。")
    await said(model, answer(*DRAFT[:2]), Phrasing())
    english = Question("when is my refund", "when is my refund", "en")
    await said(model, Answer(english, answer(*DRAFT).evidence, 0.9, True), Phrasing())
    assert model.prompts == []


async def test_checked_sentences_are_cited_and_what_they_leave_out_follows() -> None:
    sentences = await said(FakeModel("收到退货后，仓库会在48小时内完成验货。"), answer(*DRAFT))
    assert sentences[0].text == "收到退货后，仓库会在48小时内完成验货。"
    assert sentences[0].origin == "model"
    assert [c.quote for c in sentences[0].citations] == [DRAFT[0]]
    assert [s.text for s in sentences[1:]] == [DRAFT[1]]  # its numbers were not said; the third holds none


async def test_a_wrong_sentence_is_replaced_by_its_evidence() -> None:
    sentences = await said(FakeModel("仓库收到退货后24小时内完成验货。"), answer(*DRAFT))
    assert sentences[0].text == DRAFT[0]
    assert "24" not in "".join(s.text for s in sentences)


@pytest.mark.parametrize("mode", ["error", "stuck", "empty", "nonsense", "refuses"])
async def test_a_model_that_is_down_leaves_the_draft(mode: str) -> None:
    sentences = await said(FakeModel("仓库收到退货后48小时内完成验货。", mode=mode), answer(*DRAFT))
    assert [s.text for s in sentences] == list(DRAFT)


async def test_a_model_that_dies_half_way_leaves_no_half_answer() -> None:
    text = "".join(DRAFT)
    sentences = await said(FakeModel(text, mode="dies"), answer(*DRAFT))
    assert "".join(s.text for s in sentences) == text
    assert len(sentences) == 3


async def test_a_sentence_cut_at_the_token_limit_is_not_sent() -> None:
    sentences = await said(FakeModel(DRAFT[0] + "微信、支付宝余额", mode="cut"), answer(*DRAFT))
    assert [s.text for s in sentences] == [DRAFT[0], DRAFT[1]]


async def test_a_fact_survives_byte_for_byte() -> None:
    fact = Fact("龙井", "价格", "¥1,299.00", "p.csv", "LJ-1")
    decision = answer("龙井的价格：¥1,299.00。", "龙井产自杭州。", "龙井每罐250g。", facts=(fact,))
    sentences = await said(FakeModel("龙井的价格是1299元。龙井产自杭州。"), decision)
    assert any("¥1,299.00" in s.text for s in sentences)


async def test_an_endless_model_is_stopped() -> None:
    model = FakeModel("仓库收到退货后48小时内完成验货。" * 50)
    sentences = await said(model, answer(*DRAFT))
    assert [s.text for s in sentences].count(DRAFT[0]) == 1


async def test_the_finished_reply_tells_what_the_model_cost_once() -> None:
    speaker, decision = responder(FakeModel("".join(DRAFT))), answer(*DRAFT)
    sentences = [s async for s in speaker.reply(TURN, decision)]
    reply = speaker.finish(TURN, decision, sentences, {"reply": 1.0})
    assert reply.text == "".join(DRAFT)
    assert (reply.model_use.calls, reply.model_use.prompt_tokens, reply.model_use.cached_tokens) == (1, 100, 60)
    assert speaker.finish(TURN, decision, sentences, {}).model_use.calls == 0
    assert (reply.message_id, reply.release, reply.language) == ("m1", 3, "zh")


async def test_the_prompt_has_its_fixed_part_first_and_the_question_last() -> None:
    model = FakeModel("".join(DRAFT))
    generator = Generator(model, Prompts(PROMPTS), Budget(evidence=40))
    history = (Message("user", "在吗"), Message("assistant", "在的。"), Message("user", "我退货了" * 50))
    turns = [TURN, Turn("tangli", BRAND, 3, TURN.as_of, "x", history=history)]
    prompts = [generator.prompt(turn, answer(*DRAFT)) for turn in turns]
    fixed = len(prompts[0].messages) - 1
    assert prompts[0].messages[:fixed] == prompts[1].messages[:fixed]
    assert prompts[0].messages[0][0] == "system"
    assert "小棠里" in prompts[0].messages[0][1]
    assert prompts[0].messages[-1][1].endswith("退款多久到账")
    assert DRAFT[0] in prompts[0].messages[-1][1]
    assert DRAFT[2] not in prompts[0].messages[-1][1]
    assert all(len(text) <= 60 for _, text in prompts[1].messages[fixed:-1])


def test_a_question_cannot_fill_in_the_prompt() -> None:
    task = Prompts(PROMPTS).task("answer", "zh", evidence="{question}", question="{evidence}")
    assert "{question}" in task
    assert "{evidence}" in task


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("运费是4.95元。满99元包邮！好吗？", ["运费是4.95元。", "满99元包邮！", "好吗？"]),
        ("It costs £4.95. Free over £75.", ["It costs £4.95.", "Free over £75."]),
        ("- 第一条\n- 第二条\n", ["第一条", "第二条"]),
        ("**Answer:** Within 30 days, e.g. a month. Yes.", ["Within 30 days, e.g. a month.", "Yes."]),
        ("没有句号", ["没有句号"]),
        ("", []),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 100])
def test_sentences_are_cut_the_same_however_they_arrive(text: str, expected: list[str], size: int) -> None:
    splitter = SentenceSplitter()
    found = [s for i in range(0, len(text), size) for s in splitter.feed(text[i : i + size])]
    found += [rest] if (rest := splitter.rest()) else []
    assert found == expected


def test_lines_are_in_the_brands_voice_and_filled_once() -> None:
    lines = Lines.load(PROMPTS / "shared" / "lines.yaml")
    assert lines.say("handoff.low_confidence", "zh", BRAND).endswith("请人工同事来看。")
    assert "{handoff}" not in lines.say("handoff.anger", "en", BRAND)
    angry = Brand("x", handoff={"zh_angry": "我这就请同事来。", "zh": "好。"})
    assert lines.say("handoff.anger", "zh", angry) == "我这就请同事来。"
    assert lines.say("smalltalk.greeting", "zh", Brand("x", greeting={"zh": "来啦"})) == "来啦"
    assert "{shop}" in lines.say("smalltalk.robot", "en", Brand("{shop}", assistant_name="A"))


def test_every_reason_code_has_a_line_in_both_languages() -> None:
    lines = Lines.load(PROMPTS / "shared" / "lines.yaml")
    keys = [f"handoff.{r}" for r in ("low_confidence", "asked_for_human", "repeated_question", "anger", "tool_failed")]
    keys += [f"handoff.{r}" for r in ("sensitive_topic", "model_down", "index_down", "unanswerable", "offline")]
    keys += [f"refuse.{r}" for r in ("injection", "medical", "legal", "off_topic", "too_long", "empty")]
    keys += [f"smalltalk.{r}" for r in ("greeting", "thanks", "goodbye", "robot", "how_are_you", "acknowledgement")]
    keys += [f"clarify.{r}" for r in ("order_number", "phone_tail", "which_product", "what_about", "order_not_found")]
    for key in keys:
        for language in ("zh", "en"):
            assert lines.say(key, language, Brand("店"))


def test_a_line_without_a_language_is_a_configuration_error(tmp_path: Path) -> None:
    path = tmp_path / "lines.yaml"
    path.write_text("refuse:\n  empty: {zh: 请打字}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"refuse\.empty"):
        Lines.load(path)


async def test_an_arbiter_lets_a_sentence_in_other_words_through_or_is_not_there() -> None:
    decision = answer("护肤品撕开塑封后不支持无理由退货。", *DRAFT)
    text = "化妆品打开包装就不给退了。"

    async def replies(model: FakeEntailment | None) -> list[Sentence]:
        speaker = Responder(
            Generator(FakeModel(text), Prompts(PROMPTS)), Verifier(), timeout_seconds=2, phrasing=ABLE,
            arbiter=Arbiter(model) if model else None,
        )  # fmt: skip
        return [sentence async for sentence in speaker.reply(TURN, decision)]

    alone = await replies(None)
    assert text not in [s.text for s in alone]
    assert await replies(FakeEntailment(down=True)) == alone
    sure = await replies(FakeEntailment(chance=0.97))
    assert (sure[0].text, sure[0].origin) == (text, "model")
    assert [c.quote for c in sure[0].citations] == ["护肤品撕开塑封后不支持无理由退货。"]
    assert await replies(FakeEntailment(chance=0.3)) == alone

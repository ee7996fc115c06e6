"""Fixed lines a conversation says itself. A brand's own words come first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.shop.brand import Brand

_DISCLOSURE = {
    "zh": "您正在与 AI 助手「{assistant}」对话，不是真人。回答来自{shop}的资料并附出处；需要时可随时要求转人工。",
    "en": "You are chatting with {assistant}, an AI assistant, not a person. Answers come from {shop}'s own "
    "information and show their source. You can ask for a person at any time.",
}
_WAITING = {
    "zh": "已经在为您联系人工客服了，您的留言都会转给客服；等待期间其他问题我也可以先看看。",
    "en": "I have already asked a colleague to join. They will see everything you write here; meanwhile you can ask me "
    "anything else.",
}
_HANDOFF = {
    "zh": "好的，正在为您转接人工客服，请稍候。",
    "en": "Sure, I am calling a colleague for you. One moment please.",
}
_GREETING = {
    "zh": "您好，我是{shop}的{assistant}。商品、订单、配送和售后的问题都可以问我。",
    "en": "Hello, I'm {assistant} at {shop}. Ask me about products, orders, delivery or returns.",
}
_LINES: Mapping[str, Mapping[str, str]] = {
    "offline": {
        "zh": "人工客服现在不在线。",
        "en": "Our colleagues are not here right now.",
    },
    "opens": {"zh": "客服{opens}开始值班。", "en": "They are back {opens}."},
    "leave": {
        "zh": "请留下手机号或邮箱，再写一句要办的事，我会记成工单，同事上班后会看到。",
        "en": "Leave an e-mail address or phone number and a line about what you need: I will file it, and they will "
        "see it when they are back.",
    },
    "ticket": {
        "zh": "已经记下，工单号 {ticket}。同事会按您留的联系方式回复；这期间有别的问题也可以继续问我。",
        "en": "Filed as {ticket}. A colleague will reply to the contact you left; meanwhile you can go on asking me.",
    },
    "attached": {
        "zh": "文件收到了。我自己看不了图片和文件，已经为同事留好；点「转人工」，同事来了就能看到。",
        "en": "Got it. I can't look at pictures or files myself; it is kept for a colleague, who will see it once you "
        "ask to talk to a person.",
    },
    "place": {"zh": "您现在排在第 {position} 位。", "en": "You are number {position} in the queue."},
    "first": {"zh": "您排在第 1 位。", "en": "You are next in the queue."},
    "nobody": {
        "zh": "这会儿没有同事在座，您的位置会一直保留。",
        "en": "Nobody is at the desk this minute; your place in the queue is kept.",
    },
    "settled": {
        "zh": "这个问题同事刚才已经处理过，以上面他的答复为准；如果还想找人工，请直接说“转人工”。",
        "en": "A colleague has just dealt with this: their answer above stands. If you still want a person, say "
        "“talk to a person”.",
    },
    "policy": {
        "zh": "您的消息已经交给人工客服，由同事来回复您。",
        "en": "Your message is with our team; a colleague will answer you.",
    },
    "vanished": {
        "zh": "刚才的同事掉线了，已经把您排回队首，前面说的都还在。",
        "en": "The colleague you were talking to lost the connection. You are back at the front of the queue and "
        "nothing you said is lost.",
    },
    "passed_on": {
        "zh": "正在为您转给更合适的同事，前面说的会一并转过去。",
        "en": "You are being passed on to a colleague who can help better. They will see everything so far.",
    },
    # Why a person is called, by the reason's code.
    "repeated_question": {"zh": "看来我刚才没有答到点上。", "en": "It seems my last answers didn't settle it."},
    "sensitive_topic": {
        "zh": "这件事要请同事亲自来看。",
        "en": "A colleague should look at this in person.",
    },
    "model_down": {"zh": "我这边暂时没法好好回答。", "en": "I can't answer properly at the moment."},
    "tool_failed": {"zh": "我这边没能查到。", "en": "I could not look that up."},
    "low_confidence": {"zh": "这一点我没有把握，不敢随口答。", "en": "I am not sure about this, so I won't guess."},
    "anger": {"zh": "让您不愉快了，抱歉。", "en": "I'm sorry this has been frustrating."},
}

REASONS = frozenset({"repeated_question", "sensitive_topic", "model_down", "tool_failed", "low_confidence", "anger"})
"""Reasons of a hand-over that have a line of their own."""


def line(name: str, brand: Brand, language: str, **values: object) -> str:
    """One of the lines above, the brand's own (`handoff: {zh_ticket: …}`) where it has one."""
    own = brand.handoff.get(f"{language}_{name}")
    text = str(own or _LINES[name][language])
    for key, value in values.items():
        text = text.replace(f"{{{key}}}", str(value))
    return text


def language_of(locale: str, brand: Brand) -> str:
    """ "zh" or "en" for a locale such as zh-CN; the brand's default where it says nothing we speak."""
    short = locale.replace("_", "-").split("-")[0].lower()
    return short if short in _WAITING else brand.default_language


def disclosure(brand: Brand, language: str) -> str:
    """Tells the shopper that this is no human being."""
    own = _said(brand.notes, "disclosure", language)
    return own or _DISCLOSURE[language].format(assistant=brand.assistant_name, shop=brand.name)


def greeting(brand: Brand, language: str) -> str:
    """How the brand says hello in that language; ours where it has no words in it."""
    own = brand.greeting.get(language)
    return str(own or _GREETING[language].format(assistant=brand.assistant_name, shop=brand.name))


def waiting(brand: Brand, language: str) -> str:
    """Said instead of announcing the same hand-over twice."""
    return str(brand.handoff.get(f"{language}_waiting") or _WAITING[language])


def handoff(brand: Brand, language: str) -> str:
    """Announces the hand-over that the shopper asked for with the button."""
    return str(brand.handoff.get(language) or _HANDOFF[language])


def _said(notes: Mapping[str, Any], key: str, language: str) -> str:
    value = notes.get(key, "")
    return str(value.get(language, "")) if isinstance(value, Mapping) else str(value)

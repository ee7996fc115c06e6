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


def language_of(locale: str, brand: Brand) -> str:
    """ "zh" or "en" for a locale such as zh-CN; the brand's default where it says nothing we speak."""
    short = locale.replace("_", "-").split("-")[0].lower()
    return short if short in _WAITING else brand.default_language


def disclosure(brand: Brand, language: str) -> str:
    """Tells the shopper that this is no human being."""
    own = _said(brand.notes, "disclosure", language)
    return own or _DISCLOSURE[language].format(assistant=brand.assistant_name, shop=brand.name)


def greeting(brand: Brand, language: str) -> str:
    """How the brand says hello; empty when it does not."""
    return str(brand.greeting.get(language) or brand.greeting.get(brand.default_language) or "")


def waiting(brand: Brand, language: str) -> str:
    """Said instead of announcing the same hand-over twice."""
    return str(brand.handoff.get(f"{language}_waiting") or _WAITING[language])


def handoff(brand: Brand, language: str) -> str:
    """Announces the hand-over that the shopper asked for with the button."""
    return str(brand.handoff.get(language) or _HANDOFF[language])


def _said(notes: Mapping[str, Any], key: str, language: str) -> str:
    value = notes.get(key, "")
    return str(value.get(language, "")) if isinstance(value, Mapping) else str(value)

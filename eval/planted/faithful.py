"""Rewritings that keep what a sentence says: other words, other figures, an opening, one half of two statements.

What a model does when it phrases an answer. Each function returns the text changed, or as it was where it does not fit.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

Rewriting: TypeAlias = Callable[[str, random.Random], str]

_ZH_DIGITS = "零一二三四五六七八九"
_EN_NUMBERS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen"),
)
_ZH_SAME = (
    ("不支持", "不能"), ("最高", "最多"), ("以内", "之内"), ("由买家承担", "由您承担"),
    ("买家", "您"), ("免费", "不收费"), ("需要", "需"), ("无法", "不能"), ("目前", "现在"),
    ("退款", "退钱"), ("联系客服", "找客服联系"), ("之后", "后"), ("不超过", "最多"), ("我们出", "我们承担"),
    ("全部", "所有"), ("每单", "每个订单"), ("一般", "通常"), ("须", "需"),
)  # fmt: skip
_EN_SAME = (
    ("cannot", "can't"), ("do not", "don't"), ("is not", "isn't"), ("are not", "aren't"), ("costs", "comes to"),
    ("takes", "will take"), ("need to", "have to"), ("you pay", "you will pay"),
    ("e-mail", "email"), ("about", "around"), ("Up to", "At most"), ("must be", "has to be"), ("buy", "purchase"),
    ("free of charge", "free"), ("get", "receive"), ("no more than", "at most"), ("also", "as well"),
    ("normally", "usually"), ("within", "in"), ("for every", "for each"), ("whole order", "entire order"),
    ("Send", "Just send"), ("Yes.", "Yes, we do."), ("It is", "It's"), ("You have", "You've got"),
)  # fmt: skip
_ZH_OPENINGS = ("好的，", "您好，", "亲，", "是这样的，", "没问题，")
_EN_OPENINGS = ("Sure, ", "Of course: ", "No problem, ", "Certainly, ", "Okay, ")


def other_words(text: str, chance: random.Random) -> str:
    """One or two words for others that mean the same here."""
    pairs = [pair for pair in (_ZH_SAME if _is_zh(text) else _EN_SAME) if _holds(text, pair[0])]
    for old, new in chance.sample(pairs, min(2, len(pairs))):
        text = text.replace(old, new, 1)
    return text


def other_figures(text: str, chance: random.Random) -> str:
    """A number in words, a sum with its currency on the other side, a range with another dash."""
    changes = _ZH_FIGURES if _is_zh(text) else _EN_FIGURES
    fitting = [(pattern, write) for pattern, write in changes if pattern.search(text)]
    if not fitting:
        return text
    pattern, write = chance.choice(fitting)
    return pattern.sub(write, text, count=1)


def opened(text: str, chance: random.Random) -> str:
    """A polite opening."""
    if _is_zh(text):
        return chance.choice(_ZH_OPENINGS) + text
    first = text[:1].lower() + text[1:] if re.match(r"(?:The|You|It|If|Orders|For|In|On|After)\b", text) else text
    return chance.choice(_EN_OPENINGS) + first


def halved(text: str, chance: random.Random) -> str:
    """One of two statements that stand side by side, divided by a semicolon."""
    parts = [part.strip(" 。.") for part in re.split("[；;]", text) if len(part.strip()) >= _LEAST_HALF]
    if len(parts) < 2 or ":" in text or "：" in text:
        return text
    half = chance.choice(parts)
    if re.match(r"(?:other|其他|其余|otherwise|否则|不(?!锈)|there|that|they|it\b)", half, re.IGNORECASE):
        return text  # it leans on the other half
    return half[:1].upper() + half[1:] + ("。" if _is_zh(text) else ".")


_LEAST_HALF = 8


def _money_zh(match: re.Match[str]) -> str:
    return f"¥{match[1]}"


def _han(match: re.Match[str]) -> str:
    number = int(match[1])
    tens, ones = divmod(number, 10)
    said = (("" if tens == 1 else _ZH_DIGITS[tens]) + "十" + (_ZH_DIGITS[ones] if ones else "")) if tens else ""
    return (said or ("两" if number == 2 else _ZH_DIGITS[number])) + match[2]


def _word(match: re.Match[str]) -> str:
    return _EN_NUMBERS[int(match[1])] + match[2]


_ZH_FIGURES: Sequence[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = (
    (re.compile(r"(?<![\d.\-~到至])([2-9]|[1-9]\d)(天|个工作日|小时|个月|年)(?!\d)"), _han),
    (re.compile(r"(?<![\d.\-~到至])(\d+(?:\.\d+)?)元(?=[，。；包运、）]|$)"), _money_zh),
    (re.compile(r"(\d+)元"), lambda m: f"{m[1]}块"),
    (re.compile(r"(\d)-(\d+)(?=天|个|年|小时)"), lambda m: f"{m[1]}到{m[2]}"),
    (re.compile(r"(\d+)小时"), lambda m: f"{m[1]}个小时"),
)
_EN_FIGURES: Sequence[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = (
    (re.compile(r"(?<![\d.,£:–-])(?<!\d to )([2-9]|1[0-5])( (?:days|working days|months|years|weeks|hours))"), _word),
    (re.compile(r"£(\d+)(?![\d.,])"), lambda m: f"{m[1]} pounds"),
    (re.compile(r"(\d) to (\d+)"), lambda m: f"{m[1]}–{m[2]}"),
    (re.compile(r"(\d) ?%"), lambda m: f"{m[1]} per cent"),
    (re.compile(r"(\d+)-day\b"), lambda m: f"{m[1]} day"),
)
REWRITINGS: Sequence[Rewriting] = (other_words, other_figures, opened, halved)


def rewritten(text: str, chance: random.Random, most: int = 2) -> str:
    """The text after one to `most` rewritings, at random; as it was where none fits."""
    for rewriting in chance.sample(REWRITINGS, chance.randint(1, most)):
        text = rewriting(text, chance)
    return text


def _is_zh(text: str) -> bool:
    return bool(re.search("[\u4e00-\u9fff]", text))


def _holds(text: str, words: str) -> bool:
    return words in text if _is_zh(words) else bool(re.search(rf"\b{re.escape(words.strip())}\b", text))

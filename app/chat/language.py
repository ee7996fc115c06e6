"""Which language a shopper writes, and the small facts of writing in it."""

from __future__ import annotations

import re

_CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_ENGLISH_FRAME = re.compile(
    r"\b(the|is|are|how|what|which|do|does|can|could|i|you|my|to|of|for|it|in|with|have|has|much|many)\b", re.I
)
_CHINESE_FRAME = re.compile(r"[吗呢么的了吧啊嘛咋啥]|多少|怎么|什么|能不能|可以|几[个天块]")
_LATIN_WORD = re.compile(r"[A-Za-z]{2,}")


def language_of(text: str, fallback: str = "zh") -> str:
    """ "zh" when Chinese carries the sentence (mixed in English words or not), "en" when Latin words do."""
    han = len(_CJK.findall(text))
    latin = len(_LATIN_WORD.findall(text))
    if han == 0 and latin == 0:
        return fallback
    return "zh" if (han >= max(1, latin // 2) and han >= 2) or latin == 0 else "en"


def join_sentences(sentences: list[str], language: str) -> str:
    """Sentences as one text: Chinese needs no space between them, English does; lines stay lines."""
    text = ""
    for sentence in sentences:
        if not sentence:
            continue
        if (
            not text
            or text.endswith("\n")
            or sentence.startswith("\n")
            or _CJK.match(sentence[0])
            or (language == "zh" and not sentence[0].isascii())
        ):
            text += sentence
        else:
            text += " " + sentence
    return text

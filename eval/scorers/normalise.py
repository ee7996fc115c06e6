"""Brings texts into one written form, so that a fact is found however it was typed.

1,299.00 = １２９９ = 1299, "3 – 5" = "3-5" = "3至5", "Don’t" = "don't"; case and spaces don't count.
"""

from __future__ import annotations

import re
import unicodedata

_DASHES = re.compile(r"[‐‑‒–—―−~∼〜]+")
_RANGE_WORD = re.compile(r"(?<=\d)\s*(?:-|至|到|\bto\b)\s*(?=\d)")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_EMPTY_DECIMALS = re.compile(r"(?<![\d.])(\d+)\.0+(?!\d|\.\d)")
_TRAILING_ZERO = re.compile(r"(?<![\d.])(\d+\.\d*?[1-9])0+(?!\d|\.\d)")
_MARKUP = re.compile("[*`\\u200b\\u200c\\u2060\\ufeff]")
_SPACE_BESIDE_NON_DIGIT = re.compile(r"(?<!\d)\s+|\s+(?!\d)")
_PUNCTUATION_FOLD = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "「": '"', "」": '"', "。": ".", "、": ","})


def normalise(text: str) -> str:
    """The written form that facts are compared in. A space between two digits stays: it keeps numbers apart."""
    text = unicodedata.normalize("NFKC", text).casefold().translate(_PUNCTUATION_FOLD)
    text = _MARKUP.sub("", text)
    text = _DASHES.sub("-", text)
    text = _RANGE_WORD.sub("-", text)
    text = _THOUSANDS.sub("", text)
    text = _EMPTY_DECIMALS.sub(r"\1", text)
    text = _TRAILING_ZERO.sub(r"\1", text)
    return _SPACE_BESIDE_NON_DIGIT.sub("", text).strip()


def contains(text: str, wanted: str) -> bool:
    """Whether a normalised text says a normalised phrase; the number 8 is not said by 18, 8.5 or 80."""
    if not wanted:
        return False
    before = r"(?<!\d)(?<!\d\.)" if wanted[0].isdigit() else ""
    after = r"(?!\d)(?!\.\d)" if wanted[-1].isdigit() else ""
    return re.search(before + re.escape(wanted) + after, text) is not None

"""A light English stemmer: endings that change a word's number or tense, nothing that changes its meaning."""

from __future__ import annotations

import re
from functools import lru_cache

_VOWEL = re.compile(r"[aeiouy]")
_IRREGULAR = {
    "bought": "buy", "paid": "pay", "sent": "send", "lost": "los", "broken": "break", "broke": "break", "worn": "wear",
    "wore": "wear", "shrank": "shrink", "shrunk": "shrink", "children": "child", "women": "woman", "men": "man",
    "feet": "foot", "chose": "choos", "chosen": "choos", "lose": "los", "losing": "los",
}  # fmt: skip


@lru_cache(maxsize=16_384)
def stem(word: str) -> str:
    """What a lower-case English word shares with its plural, -ing and -ed forms: "prices", "priced" → "pric".

    The result need not be a word: it is only ever compared with other stems.
    """
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) <= 2 or not word.isascii() or not word.isalpha():
        return _without_last_e(word)
    word = _undouble_l(_without_last_e(_without_tense(_without_plural(word))))
    if word.endswith("y") and len(word) > 2 and not _VOWEL.match(word[-2]):
        word = word[:-1] + "i"
    return word


def _without_plural(word: str) -> str:
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _without_tense(word: str) -> str:
    if word.endswith("ied") and len(word) > 4:
        return word[:-2]
    for ending in ("ing", "ed"):
        root = word.removesuffix(ending)
        if root != word and len(root) > 1 and _VOWEL.search(root) and not word.endswith("eed"):
            doubled = len(root) > 2 and root[-1] == root[-2] and root[-1] not in "lsz"
            return root[:-1] if doubled else root
    return word


def _without_last_e(word: str) -> str:
    return word[:-1] if len(word) > 2 and word.endswith("e") and not word.endswith("ee") else word


def _undouble_l(word: str) -> str:
    """British and American spelling agree: cancelled, canceled → cancel."""
    return word[:-1] if len(word) >= 6 and word.endswith("ll") else word

"""Text → the words, numbers and identifiers that lexical search and coverage features compare.

Chinese and English go through one function, so a question and a source are always cut the same way.
Everything is compared in one form: NFKC, case-folded, simplified characters, light English stems,
quantities with one unit name ("7 天", "七天" and "7 days" are all "7day").
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import unicodedata
import warnings
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from app.knowledge.simplify import simplify
from app.knowledge.stem import stem
from app.knowledge.word_lists import SHOP_ZH, STOP_EN, STOP_ZH

_UNITS = {
    **dict.fromkeys(("天", "day", "days"), "day"),
    **dict.fromkeys(("小时", "h", "hr", "hrs", "hour", "hours"), "hour"),
    **dict.fromkeys(("分钟", "min", "mins", "minute", "minutes"), "minute"),
    **dict.fromkeys(("周", "星期", "week", "weeks"), "week"),
    **dict.fromkeys(("个月", "month", "months"), "month"),
    **dict.fromkeys(("年", "year", "years"), "year"),
    **dict.fromkeys(("元", "块", "块钱", "圆", "rmb", "yuan"), "yuan"),
    **dict.fromkeys(("usd", "dollar", "dollars"), "usd"),
    **dict.fromkeys(("公斤", "千克", "kg", "kgs"), "kg"),
    **dict.fromkeys(("克", "g", "gram", "grams"), "g"),
    **dict.fromkeys(("斤",), "jin"),
    **dict.fromkeys(("lb", "lbs", "pound", "pounds"), "lb"),
    **dict.fromkeys(("oz", "ounce", "ounces"), "oz"),
    **dict.fromkeys(("毫升", "ml"), "ml"),
    **dict.fromkeys(("升", "l", "litre", "litres", "liter", "liters"), "l"),
    **dict.fromkeys(("厘米", "公分", "cm"), "cm"),
    **dict.fromkeys(("毫米", "mm"), "mm"),
    **dict.fromkeys(("米", "m", "metre", "metres", "meter", "meters"), "m"),
    **dict.fromkeys(("英寸", "寸", "inch", "inches"), "inch"),
    **dict.fromkeys(("度", "°c", "℃", "°"), "degree"),
    **dict.fromkeys(("%",), "percent"),
    **dict.fromkeys(("折",), "zhe"),
    **dict.fromkeys(("瓦", "w"), "w"),
    **dict.fromkeys(("件",), "piece"),
    **dict.fromkeys(("岁",), "age"),
    **{unit: unit for unit in ("mg", "gb", "tb", "mah", "kw", "hz", "kwh", "gsm", "码", "号", "倍", "次", "月", "日")},
}
_UNIT = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
_TOKEN = re.compile(
    rf"(?P<quantity>(?<![a-z0-9.])(?<![a-z]-)(?P<number>\d[\d,]*(?:\.\d+)?)\s?-?(?P<unit>{_UNIT})(?![a-z0-9]))"
    r"|(?P<code>(?=[0-9._/-]*[a-z])[a-z0-9]+(?:[-_./'][a-z0-9]+)*)"
    r"|(?P<digits>\d[\d,]*(?:\.\d+)?)"
    r"|(?P<han>[\u3400-\u9fff\uf900-\ufaff]+)"
    r"|(?P<other>[^\W\da-z_\u3400-\u9fff\uf900-\ufaff]+)"
)
_HAN_NUMBER = re.compile(
    r"(?<![第一二两三四五六七八九十百千])([一二两三四五六七八九十百千零]{1,7})"
    r"(天|小时|分钟|周|个月|年|元|块钱|块|公斤|斤|克|毫升|升|厘米|折|岁)"
)
_HAN_DIGITS = dict(zip("零一二三四五六七八九", range(10), strict=True)) | {"两": 2}
_HAN_SCALES = {"十": 10, "百": 100, "千": 1000}
_IDENTIFIER = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]+(?:[-_/][A-Za-z0-9]+)*(?![A-Za-z0-9])")
_ORDINARY = re.compile(
    rf"\d+(?:{_UNIT}|k|d|x|s|x*l|x*s|st|nd|rd|th)|\d{{2,4}}(?:[-/]\d{{1,2}}){{1,2}}|[a-z]\d", re.IGNORECASE
)
_PARTS = re.compile(r"[a-z]+|\d+")
_VOWEL = re.compile(r"[aeiouy]")

_HASH_MASK = 0x7FFF_FFFF
_SATURATION = 1.2
_SHORT = 200


def words(text: str) -> list[str]:
    """The words of a text in reading order, repeats kept, stop words dropped; see the module for their form.

    An identifier comes whole and in parts: "LW-TEE-M" gives "lw-tee-m", "lw", "tee", "m".
    """
    return list(_short_words(text) if len(text) <= _SHORT else _tokens(_normalise(text), pairs=False))


@lru_cache(maxsize=4_096)
def _short_words(text: str) -> tuple[str, ...]:
    """A turn asks for the words of the message, of titles and of phrasings again and again."""
    return tuple(_tokens(_normalise(text), pairs=False))


def sparse_vector(text: str) -> dict[int, float]:
    """Stable 31-bit hash of a word → its frequency, saturated as in BM25 (once: 1.0, often: towards 2.2).

    Neighbouring single characters count as a word too, so that names no dictionary knows (小二) can be found.
    """
    counts = Counter(_tokens(_normalise(text), pairs=True))
    return {term_id(word): n * (_SATURATION + 1) / (n + _SATURATION) for word, n in counts.items()}


@lru_cache(maxsize=65_536)
def term_id(word: str) -> int:
    """The number a word has in every sparse vector, on every machine."""
    return int.from_bytes(blake2b(word.encode("utf-8"), digest_size=4).digest(), "big") & _HASH_MASK


def identifiers(text: str) -> list[str]:
    """SKUs, order numbers and the like in the text, case-folded, each once, in order of appearance.

    Sizes, ranges, dates, quantities and hyphenated words ("2xl", "3-5", "7-day", "check-in") are not identifiers.
    """
    found = (m.group() for m in _IDENTIFIER.finditer(unicodedata.normalize("NFKC", text)))
    return list(dict.fromkeys(token.casefold() for token in found if _is_identifier(token)))


def warm() -> None:
    """Load the Chinese dictionary now (0.7 s, about 60 MB) instead of at the first Chinese word."""
    _chinese()


def _normalise(text: str) -> str:
    return simplify(unicodedata.normalize("NFKC", text).casefold().replace("’", "'"))


def _tokens(text: str, *, pairs: bool) -> Iterator[str]:
    for match in _TOKEN.finditer(_HAN_NUMBER.sub(_arabic, text)):
        kind = match.lastgroup
        if match["quantity"]:
            number = _plain(match["number"])
            yield number + _UNITS[match["unit"]]
            yield number
        elif kind == "code":
            yield from _code(match.group())
        elif kind == "digits":
            yield _plain(match.group())
        elif kind == "han":
            yield from _cut(match.group(), pairs=pairs)
        else:
            yield match.group()


def _code(token: str) -> Iterator[str]:
    """An English word as its stem; anything with joints or digits whole, then in parts."""
    token = token.removesuffix("'s")
    if token.isalpha():
        if token not in STOP_EN:
            yield stem(token)
        return
    if token.replace("'", "").isalpha():
        if token.replace("'", "") not in STOP_EN:
            yield stem(token.replace("'", ""))
        return
    yield token
    for part in _PARTS.findall(token):
        if part not in STOP_EN or len(part) == 1:
            yield stem(part)


def _plain(number: str) -> str:
    """ "1,299.00" and "1299" are one number."""
    number = number.replace(",", "")
    return number.rstrip("0").rstrip(".") if "." in number else number


def _cut(run: str, *, pairs: bool) -> Iterator[str]:
    """Dictionary words, longer ones also in their parts; with `pairs`, single neighbours joined as well."""
    previous = ""
    for word in _chinese().cut_for_search(run, HMM=False):
        if word in STOP_ZH:
            previous = ""
            continue
        yield word
        if pairs and len(word) == 1 and previous:
            yield previous + word
        previous = word if len(word) == 1 else ""


def _arabic(match: re.Match[str]) -> str:
    """ "十五天" → "15天"; left alone where the characters are no number ("千百年")."""
    total, digit = 0, 0
    for character in match[1]:
        if character in _HAN_DIGITS:
            digit = _HAN_DIGITS[character]
        else:
            total, digit = total + (digit or 1) * _HAN_SCALES[character], 0
    return f"{total + digit}{match[2]}"


def _is_identifier(token: str) -> bool:
    if _ORDINARY.fullmatch(token):
        return False
    digits = sum(c.isdigit() for c in token)
    letters = sum(c.isalpha() for c in token)
    parts = re.split(r"[-_/]", token)
    if digits and letters:
        # A letter part glued to digits, or a code with joints; "7-day" and "30-minute" are neither.
        return len(token) >= 4 and not re.fullmatch(r"\d+-[A-Za-z]+(-[A-Za-z]+)*", token)
    if digits:
        return digits >= 6
    if len(parts) < 2:
        return False
    if token.isupper():
        return len(token) >= 5 and (len(parts) > 2 or any(not _VOWEL.search(p.lower()) for p in parts))
    return len(parts) >= 3 and any(len(p) > 1 and not _VOWEL.search(p.lower()) for p in parts)


_loading = threading.Lock()
_cutter: list[Any] = []


def _chinese() -> Any:
    """jieba's tokenizer, loaded once: without its cache file in a shared temporary folder and without its log lines."""
    if not _cutter:
        with _loading:
            if not _cutter:
                _cutter.append(_load_chinese())
    return _cutter[0]


def _load_chinese() -> Any:
    absent = object()
    before = sys.modules.get("pkg_resources", absent)
    # jieba prefers pkg_resources, which is deprecated, slow and noisy, and falls back to plain open() without it.
    sys.modules["pkg_resources"] = None  # type: ignore[assignment]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import jieba  # noqa: PLC0415
    finally:
        if before is absent:
            del sys.modules["pkg_resources"]
        else:
            sys.modules["pkg_resources"] = before  # type: ignore[assignment]
    jieba.setLogLevel(logging.WARNING)
    cutter = jieba.Tokenizer()
    cutter.FREQ, cutter.total = cutter.gen_pfdict(cutter.get_dict_file())
    cutter.initialized = True
    for word in SHOP_ZH:
        # Often enough to win over a wrong split such as 退|货运费; the dictionary's own count is never lowered.
        cutter.add_word(word, max(3_000, cutter.FREQ.get(word, 0)))
    return cutter

"""Finds people's names by the words around them: surnames and titles in Chinese, capitals and address in English."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from app.review.word_lists import GIVEN, ORDINARY

_SURNAMES = (
    "欧阳|上官|司马|诸葛|皇甫|尉迟|令狐|慕容|司徒|端木|东方|夏侯|[王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋"
    "蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤闵文常季"
    "康施牛洪米宁岳齐梅庄辛管祝左涂谷祁时舒耿牟卜路詹关苗凌费纪靳盛童欧甄项曲成游阳裴席卫查屈鲍位覃霍翁隋植甘景薄单包司柏柯阮桂闻"
    "解强柴华车冉房边阎]"
)
_HAN = "一-鿿"
_ENDS = r"(?=$|[^一-鿿]|的|不|收|和|跟|这|，|先生|女士|小姐|老师|电话|手机|地址)"
_ZH = (
    re.compile(
        rf"(?<![{_HAN}])(?:亲爱的)?((?:{_SURNAMES})[{_HAN}]{{0,2}}?)(?=先生|女士|小姐(?!姐)|太太|阿姨|老师(?!傅))"
    ),
    re.compile(rf"((?:{_SURNAMES})[{_HAN}]{{0,2}}?)(?=先生|女士|小姐(?!姐)|太太(?![{_HAN}]))"),
    re.compile(
        rf"(?:我叫|姓名|收件人|收货人|联系人|开户名|户名|名字|本人|寄件人|抬头人)[^{_HAN}\n]{{0,3}}(?:填错了)?[^{_HAN}\n]{{0,2}}"
        rf"(?:应该是|应该改成|改成|改为|写成|叫|是|为|写)?[^{_HAN}\n]{{0,2}}((?:{_SURNAMES})[{_HAN}]{{1,2}}?){_ENDS}"
    ),
    re.compile(rf"(?:我是|这里是|客服)((?:{_SURNAMES})[{_HAN}]{{1,2}}?)(?=$|[，。！,!：:\s])"),
)
_NO_NAME = frozenset(
    {"高兴", "白色", "黄色", "金色", "方便", "和气", "常见", "成人", "单身", "万一", "江南", "关于", "强烈", "管家"}
)

_TITLE = re.compile(r"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Sir|Madam)\b\.?\s+")
_FORM = re.compile(
    r"(?:\b(?:my name is|my name's|name's|name\s*:|this is|i am|i'm|im|calls? me|called me|named (?:him|her|it)|"
    r"called|named|hi|hello|hey|dear|thanks,?|thank you,?|regards,?|cheers,?|attn:?|attention:?|c/o|recipient:?|"
    r"speaking to|spoke to|spoke with|agent|from|by|add|kid|son|daughter|wife|husband|friend|says|said|"
    r"for|what's your name\?)[\s,>]+)",
    re.IGNORECASE,
)
_CAPITAL = r"[A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĘĚĞĢĪĮİĶĻŁŃŅŇŌŐŒŔŘŚŞŠŢŤŪŮŰŲŹŻŽ]"
_ONE = rf"{_CAPITAL}(?:\.|[\w'’-]*[^\W\d_])"
_NAME = re.compile(rf"{_ONE}(?:\s{_ONE}){{0,3}}")
_BEGINS = re.compile(r"(?:^|[.!?:\n>\"“]\s*|[-•*]\s)$")
_LOWER_NAME = re.compile(r"\b(?:my name is|name\s*:)\s+([^\W\d_][\w.'’-]*(?:\s[^\W\d_][\w.'’-]*){0,2})", re.IGNORECASE)


def names_in(text: str, known: Callable[[str], bool]) -> Iterator[tuple[int, int]]:
    """Where names stand. `known` words (products, brands, places the shop writes of) are none."""
    for pattern in _ZH:
        for match in pattern.finditer(text):
            if match[1] not in _NO_NAME and not known(match[1]):
                yield match.span(1)
    for match in _LOWER_NAME.finditer(text):
        if not all(_is_ordinary(word, known) for word in match[1].split()[:1]):
            yield match.span(1)
    for match in _NAME.finditer(text):
        if span := _english(text, match, known):
            yield span


def _english(text: str, match: re.Match[str], known: Callable[[str], bool]) -> tuple[int, int] | None:
    """A run of capitals as a name: without the ordinary words at its ends, and not where any sentence begins."""
    spans = [(match.start() + m.start(), match.start() + m.end()) for m in re.finditer(r"\S+", match[0])]
    while spans and _is_ordinary(text[slice(*spans[0])], known):
        del spans[0]
    while spans and _is_ordinary(text[slice(*spans[-1])], known):
        del spans[-1]
    if not spans:
        return None
    start, end = spans[0][0], spans[-1][1]
    before, first = text[:start], text[slice(*spans[0])].rstrip("'’s").casefold()
    addressed = bool(_TITLE.search(before[-8:]) or _FORM.search(before[-24:]))
    if len(spans) == 1 and _BEGINS.search(before) and not addressed and first not in GIVEN:
        return None
    if text[start:end].isupper() and len(spans) == 1:
        return None
    return start, end


def _is_ordinary(word: str, known: Callable[[str], bool]) -> bool:
    bare = re.sub(r"['’]s$", "", word.strip(".,'’"))
    return bare.casefold() in ORDINARY or len(bare) < 2 or known(bare)


def is_given_name(word: str) -> bool:
    """Whether people are called so."""
    return word.casefold() in GIVEN

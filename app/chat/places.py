"""Whether a message names a place outside what "everywhere else in the country" means. Pure.

A delivery term for "other regions" may be applied to a place that is known to be one; to one that nobody knows, not.
"""

# ruff: noqa: E501 (word lists read better unbroken)
from __future__ import annotations

import re

_CHINA = [
    "北京",
    "上海",
    "天津",
    "重庆",
    "河北",
    "山西",
    "辽宁",
    "吉林",
    "黑龙江",
    "江苏",
    "浙江",
    "安徽",
    "福建",
    "江西",
    "山东",
    "河南",
    "湖北",
    "湖南",
    "广东",
    "海南",
    "四川",
    "贵州",
    "云南",
    "陕西",
    "广西",
    "广州",
    "深圳",
    "杭州",
    "南京",
    "苏州",
    "武汉",
    "成都",
    "西安",
    "长沙",
    "郑州",
    "青岛",
    "济南",
    "大连",
    "沈阳",
    "厦门",
    "福州",
    "宁波",
    "无锡",
    "合肥",
    "东莞",
    "佛山",
    "昆明",
    "哈尔滨",
    "长春",
    "石家庄",
    "太原",
    "南昌",
    "贵阳",
    "南宁",
]
_BRITAIN = [
    "london",
    "manchester",
    "birmingham",
    "leeds",
    "liverpool",
    "bristol",
    "sheffield",
    "newcastle",
    "nottingham",
    "cardiff",
    "edinburgh",
    "glasgow",
    "oxford",
    "cambridge",
    "york",
    "kendal",
    "leicester",
    "brighton",
    "plymouth",
    "exeter",
    "norwich",
    "england",
    "wales",
    "mainland",
    "uk",
    "britain",
]
_LOCATES = re.compile(
    r"(?:我在|我们在|寄到|寄去|发到|发往|送到|人在|住在?|地址(?:是|在)?|搁)\s?([\u4e00-\u9fff]{2,4})|"
    r"\b(?:i'?m in|i live in|living in|to|in|deliver(?:ed|y)? to|ship(?:ped|ping)? to|post to)\s+(?:the\s+)?([A-Z][A-Za-z]+|[a-z]{4,})"
)
_FAR = re.compile(
    r"海外|国外|境外|美国|日本|韩国|澳洲|澳大利亚|加拿大|英国|欧洲|新加坡|港澳|香港|澳门|台湾|偏远|"
    r"\b(?:abroad|overseas|international|europe|germany|france|spain|italy|usa?|america|canada|japan|china|australia|island|islands|highlands|"
    r"scotland|skye|orkney|shetland|ireland|belfast|dublin|jersey|guernsey|norway|india)\b",
    re.IGNORECASE,
)
_NO_PLACE = frozenset(
    [
        "total",
        "all",
        "full",
        "time",
        "order",
        "basket",
        "pay",
        "delivery",
        "postage",
        "shipping",
        "store",
        "stock",
        "time",
        "one",
        "your",
        "home",
        "work",
        "arrive",
        "order",
        "the",
        "get",
        "make",
        "spend",
    ]
)


def is_home_place(text: str, with_own_terms: str) -> bool:
    """Whether the message names no place, or one that is certainly covered by "everywhere else at home"."""
    if _FAR.search(text):
        return False
    for match in _LOCATES.finditer(text):
        named = (match[1] or match[2]).casefold()
        if named in with_own_terms:
            return False
        if any(named.startswith(place) for place in (*_CHINA, *_BRITAIN)) or named in _NO_PLACE:
            continue
        if match[1] and _NOWHERE.match(named):
            continue  # "寄到家里": no place that anybody charges for
        return False
    return True


def names_home_place(text: str) -> bool:
    """Whether a place at home is named for certain."""
    folded = text.casefold()
    return any(place in folded for place in _CHINA) or bool(_IN_BRITAIN.search(folded))


_NOWHERE = re.compile("家|公司|学校|单位|我|这|那|你|他|她|朋友|门|楼|哪|后|新|咱|要|多|的|货|快|什么")
_IN_BRITAIN = re.compile(rf"\b(?:{'|'.join(_BRITAIN)})\b")

"""What kind of value a question asks for, and which kinds a text holds.

A passage on the right topic that holds no value of the kind asked for does not answer. Pure, by patterns.
"""

from __future__ import annotations

import re
from functools import lru_cache

_ASKS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        (
            "duration",
            r"多久|几天|多长时间|几个?(小时|月|年|星期|工作日)|多少(天|小时|个月|年)|几时|(什么|啥)时(候|间)|多快|期限|how (long|soon|quick|fast|many (days|hours|weeks|months|years))|\bwhen\b|turnaround|by what (day|date)|deadline|time ?(frame|limit)",
        ),
        (
            "money",
            r"多少(钱|元|块|米)|几(块|元|钱|毛)|价|费|贵|便宜|收钱|掏钱|how much|cost|price|charge|fee|pay|\bfree\b|£|\$|¥|包邮|免",
        ),
        ("percent", r"几折|折扣|多少%|百分|比例|percent|%|discount|\boff\b|rate"),
        (
            "number",
            r"多少|几(个|件|张|次|条|种|款|瓶|包|片|克|升|度|级|积分)|how many|number of|limit|max|min|上限|最多|最少",
        ),
        (
            "place",
            r"哪里|哪儿|哪个(城市|地方|省|国)|地址|边度|where|which (country|countries|city|area|region)|address|ship to|deliver to|寄到|发到|送到",
        ),
        ("contact", r"电话|邮箱|微信|联系|热线|phone|email|contact|call you|reach you"),
        (
            "way",
            r"怎么|如何|咋|点样|怎样|在哪(里|儿)?(申请|查|看|改|开|弄|填|领)|how (do|can|to|does|should|would)|steps?|process|procedure|where (do|can) i",
        ),
        ("person", r"谁(来)?(出|付|承担|掏)|who (pays|covers)|on whom|at whose"),
        (
            "yesno",
            r"吗|么[？?]?$|能不能|可不可以|可以.{0,12}(吗|不)|有没有|是不是|会不会|行不行|得唔得|\b(can|could|do|does|is|are|will|would|may|am|has|have) (i|you|we|it|they|the|there|your|my|this|that)\b",
        ),
    )
)

_HOLDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        (
            "duration",
            r"[\d一二两三四五六七八九十半]+\s*(个)?(天|日|小时|分钟|工作日|月|年|周|星期|点|时)|当(天|日)|次日|\d+\s*[-–]?\s*(business |working )?(day|hour|week|month|year|minute|am\b|pm\b)|same[- ]day|next[- ]day|\d{1,2}:\d\d|midnight|noon|(one|two|three|four|five|six|seven|ten|fourteen|thirty|sixty|ninety) (day|week|month|year|hour|business|working)",
        ),
        (
            "money",
            r"\d\s*(元|块|圆)|[¥￥£$€]\s*\d|\d\s*(usd|gbp|rmb|cny|eur|pounds?|dollars?|yuan|p\b)|包邮|免(费|运费|邮)|\bfree\b|不收|no (extra )?(charge|fee|cost)|at our (cost|expense)|运费",
        ),
        ("percent", r"\d\s*%|[\d一二三四五六七八九]折|百分之|percent|half"),
        ("number", r"\d|[一二两三四五六七八九十百]"),
        (
            "place",
            r"省|市|区|县|地区|国|仓|港|澳|台|address|street|road|\b(uk|eu|us|england|scotland|wales|ireland|highlands|islands|europe|london|country|countries|warehouse)\b",
        ),
        ("contact", r"\d{3,}-?\d{3,}|@|电话|邮箱|热线|客服|email|phone|contact"),
        (
            "way",
            r"点击|进入|打开|选择|提交|申请|填写|联系|登录|在.{1,12}(页|里|中)|click|go to|open|select|choose|submit|log ?in|fill|enter|visit|contact|send|use",
        ),
        (
            "person",
            r"(买家|顾客|客户|我们|本店|商家|您)(自行|自己)?(来)?(承担|负责|支付|出)|we (pay|cover)|you (pay|cover)|your (own )?(cost|expense)|our (cost|expense)|customer|prepaid",
        ),
        ("yesno", r"."),
    )
)


@lru_cache(maxsize=8192)
def asked_kinds(text: str) -> frozenset[str]:
    """Kinds of value the question asks for; empty when it shows none."""
    return frozenset(name for name, pattern in _ASKS if pattern.search(text))


@lru_cache(maxsize=16384)
def held_kinds(text: str) -> frozenset[str]:
    """Kinds of value the text holds."""
    return frozenset(name for name, pattern in _HOLDS if pattern.search(text))


def kind_match(question: str, text: str) -> float:
    """Share of the hard kinds asked for that the text holds; 1 when none is asked for."""
    asked = asked_kinds(question) - {"yesno"}
    return len(asked & held_kinds(text)) / len(asked) if asked else 1.0

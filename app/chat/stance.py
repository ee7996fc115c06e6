"""What the small words of a clause commit to: yes or no, before or after, at least or at most, only, if, who pays.

A sentence can keep every number and noun of its evidence and still say the opposite. Classes have the same names for
Chinese and English, so that a sentence and its evidence can be compared across the two.
"""

# ruff: noqa: E501 (word lists read better unbroken)
from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_HARMLESS = re.compile(
    "无理由|不锈钢|不但|不仅|不光|不论|无论|不管|不同|不少|不好意思|没关系|没问题|不客气|差不多|无纺|无线|无痕|非常|不过|"
    "目前|当前|跟前|特别|分别|类别|级别|识别|性别|区别|个别|未来|除了|除湿|除螨|除尘|只要|任何时候|对不起|"
    r"\bno problem\b|\bnot only\b|\bno matter\b|\bno doubt\b|\bwhether or not\b|\bor not\b|\bno longer than\b|"
    r"\bno more than\b|\bno later than\b|\bnot just\b|\bif you have any\b|\bnonetheless\b",
    re.IGNORECASE,
)
_KEPT = {
    "不超过": "most",
    "不多于": "most",
    "no more than": "most",
    "no longer than": "most",
    "no later than": "most",
    "不少于": "least",
    "不低于": "least",
    "no fewer than": "least",
    "no less than": "least",
    "at least": "least",
    "at most": "most",
    "up to": "most",
    "or more": "least",
    "or over": "least",
    "and above": "least",
    "or less": "most",
    "or under": "most",
    "or fewer": "most",
    "and below": "most",
    "more than": "least",
    "less than": "most",
}
_CLASSES = {
    "no": r"不|没|无法|无需|无须|无|未|勿|别(?!墅|人|的)|禁止|谢绝|严禁|拒绝|暂停|停止|"
    r"\bnot\b|n't\b|\bcannot\b|\bcant\b|\bno\b|\bnever\b|\bneither\b|\bnor\b|\bwithout\b|\bnone\b|\bnothing\b|\bunable\b|\bnon-",
    "before": r"之前|以前|前(?!往|台|面|提)|\bbefore\b|\bby\b(?=\s\d)|\bprior to\b|\bahead of\b|\buntil\b|\btill\b|截[至止]",
    "after": r"之后|以后|后(?!台|续|果)|\bafter\b|\bonce\b|\bfrom\b(?=\s\d)",
    "least": r"满(?=\d)|以上|最低|最少|至少|超过|超出|大于|起(?=[，。；、,.]|$)|\bover\b|\bminimum\b|\bexceed(?:s|ing)?\b|\babove\b",
    "most": r"以内|之内|内(?=[可申无免退换有完到发]|$|[，。；,.])|最多|以下|至多|上限|低于|少于|最高|\bwithin\b|\bunder\b|\bmaximum\b|\bbelow\b|\bcapped\b",
    "only": r"仅|只(?=[能有限在对收支接发用可需])|限(?=[于在时购用])|\bonly\b|\bsolely\b|\bexclusively\b",
    "all": r"所有|全部|一律|任何|都(?=[可能会是要有支])|全场|全店|\ball\b|\bany\b|\bevery\b|\balways\b|\beverything\b",
    "except": r"除外|除(?=非|外|[^湿螨尘])|例外|另算|另有|另计|\bexcept\b|\bunless\b|\bexclud(?:e|es|ing)\b|\bother than\b|\bapart from\b",
    "if": r"如果|若|如(?=[需有果您未在是])|假如|前提|只要|凡|的话|必须|需(?!求)|须|当(?=[您订])|"
    r"\bif\b|\bprovided\b|\bas long as\b|\bmust\b|\brequires?\b|\brequired\b|\bneed(?:s|ed)? to\b|\bwhen\b|\bin case\b",
    "free": r"免费|包邮|免运费|免邮|不收费|不收取|\bfree\b|\bno charge\b|\bno cost\b|\bcomplimentary\b",
    "charged": r"收费|收取|付费|有偿|另收|自费|自理|\bcharged?\b|\bcosts?\b|\bfees?\b",
    "buyer pays": r"买家(?:自?付|承担|负担|自理|出)|(?:由|需|请)?(?:您|你|顾客|客户|消费者|自己|自行)(?:自?付|承担|负担|出|支付运费)|自理|"
    r"\b(?:you|the customer|the buyer|buyers|customers)(?: will| must| need to)? (?:pay|cover|bear)|"
    r"\bat your (?:own )?(?:cost|expense)\b|\byour responsibility\b",
    "shop pays": r"(?:我们|商家|卖家|店铺|本店|小店|平台)(?:来|会|将)?(?:付|承担|负担|出|支付|包)|"
    r"\b(?:we|the shop|the seller|the store)(?:'ll| will| do| also)? (?:pay|cover|bear|refund)|\bat our (?:cost|expense)\b|\bpaid by us\b",
}
_PATTERNS = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _CLASSES.items()}
_KEPT_PATTERN = re.compile("|".join(re.escape(k) for k in sorted(_KEPT, key=len, reverse=True)), re.IGNORECASE)

CLAIMED = frozenset({"before", "after", "least", "most", "only", "all", "free", "charged", "buyer pays", "shop pays"})
"""A sentence that commits to one of these needs evidence that does."""
OPPOSITES = (
    frozenset({"before", "after"}),
    frozenset({"least", "most"}),
    frozenset({"free", "charged"}),
    frozenset({"buyer pays", "shop pays"}),
)
LIMITS = frozenset({"only", "except", "if"})
"""Evidence that has one of these is told wrongly by a sentence that has none of them."""

_PROMISE = re.compile(
    r"(?:我|我们|小二|客服|专员|同事|工作人员)[^，。；]{0,6}(?:保证|承诺|担保)|(?:一定|肯定|绝对|保证)(?:会|能|可以|帮|给|为)|"
    r"(?:给|为|帮)您[^，。；]{0,4}(?:赔偿|补偿|打折|优惠|退款|减免|申请|安排|登记|处理|加急|备注|预留)|"
    r"(?:稍后|马上|立即|立刻|尽快)[^，。；]{0,8}(?:回电|致电|联系您|回复您|处理|退款|发货)|补偿您|赔偿您|回电|送您|赠送您|"
    r"\b(?:i|we)(?:'ll| will| can| shall) (?:\w+ ){0,2}(?:call|phone|ring|contact|e-?mail|compensate|refund|discount|"
    r"arrange|expedite|reserve|waive|replace|send|credit|give|offer|make sure|ensure|process|escalate)|"
    r"\b(?:guarantee[sd]?|i promise|we promise|rest assured|compensation for you|on the house)\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=8192)
def stance(text: str) -> frozenset[str]:
    """The classes a clause commits to."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    found = {_KEPT[match.group().casefold()] for match in _KEPT_PATTERN.finditer(folded)}
    rest = _HARMLESS.sub(" ", _KEPT_PATTERN.sub(" ", folded))
    found.update(name for name, pattern in _PATTERNS.items() if pattern.search(rest))
    return frozenset(found)


def promises(text: str) -> list[str]:
    """Phrases by which somebody commits to do something: call back, compensate, hurry, guarantee."""
    return [match.group() for match in _PROMISE.finditer(unicodedata.normalize("NFKC", text))]

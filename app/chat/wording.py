"""Ways to say the same that a check must not take for a change, and words that say nothing of their own. Pure.

Both sides of a groundedness check go through `plainly`; `IDLE` words may come and go in an answer.
"""

# ruff: noqa: E501 (word lists read better unbroken)
from __future__ import annotations

import re
from functools import lru_cache

from app.knowledge.stem import stem

_OPENING = re.compile(
    r"^\s*(?:(?:好的|好|嗯+|您好|你好|亲爱的?|亲|是这样的?|没问题|当然(?:可以)?|不客气|放心|请放心|明白|了解|收到|抱歉|很抱歉|不好意思)"
    r"[，,。:：!！~～]+|"
    r"(?:sure(?: thing)?|of course|certainly|absolutely|okay|ok|no problem|no worries|happy to help|good question|great question|"
    r"thanks for asking|hello|hi(?: there)?|right|well|sorry|i'm sorry|unfortunately|good news)[,:.!–—-]+)\s*",
    re.IGNORECASE,
)
_SAME = {
    "免费": r"不收费|无需付费|不需要付费|不用付费|不另外收费|不收取(?:任何)?费用|不用钱|不要钱",
    "最多": r"不超过|不多于|不高于|至多|最高(?=[\d可赔抵报为])|上限(?:为|是)?(?=\d)",
    "至少": r"不少于|不低于|最少",
    "买家": r"顾客|客户(?!端)|消费者|客人|您自己|您自行|您(?=[自承出付])",
    "每单": r"每个订单|每笔订单|每一单|每笔",
    "以内": r"之内|以內",
    "之前": r"以前",
    "之后": r"以后",
    "不能": r"不支持|不可以|无法|没法|不可(?=[机手干暴水熨退换用以])|不允许|不得",
    "退款": r"退钱|退还款项|退回货款",
    "所有": r"全部(?=[^的]{0,2}[商会订用])",
    "收到": r"(?<!拒)拿到|(?<!拒)收货(?!地|人|时)",
    "我们": r"本店|小店|我方|店家",
    "仍": r"仍然|依然|还是",
    "cannot": r"can't|can not|are not able to|is not able to|are unable to|is unable to",
    "free": r"free of charge|at no (?:extra |additional )?(?:cost|charge)|complimentary|without charge",
    "email": r"e-mail",
    "at most": r"no more than|not more than|up to|a maximum of|no longer than",
    "at least": r"no less than|not less than|a minimum of",
    "must": r"have to|has to|need to|needs to",
    "do not": r"don't",
    "does not": r"doesn't",
    "is not": r"isn't",
    "are not": r"aren't",
    "will not": r"won't",
    "you have": r"you've got|you've",
    "buy": r"purchase",
    "cost": r"come to|comes to|is priced at|will cost",
    "receive": r"\bget\b",
}
_PATTERN = re.compile(
    "|".join(
        f"(?P<g{n}>{pattern if not pattern.isascii() else rf'(?<![a-z])(?:{pattern})(?![a-z])'})"
        for n, pattern in enumerate(_SAME.values())
    )
)
_PLAIN = tuple(_SAME)
_RANGE = re.compile(r"(?<=\d)\s?(?:–|—|~|～|\bto\b|至|到)\s?(?=\d)")

_IDLE_EN = (
    "you we us they it he she i me my your our their its this that these those there here who which what whose where "
    "be is are was were been being am do does did have has had will would shall should can could may might must "
    "get receive take make give let need want like just simply also too as well still even already always usually normally "
    "generally typically often please kindly only about around roughly approximately in at on of to from for with by per "
    "and or but so then than if when while because since until after before under over within into onto out off up down "
    "each every any all both some one ones other another same such own more most less least very quite really "
    "buy purchase order item product good thing shop store say tell know find see ask choose pick use go come keep "
    "cost charge price pay amount total come today now currently moment soon later afterwards first next "
    "long short time entire whole full complete happy help able possible available sure yes no not cannot "
    "mean means include including call called offer provide allow accept count apply state "
    "back again once return customer"
)
_IDLE_ZH = (
    "您 你 我 我们 咱们 亲 它 他 她 这 那 这个 那个 这些 那些 这里 该 本 此 其 其中 每 各 某 自己 大家 "
    "是 为 有 会 能 能够 可 可以 可能 应 应该 需 需要 须 必须 要 得 请 想 让 把 将 被 给 用 使用 进行 "
    "的 了 着 过 地 在 于 从 到 向 对 和 与 及 或 而 但 但是 不过 所以 因此 因为 如果 若 则 就 才 都 也 还 再 又 "
    "一般 通常 大约 大概 左右 目前 现在 当前 届时 之后 之前 以后 以前 以内 之内 后 前 内 时 时候 期间 随时 "
    "非常 很 最 更 比较 只 只是 仅 只要 只能 直接 另外 此外 同时 同样 以及 包括 比如 例如 "
    "商品 产品 东西 物品 宝贝 货 货品 订单 店铺 店 小店 店里 我店 本店 情况 问题 方面 方式 部分 规定 政策 说明 内容 "
    "告诉 知道 了解 查看 看 联系 找 办理 处理 操作 申请 提交 提供 支持 享受 收到 拿到 得到 获得 购买 买 下单 选择 "
    "价格 费用 金额 钱 收 收取 付 支付 需付 承担 出 一共 总共 具体 相关 对应 属于 算 称为 即 "
    "好 好的 当然 没问题 抱歉 谢谢 放心 是的 不是 没有 没 不 无 不能 最多 至少 每单 免费 所有 任何 全部 退款 客服 同事"
)
IDLE: frozenset[str] = frozenset(stem(word) for word in _IDLE_EN.split()) | frozenset(_IDLE_ZH.split())
"""Words by whose coming or going a sentence says nothing else."""
GENERIC: frozenset[str] = frozenset(stem(w) for w in ["item", "items", "product", "products", "goods", "piece", "pieces", "order"]) | {
    "商品", "产品", "东西", "物品", "货品", "订单",
}  # fmt: skip
"""What a question may have named more exactly than the evidence does."""


def without_opening(text: str) -> str:
    """The sentence without the politeness it opens with: "好的，", "Of course, "."""
    while match := _OPENING.match(text):
        if match.end() >= len(text):
            break
        text = text[match.end() :]
    return text


@lru_cache(maxsize=8192)
def plainly(canonical_text: str) -> str:
    """A canonical text with turns of phrase that mean the same put in one form."""
    canonical_text = _RANGE.sub("-", canonical_text)
    return _PATTERN.sub(lambda match: _PLAIN[int(str(match.lastgroup)[1:])], canonical_text)

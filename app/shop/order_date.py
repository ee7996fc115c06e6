"""A question about an order is answered as of the day it was placed: what was promised then holds for it."""

from __future__ import annotations

import re
from datetime import datetime, time
from zoneinfo import ZoneInfo

from app.shop.orders import Order

_ABOUT_ORDER = re.compile(
    r"订单|下单(?:的时候|时|那天|当天|当时|后)|拍下|(?:这|那|上|前)(?:一)?[单笔]|当时|那时候?|"
    r"(?:我|已经?|刚|之前|上次|上周|昨天|前天)[^，。,.?？!！]{0,6}(?:买|下单|付款|订)了?(?:的|过|了)|(?:买|购买|付款|下单)(?:的?时候|时)|"
    r"\b(?:this|that|my|the)\s+(?:last\s+|previous\s+)?(?:order|purchase)\b|\bwhen\s+(?:I|we)\s+(?:ordered|bought|paid|"
    r"placed|purchased)\b|\b(?:I|we)\s+(?:have\s+|already\s+|had\s+|'ve\s+)*(?:ordered|bought|purchased)\b|"
    r"\bat\s+(?:the|that)\s+time\b|\bback\s+then\b",
    re.IGNORECASE,
)
_ABOUT_NOW = re.compile(
    r"现在|目前|今天|今日|如今|眼下|再买|再下|再订|下次|下一单|新订单|\bnow\b|\btoday\b|\bcurrently\b|"
    r"\bnext\s+(?:time|order)\b|\banother\s+order\b|\bnew\s+order\b|\b(?:buy|order)\s+again\b",
    re.IGNORECASE,
)


def asks_about_order(text: str) -> bool:
    """Whether a question speaks of something bought already, and not of what holds now."""
    return bool(_ABOUT_ORDER.search(text)) and not _ABOUT_NOW.search(text)


def placed_at(order: Order, timezone: str) -> datetime | None:
    """When the order was placed; a time without a zone is the shop's. None when the shop wrote no date one can read.

    A day without a time stands for its noon: days begin and end at midnight, so every moment of it is as good.
    """
    written = order.created_at.strip().replace("/", "-")
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return None
    if len(written) <= len("2026-11-01"):
        moment = datetime.combine(moment.date(), time(12))
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(timezone))

"""How a shopper says where they can be reached, and the number of the ticket that is opened for it."""

from __future__ import annotations

import re
import secrets

_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,24}")
_PHONE = re.compile(
    r"(?<![\dA-Za-z-])(?:(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}|\+\d{1,3}[ -]?\d(?:[ -]?\d){6,12}"
    r"|0\d{2,4}[ -]?\d{3,4}[ -]?\d{3,4})(?![\dA-Za-z])"
)
_HANDLE = re.compile(
    r"(?:微信号?|wechat|vx|qq|whatsapp|line)\s*(?:号|id)?\s*[:：是]?\s*([A-Za-z0-9_.+-]{5,32})", re.IGNORECASE
)
_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def contact_in(text: str) -> str:
    """The first e-mail address, phone number or messenger name in a message; "" when there is none."""
    for pattern in (_EMAIL, _PHONE):
        if found := pattern.search(text):
            return found[0].strip()
    found = _HANDLE.search(text)
    return found[0].strip() if found else ""


def new_ticket() -> str:
    """A number a person can read out: no 0, O, 1, I or L."""
    return "T-" + "".join(secrets.choice(_LETTERS) for _ in range(6))

"""The first account of a demo: nobody can guess it, and nothing but its hash is kept."""

from __future__ import annotations

from dataclasses import dataclass

from app.errors import NotFound
from app.staff.account import EVERY_SHOP, Role
from app.staff.door import Door
from app.staff.passwords import random_password

DEMO_LOGIN = "demo"


@dataclass(frozen=True, slots=True)
class FirstAdmin:
    """How to get in. `password` is "" when the account was there already, `link` when it is disabled or gone."""

    login: str
    password: str
    link_token: str


async def let_demo_in(door: Door) -> FirstAdmin:
    """Make the demo's admin where there is nobody yet, and a one-time link for this start."""
    password = ""
    if not await door.book.accounts():
        password = random_password()
        await door.add(DEMO_LOGIN, "Demo", Role.ADMIN, EVERY_SHOP, password)
    try:
        account = await door.book.account(DEMO_LOGIN)
    except NotFound:
        return FirstAdmin(DEMO_LOGIN, "", "")
    return FirstAdmin(DEMO_LOGIN, password, "" if account.disabled else await door.link_for(DEMO_LOGIN))

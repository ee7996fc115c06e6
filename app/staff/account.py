"""Who works here: accounts of editors, agents, supervisors and admins, and what a role may do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.errors import BadInput

EVERY_SHOP = ""
LOGIN = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,63}")
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 200


class Role(StrEnum):
    """What somebody is here for. An admin may do all that the others may."""

    ADMIN = "admin"
    EDITOR = "editor"
    SUPERVISOR = "supervisor"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Account:
    """One person. `shop` is the one they work for, EVERY_SHOP for all of them.

    login      lower case, unique on this server
    disabled   signs in no more; their sessions have ended
    """

    account_id: str
    login: str
    name: str
    role: Role
    shop: str
    created_at: datetime
    disabled: bool = False

    def works_for(self, shop: str) -> bool:
        """Whether the account reaches that shop."""
        return self.shop in (EVERY_SHOP, shop)

    def may(self, roles: tuple[Role, ...]) -> bool:
        """Whether the account has one of the roles; none named means any."""
        return not roles or self.role is Role.ADMIN or self.role in roles


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request: a signed-in account, or a program with the API key (`account` is None).

    `name` is what is written down as the author of a change.
    """

    name: str
    account: Account | None = None

    @property
    def role(self) -> Role:
        """A program with the key may do what an admin may."""
        return self.account.role if self.account else Role.ADMIN


def login_of(text: str) -> str:
    """The login somebody typed, as it is stored. Raises BadInput when it cannot be one."""
    login = text.strip().lower()
    if not LOGIN.fullmatch(login):
        raise BadInput(
            "A login has 2 to 64 of a-z, 0-9 and . _ @ + -, and starts with a letter or digit. Nothing was changed."
        )
    return login


def checked_password(password: str) -> str:
    """The password when it may be used. Raises BadInput when it is too short to hold, or too long to hash."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise BadInput(
            f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters; a few words in a row do well. "
            "Nothing was changed."
        )
    return password

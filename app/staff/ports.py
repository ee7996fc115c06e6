"""What signing in needs from the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.staff.account import Account, Role


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in browser. The cookie's token itself is nowhere stored: `token_hash` is its SHA-256."""

    token_hash: str
    account: Account
    created_at: datetime
    seen_at: datetime


class StaffBook(Protocol):
    """Accounts, sessions and one-time links."""

    async def add(self, login: str, name: str, role: Role, shop: str, password_hash: str | None) -> Account:
        """A new account. Raises Conflict when the login is taken."""

    async def accounts(self) -> list[Account]:
        """All of them, oldest first."""

    async def account(self, login: str) -> Account:
        """Raises NotFound."""

    async def password_of(self, login: str) -> tuple[Account | None, str | None]:
        """The account and its hash; (None, None) when there is no such account or it is disabled."""

    async def set_password(self, account_id: str, password_hash: str | None) -> None:
        """Change it or take it away, and end every session and link of the account."""

    async def set_disabled(self, account_id: str, disabled: bool) -> None:
        """Let in no more (and end every session and link), or let in again."""

    async def open_session(self, token_hash: str, account_id: str, now: datetime) -> None:
        """Remember a signed-in browser."""

    async def session(self, token_hash: str) -> Session | None:
        """The session of that token, unless its account is disabled."""

    async def touch(self, token_hash: str, now: datetime) -> None:
        """It was used just now."""

    async def end_session(self, token_hash: str) -> None:
        """Forget it. Twice is harmless."""

    async def end_stale(self, created_before: datetime, seen_before: datetime) -> None:
        """Forget what has expired."""

    async def add_link(self, token_hash: str, account_id: str, expires_at: datetime) -> None:
        """A link that signs the account in, once."""

    async def use_link(self, token_hash: str, now: datetime) -> Account | None:
        """The account of a link that is still good; it never is again."""

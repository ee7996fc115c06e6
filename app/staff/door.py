"""Signing in, staying signed in, signing out."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.errors import NotAllowed
from app.staff.account import Account, Role, checked_password, login_of
from app.staff.attempts import Attempts
from app.staff.passwords import Passwords
from app.staff.ports import Session, StaffBook

LINK = "a one-time link"
"""What tries of links are counted under; no login looks like it."""
TOUCHED_EVERY = timedelta(minutes=1)
"""How exactly we know when somebody was last here; a write for every request would be dear."""


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """A session ends when it was not used for `idle`, and at the latest `absolute` after signing in."""

    idle: timedelta = timedelta(hours=3)
    absolute: timedelta = timedelta(hours=12)
    link: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session: the token is for the browser's cookie and is shown to nobody else."""

    token: str
    account: Account
    lasts: timedelta


class Door:
    """Who comes in, and for how long."""

    def __init__(
        self,
        book: StaffBook,
        *,
        limits: SessionLimits | None = None,
        passwords: Passwords | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        attempts: Attempts | None = None,
    ) -> None:
        self.book = book
        self.limits = limits or SessionLimits()
        self._passwords = passwords or Passwords()
        self._clock = clock
        self._attempts = attempts or Attempts()

    async def sign_in(self, login: str, password: str, address: str) -> SignedIn:
        """A session for the right password. Raises NotAllowed, the same way and as slowly whatever was wrong,
        and TooManyRequests to who has guessed too often."""
        wanted = login.strip().lower()[:64]
        self._attempts.begin(wanted, address)
        account, stored = await self.book.password_of(wanted)
        if not await self._passwords.fits(stored, password[:1_000]) or account is None:
            raise NotAllowed("The name or the password is wrong. Nothing else was looked at; try again.")
        self._attempts.succeeded(wanted, address)
        return await self._opened(account)

    async def link_for(self, login: str) -> str:
        """The token of a link that signs the account in, once and soon. Raises NotFound."""
        account = await self.book.account(login_of(login))
        token = secrets.token_urlsafe(32)
        await self.book.add_link(hashed(token), account.account_id, self._clock() + self.limits.link)
        return token

    async def sign_in_by_link(self, token: str, address: str) -> SignedIn:
        """A session for an unused link. Raises NotAllowed."""
        self._attempts.begin(LINK, address)
        account = await self.book.use_link(hashed(token), self._clock())
        if account is None:
            raise NotAllowed("This link was used already or is too old. Ask for a new one, or sign in by password.")
        self._attempts.succeeded(LINK, address)
        return await self._opened(account)

    async def session_of(self, token: str) -> Session | None:
        """The session of a cookie while it lasts, noted as used just now."""
        if not token:
            return None
        session = await self.book.session(hashed(token))
        if session is None:
            return None
        now = self._clock()
        if now - session.created_at >= self.limits.absolute or now - session.seen_at >= self.limits.idle:
            await self.book.end_session(session.token_hash)
            return None
        if abs(now - session.seen_at) >= TOUCHED_EVERY:  # or the clock was put back meanwhile
            await self.book.touch(session.token_hash, now)
        return session

    async def sign_out(self, token: str) -> None:
        """End the session. Twice is harmless."""
        await self.book.end_session(hashed(token))

    async def add(self, login: str, name: str, role: Role, shop: str, password: str | None) -> Account:
        """A new account; without a password it can sign in by link only. Raises BadInput or Conflict."""
        stored = await self._passwords.hash(checked_password(password)) if password is not None else None
        return await self.book.add(login_of(login), name.strip() or login.strip(), role, shop, stored)

    async def set_password(self, login: str, password: str) -> None:
        """A new password; whoever was signed in with the old one is no more. Raises BadInput or NotFound."""
        account = await self.book.account(login_of(login))
        await self.book.set_password(account.account_id, await self._passwords.hash(checked_password(password)))

    async def change_password(self, account: Account, old: str, new: str, address: str) -> SignedIn:
        """The same by the person itself, who stays signed in. Who has none yet, and so came in by a link, needs no old
        one. Raises NotAllowed or BadInput."""
        checked_password(new)
        if await self.has_password(account):
            await self.sign_in(account.login, old, address)
        await self.set_password(account.login, new)
        return await self._opened(account)

    async def has_password(self, account: Account) -> bool:
        """Whether the person has set one yet."""
        _, stored = await self.book.password_of(account.login)
        return stored is not None

    async def reset(self, login: str) -> str:
        """For who cannot get in: the password is gone, sessions end, and here is the token of a new link."""
        account = await self.book.account(login_of(login))
        await self.book.set_password(account.account_id, None)
        return await self.link_for(account.login)

    async def _opened(self, account: Account) -> SignedIn:
        now = self._clock()
        await self.book.end_stale(now - self.limits.absolute, now - self.limits.idle)
        token = secrets.token_urlsafe(32)
        await self.book.open_session(hashed(token), account.account_id, now)
        return SignedIn(token, account, self.limits.absolute)


def hashed(token: str) -> str:
    """What is stored of a token. It is random, so one fast hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def csrf_of(token: str) -> str:
    """What a form or a script must send along to show that it was served to the holder of that cookie."""
    return hmac.digest(token.encode(), b"xiaoer csrf", "sha256").hex()


def is_csrf_of(token: str, sent: str) -> bool:
    """Whether that was sent along. Takes the same time for every wrong value."""
    return hmac.compare_digest(csrf_of(token).encode(), sent.encode())

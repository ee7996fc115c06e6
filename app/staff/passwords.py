"""Passwords as argon2id hashes. Checking one costs the same whether or not there is such an account."""

from __future__ import annotations

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

AT_ONCE = 2
"""Each check takes 19 MiB and a core for tens of milliseconds: a crowd at the door must not take the house down."""


class Passwords:
    """Makes and checks hashes (argon2id: 19 MiB, 2 passes, 1 lane, the least that OWASP recommends)."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._nobodys = ""

    async def hash(self, password: str) -> str:
        """The hash to store."""
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, stored: str | None, password: str) -> bool:
        """Whether the password is the one that was hashed. Without a stored hash the same work is done for nothing."""
        async with self._turns:
            return await asyncio.to_thread(self._fits, stored, password)

    def _fits(self, stored: str | None, password: str) -> bool:
        if not self._nobodys:
            self._nobodys = self._hasher.hash(secrets.token_urlsafe())
        try:
            return self._hasher.verify(stored or self._nobodys, password) and stored is not None
        except (Argon2Error, InvalidHashError):
            return False


def random_password() -> str:
    """One that nobody has to think up: 80 bits in four groups."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))

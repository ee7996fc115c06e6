"""The port that lets one instance at a time work on a conversation's turn.

A lease is a courtesy, not a lock that the truth hangs on: the log refuses what two instances write at once. It keeps
them from thinking about the same message twice. Who holds one renews it; it lapses when its holder is gone.
"""

from __future__ import annotations

from typing import Protocol

LEASE_SECONDS = 6.0
"""After a `kill -9` another instance may take over this much later"""


class Leases(Protocol):
    """Who works on what. `holder` names one instance."""

    async def take(self, name: str, holder: str, seconds: float = LEASE_SECONDS) -> bool:
        """Hold it for so long from now; True for who holds it already. False: somebody else does."""

    async def free(self, name: str, holder: str) -> None:
        """Give it back. Somebody else's is left alone."""


class NoLeases:
    """The only instance: everything is its own."""

    async def take(self, name: str, holder: str, seconds: float = LEASE_SECONDS) -> bool:
        """Always."""
        del name, holder, seconds
        return True

    async def free(self, name: str, holder: str) -> None:
        """Nothing to give back."""

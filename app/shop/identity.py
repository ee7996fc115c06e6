"""How a shop's storefront vouches for a shopper: a token it signs. Here is what the shop has agreed on, and the ports.

The token is a JWT: `sub` is the customer, `aud` names us, `exp` says until when. See docs/identity.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

LONGEST_SECONDS = 86_400
"""The longest a token may still be good when it is shown: what was copied out of a page is worth nothing tomorrow."""
MOST_USES = 20
"""Conversations that one token with a `jti` may begin, where the shop says nothing else."""


@dataclass(frozen=True, slots=True)
class IdentityRule:
    """What a shop's tokens have to be.

    secrets     what they are signed with (HS256), the newest first: after a change the one before is good for a while
    old_until   Unix seconds at which all but the first stop to be good
    jwks        the public keys themselves (RS256), as a JSON document; "" = none
    jwks_url    where to fetch them; "" = nowhere
    audience    what `aud` must name
    issuer      what `iss` must be; "" = anything
    most_uses   conversations that one token with a `jti` may begin; 1 = once, and then the `jti` must be there
    """

    shop: str
    secrets: tuple[str, ...] = ()
    old_until: int = 0
    jwks: str = ""
    jwks_url: str = ""
    audience: str = ""
    issuer: str = ""
    most_uses: int = MOST_USES

    @property
    def named(self) -> str:
        """The audience in force."""
        return self.audience or f"xiaoer:{self.shop}"

    def secrets_at(self, now: float) -> tuple[str, ...]:
        """Those that are good at that moment (Unix seconds)."""
        return self.secrets if now < self.old_until else self.secrets[:1]


class IdentityBook(Protocol):
    """Keeps what shops have agreed on, sealed, and how often a token was shown."""

    async def rule(self, shop: str) -> IdentityRule | None:
        """The shop's rule; None where nobody may vouch for anybody."""

    async def put(self, rule: IdentityRule) -> None:
        """Keep it, in place of the one before."""

    async def drop(self, shop: str) -> None:
        """From now on nobody is vouched for. Doing it twice is harmless."""

    async def use(self, token_hash: str, until: int, now: int) -> int:
        """Count one use of a token that is good until then (Unix seconds); how many that makes. Forgets the expired."""


class PublicKeys(Protocol):
    """Reads a shop's public keys from its own address."""

    async def read(self, url: str, kid: str = "") -> Sequence[Mapping[str, Any]]:
        """The keys there; asked again, though not often, when `kid` is none of them. Raises Unavailable."""

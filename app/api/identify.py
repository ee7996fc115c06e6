"""Who a shopper is, by a token that their shop has signed. Whatever is not wholly in order makes nobody known."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey, RSAKey
from joserfc.util import urlsafe_b64decode

from app.chat.turn import Identity
from app.errors import IdentityRefused
from app.shop.identity import LONGEST_SECONDS, IdentityBook, IdentityRule, PublicKeys

LONGEST_TOKEN = 8_192
LEEWAY_SECONDS = 60
"""How far the shop's clock may be off."""
LEAST_RSA_BITS = 2_048
_MOST_KEYS = 20
_HOW = "The conversation was not begun; ask the storefront for a fresh token, or begin without one."


class Identifier:
    """Reads identity tokens: HS256 with the shop's secret, or RS256 with its public keys, and nothing else.

    The algorithm is not the token's to choose: a kind of key goes with one algorithm, so a token "signed" with a public
    key as if it were a secret, or with `alg: none`, finds no key at all.
    """

    def __init__(self, book: IdentityBook, public_keys: PublicKeys, clock: Callable[[], float] = time.time) -> None:
        self._book = book
        self._public_keys = public_keys
        self._clock = clock

    async def identify(self, shop: str, token: str) -> Identity:
        """The customer the token names. Raises IdentityRefused, which says what is wrong with it, or Unavailable when
        the shop's public keys cannot be read."""
        rule = await self._book.rule(shop)
        if rule is None:
            raise IdentityRefused(
                "This shop takes no identity tokens. The conversation was not begun; set them up with "
                "`xiaoer identity secret`, or begin without one."
            )
        claims = await self._verified(rule, token)
        customer = self._customer(rule, claims)
        await self._count(rule, claims)
        return Identity(customer_id=customer)

    async def check(self, rule: IdentityRule, token: str) -> str:
        """The same without counting it as used, for who sets it up; the customer's id."""
        return self._customer(rule, await self._verified(rule, token))

    async def _verified(self, rule: IdentityRule, token: str) -> Mapping[str, Any]:
        header = _header(token)
        algorithm, kid = str(header.get("alg", "")), str(header.get("kid") or "")
        for key in await self._keys(rule, algorithm, kid):
            try:
                return jwt.decode(token, key, algorithms=[algorithm]).claims
            except (JoseError, ValueError, TypeError):
                continue
        raise _refused("its signature is not the shop's")

    async def _keys(self, rule: IdentityRule, algorithm: str, kid: str) -> list[OctKey | RSAKey]:
        if algorithm == "HS256" and rule.secrets:
            return [OctKey.import_key(secret.encode()) for secret in rule.secrets_at(self._clock())]
        if algorithm == "RS256" and rule.jwks:
            return _rsa_keys(keys_of(rule.jwks), kid)
        if algorithm == "RS256" and rule.jwks_url:
            return _rsa_keys(await self._public_keys.read(rule.jwks_url, kid), kid)
        taken = [name for name, on in (("HS256", rule.secrets), ("RS256", rule.jwks or rule.jwks_url)) if on]
        raise _refused(f"its `alg` is not {' or '.join(taken)}")

    def _customer(self, rule: IdentityRule, claims: Mapping[str, Any]) -> str:
        now = self._clock()
        expires = _moment(claims, "exp")
        if expires is None:
            raise _refused("it has no `exp`")
        if now >= expires + LEEWAY_SECONDS:
            raise _refused("it has expired")
        if expires - now > LONGEST_SECONDS + LEEWAY_SECONDS:
            raise _refused(f"it is good for longer than {LONGEST_SECONDS // 3600} hours")
        for name in ("nbf", "iat"):
            begins = _moment(claims, name)
            if begins is not None and begins > now + LEEWAY_SECONDS:
                raise _refused(f"its `{name}` lies in the future: compare the clocks")
        if rule.named not in _texts(claims.get("aud")):
            raise _refused(f"its `aud` is not {rule.named!r}")
        if rule.issuer and claims.get("iss") != rule.issuer:
            raise _refused(f"its `iss` is not {rule.issuer!r}")
        return _subject(claims.get("sub"))

    async def _count(self, rule: IdentityRule, claims: Mapping[str, Any]) -> None:
        """A token with a `jti` begins so many conversations and no more. One without is bounded by its `exp`."""
        jti = claims.get("jti")
        if not jti and rule.most_uses > 1:
            return
        if not isinstance(jti, str) or not 0 < len(jti) <= 200:
            raise _refused("its `jti` is missing or no text")
        named = hashlib.sha256(f"{rule.shop}\n{claims.get('iss', '')}\n{jti}".encode()).hexdigest()
        until = int(_moment(claims, "exp") or 0) + LEEWAY_SECONDS
        if await self._book.use(named, until, int(self._clock())) > rule.most_uses:
            raise _refused("it has been used as often as it may be")


def keys_of(document: str) -> list[Mapping[str, Any]]:
    """The keys of a JWKS document. Raises ValueError when it is none."""
    told = json.loads(document)
    keys = told.get("keys") if isinstance(told, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise ValueError("There is no list `keys` in it.")
    return keys[:_MOST_KEYS]


def _rsa_keys(keys: Sequence[Mapping[str, Any]], kid: str) -> list[OctKey | RSAKey]:
    """The RSA keys for signatures, long enough, and of that name where the token names one."""
    found: list[OctKey | RSAKey] = []
    for key in keys:
        fits = key.get("kty") == "RSA" and key.get("use") in (None, "sig") and key.get("alg") in (None, "RS256")
        if not fits or (kid and key.get("kid") not in (None, kid)):
            continue
        if _bits(str(key.get("n", ""))) >= LEAST_RSA_BITS:
            with contextlib.suppress(JoseError, ValueError, KeyError):
                found.append(RSAKey.import_key({name: str(key[name]) for name in ("kty", "n", "e")}))
    return found


def _bits(modulus: str) -> int:
    try:
        return int.from_bytes(urlsafe_b64decode(modulus.encode("ascii"))).bit_length()
    except ValueError:
        return 0


def rsa_count(document: str) -> int:
    """How many keys of a JWKS document tokens can be checked with. Raises ValueError when it is none."""
    return len(_rsa_keys(keys_of(document), ""))


def _header(token: str) -> Mapping[str, Any]:
    if len(token) > LONGEST_TOKEN or not token.isascii():
        raise _refused("it is no JWT")
    try:
        return jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, TypeError) as error:
        raise _refused("it is no JWT") from error


def _moment(claims: Mapping[str, Any], name: str) -> float | None:
    told = claims.get(name)
    if told is None:
        return None
    if isinstance(told, bool) or not isinstance(told, (int, float)) or not 0 < told < 1e11:
        raise _refused(f"its `{name}` is no moment in seconds")
    return float(told)


def _texts(told: object) -> list[str]:
    return (
        [told] if isinstance(told, str) else [t for t in told if isinstance(t, str)] if isinstance(told, list) else []
    )


def _subject(told: object) -> str:
    named = str(told) if isinstance(told, int) and not isinstance(told, bool) else told
    if not isinstance(named, str) or not named.strip() or len(named) > 200 or not named.isprintable():
        raise _refused("its `sub` is no customer's id")
    return named


def _refused(why: str) -> IdentityRefused:
    return IdentityRefused(f"The identity token is not good: {why}. {_HOW}")

"""A shopper is known by a token that the shop has signed, and by nothing that only looks like one."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from app.api.identify import Identifier, rsa_count
from app.errors import IdentityRefused, Unavailable
from app.shop.identity import IdentityRule
from tests.fakes import FakeIdentityBook, FakePublicKeys

NOW = 1_800_000_000
SECRET = "xs_" + "s" * 43
RSA = RSAKey.generate_key(2048, {"kid": "one"}, private=True)
ALL = ["HS256", "HS512", "RS256"]
JWKS = {"keys": [RSA.as_dict(private=False)]}
URL = "https://shop.example/jwks.json"
BY_SECRET = IdentityRule("tea", secrets=(SECRET,), issuer="https://shop.example")
BY_KEYS = IdentityRule("tea", jwks=json.dumps(JWKS), issuer="https://shop.example")


def claims(**more: Any) -> dict[str, Any]:
    told = {"sub": "c7", "aud": "xiaoer:tea", "iss": "https://shop.example", "iat": NOW, "exp": NOW + 600, **more}
    return {name: value for name, value in told.items() if value is not None}


def signed(key: Any = None, header: dict[str, Any] | None = None, **more: Any) -> str:
    return jwt.encode(header or {"alg": "HS256"}, claims(**more), key or OctKey.import_key(SECRET.encode()), ALL)


def unsigned(header: dict[str, Any], signature: bytes = b"", **more: Any) -> str:
    parts = (json.dumps(header).encode(), json.dumps(claims(**more)).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def an_identifier(rule: IdentityRule = BY_SECRET, now: float = NOW, keys: FakePublicKeys | None = None) -> Identifier:
    return Identifier(FakeIdentityBook(rule), keys or FakePublicKeys(), lambda: now)


async def test_a_token_signed_with_the_shops_secret_names_its_customer() -> None:
    assert (await an_identifier().identify("tea", signed())).customer_id == "c7"


async def test_a_token_signed_with_the_shops_private_key_names_its_customer() -> None:
    token = signed(RSA, {"alg": "RS256", "kid": "one"})
    assert (await an_identifier(BY_KEYS).identify("tea", token)).customer_id == "c7"
    fetched = IdentityRule("tea", jwks_url=URL)
    keys = FakePublicKeys({URL: JWKS["keys"]})
    assert (await an_identifier(fetched, keys=keys).identify("tea", token)).customer_id == "c7"
    assert (await an_identifier(fetched, keys=keys).identify("tea", signed(RSA, {"alg": "RS256"}))).customer_id == "c7"
    keys.down = True
    with pytest.raises(Unavailable):
        await an_identifier(fetched, keys=keys).identify("tea", token)


@pytest.mark.parametrize(
    ("rule", "token"),
    [
        (BY_SECRET, unsigned({"alg": "none"})),
        (BY_SECRET, unsigned({"alg": "None"})),
        (BY_SECRET, unsigned({"alg": "HS256"})),
        (BY_SECRET, unsigned({"alg": ["HS256"]})),
        (BY_SECRET, unsigned({})),
        (BY_SECRET, signed(OctKey.import_key(b"another secret of that length..."))),
        (BY_SECRET, signed(header={"alg": "HS512"})),
        (BY_SECRET, signed(RSA, {"alg": "RS256"})),
        (BY_KEYS, signed()),
        (BY_KEYS, unsigned({"alg": "none"})),
        (BY_KEYS, signed(RSAKey.generate_key(2048), {"alg": "RS256", "kid": "one"})),
        (BY_KEYS, signed(RSA, {"alg": "RS256", "kid": "two"})),
        (BY_SECRET, signed()[:-4] + "AAAA"),
        (BY_SECRET, signed() + "." + signed()),
        (BY_SECRET, "no token at all"),
        (BY_SECRET, ""),
        (BY_SECRET, "é.é.é"),
        (BY_SECRET, "a" * 100_000),
    ],
)
async def test_what_the_shop_has_not_signed_makes_nobody_known(rule: IdentityRule, token: str) -> None:
    with pytest.raises(IdentityRefused):
        await an_identifier(rule).identify("tea", token)


async def test_a_public_key_is_never_taken_for_a_secret() -> None:
    """The classic confusion: HS256 with the text of the public key, which everybody has."""
    for secret in (RSA.as_pem(private=False), json.dumps(JWKS).encode(), json.dumps(JWKS["keys"][0]).encode()):
        token = unsigned({"alg": "HS256"})
        head = token.rpartition(".")[0]
        made = f"{head}.{_b64(hmac.digest(secret, head.encode(), 'sha256'))}"
        with pytest.raises(IdentityRefused, match="`alg` is not RS256"):
            await an_identifier(BY_KEYS).identify("tea", made)


async def test_a_key_that_the_token_brings_along_is_not_looked_at() -> None:
    own = RSAKey.generate_key(2048)
    for brought in ({"jwk": own.as_dict(private=False)}, {"jku": "https://evil.example/jwks"}, {"kid": "../../etc"}):
        with pytest.raises(IdentityRefused):
            await an_identifier(BY_KEYS).identify("tea", signed(own, {"alg": "RS256", **brought}))


async def test_short_keys_and_keys_for_other_uses_are_no_keys() -> None:
    short = {**RSA.as_dict(private=False), "n": _b64(b"\xff" * 128)}
    enc = {**RSA.as_dict(private=False), "use": "enc"}
    octet = {"kty": "oct", "k": _b64(SECRET.encode())}
    assert rsa_count(json.dumps({"keys": [short, enc, octet, {"kty": "RSA", "n": "!", "e": "?"}]})) == 0
    assert rsa_count(json.dumps(JWKS)) == 1


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"exp": NOW - 61}, "expired"),
        ({"exp": None}, "no `exp`"),
        ({"exp": NOW + 90_000}, "longer than 24 hours"),
        ({"exp": "soon"}, "no moment"),
        ({"exp": True}, "no moment"),
        ({"nbf": NOW + 120}, "`nbf` lies in the future"),
        ({"iat": NOW + 120}, "`iat` lies in the future"),
        ({"aud": "xiaoer:coffee"}, "`aud`"),
        ({"aud": None}, "`aud`"),
        ({"aud": {"xiaoer:tea": 1}}, "`aud`"),
        ({"iss": "https://other.example"}, "`iss`"),
        ({"iss": None}, "`iss`"),
        ({"sub": None}, "`sub`"),
        ({"sub": "  "}, "`sub`"),
        ({"sub": "c7\n"}, "`sub`"),
        ({"sub": "c" * 201}, "`sub`"),
        ({"sub": ["c7"]}, "`sub`"),
        ({"jti": 7}, "`jti`"),
    ],
)
async def test_a_signed_token_that_is_not_in_order_is_refused_and_says_why(more: dict[str, Any], why: str) -> None:
    with pytest.raises(IdentityRefused, match=why):
        await an_identifier().identify("tea", signed(**more))


async def test_clocks_may_be_a_minute_apart_and_audiences_may_be_several() -> None:
    identifier = an_identifier()
    for more in ({"exp": NOW - 30}, {"nbf": NOW + 30}, {"aud": ["other", "xiaoer:tea"]}, {"sub": 1007}):
        assert (await identifier.identify("tea", signed(**more))).customer_id in ("c7", "1007")


async def test_a_shop_that_agreed_on_nothing_takes_no_token() -> None:
    with pytest.raises(IdentityRefused, match="takes no identity tokens"):
        await an_identifier().identify("coffee", signed(aud="xiaoer:coffee"))


async def test_a_token_with_a_jti_begins_so_many_conversations_and_no_more() -> None:
    rule = IdentityRule("tea", secrets=(SECRET,), most_uses=3)
    identifier = an_identifier(rule)
    for _ in range(3):
        await identifier.identify("tea", signed(jti="a"))
    with pytest.raises(IdentityRefused, match="as often as it may"):
        await identifier.identify("tea", signed(jti="a"))
    await identifier.identify("tea", signed(jti="b"))


async def test_where_once_is_asked_for_the_jti_must_be_there() -> None:
    identifier = an_identifier(IdentityRule("tea", secrets=(SECRET,), most_uses=1))
    with pytest.raises(IdentityRefused, match="`jti` is missing"):
        await identifier.identify("tea", signed())
    await identifier.identify("tea", signed(jti="a"))
    with pytest.raises(IdentityRefused):
        await identifier.identify("tea", signed(jti="a"))


async def test_after_a_change_the_old_secret_is_good_for_a_while_only() -> None:
    rule = IdentityRule("tea", secrets=("xs_" + "n" * 43, SECRET), old_until=NOW + 60)
    assert (await an_identifier(rule).identify("tea", signed())).customer_id == "c7"
    with pytest.raises(IdentityRefused, match="signature"):
        await an_identifier(rule, NOW + 61).identify("tea", signed())


def _b64(secret: bytes) -> str:
    return base64.urlsafe_b64encode(secret).rstrip(b"=").decode()

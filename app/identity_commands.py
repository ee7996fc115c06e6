"""`xiaoer identity`: how a shop's storefront vouches for its shoppers. A running server sees a change at once."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

import typer

from app.errors import BadInput
from app.shop.identity import LONGEST_SECONDS, MOST_USES, IdentityBook, IdentityRule
from app.terminal import AsJson, Shop, err, out, read_settings, run, show

T = TypeVar("T")

identity_app = typer.Typer(
    help="""Identity tokens: a JWT that the storefront signs makes a shopper known, and their orders with them.

    Begin with `xiaoer identity secret --shop S` (HS256) or `xiaoer identity keys URL --shop S` (RS256), sign a token on
    the storefront's server with `sub` = the customer's id, `aud` = `xiaoer:S` and `exp` at most a day away, and hand it
    to the chat window as its attribute `identity`, or to `POST /v1/conversations` as `identity`.""",
    no_args_is_help=True,
)
KEPT_SECONDS = 86_400
"""How long an old secret is good after a new one was made."""
Audience = Annotated[str, typer.Option(help="What `aud` must name; default xiaoer:SHOP.")]
Issuer = Annotated[str, typer.Option(help="What `iss` must be; default anything.")]
Uses = Annotated[
    int, typer.Option(min=1, help="Conversations one token with a `jti` may begin; 1 = the `jti` must be there.")
]


@identity_app.command("secret")
def secret(
    shop: Shop,
    audience: Audience = "",
    issuer: Issuer = "",
    uses: Uses = MOST_USES,
    drop_old: Annotated[
        bool, typer.Option("--drop-old", help="The old secret stops at once; without it, in a day.")
    ] = False,
) -> None:
    """Make a new signing secret and print it, this once. Tokens signed with the old one stay good for a day."""
    made = "xs_" + secrets.token_urlsafe(32)

    async def work(book: IdentityBook) -> IdentityRule:
        old = await _rule(book, shop)
        until = 0 if drop_old else int(time.time()) + KEPT_SECONDS
        rule = replace(
            _with(old, audience, issuer, uses), secrets=(made, *old.secrets[:1]), old_until=until if old.secrets else 0
        )
        await book.put(rule)
        return rule

    rule = _with_book(shop, work)
    print(made)
    err.print(
        f"The storefront of {shop} signs HS256 tokens with this secret, for the audience {rule.named}. It is kept "
        "sealed here and not shown again; put it where the storefront's server reads its secrets, never into a page.",
        highlight=False,
    )


@identity_app.command("keys")
def keys(
    source: Annotated[str, typer.Argument(help="https://… of a JWKS document, or a file that holds one.")],
    shop: Shop,
    audience: Audience = "",
    issuer: Issuer = "",
    uses: Uses = MOST_USES,
) -> None:
    """Take RS256 tokens, checked with the shop's public keys. An address is read again when its keys change."""
    url, document = _keys_at(source)

    async def work(book: IdentityBook) -> int:
        found = document
        if url:
            from app.adapters.jwks import HttpPublicKeys  # noqa: PLC0415  loads aiohttp

            found = json.dumps({"keys": [dict(key) for key in await HttpPublicKeys().read(url)]})
        from app.api.identify import rsa_count  # noqa: PLC0415  loads the web framework

        try:
            many = rsa_count(found)
        except ValueError as problem:
            raise BadInput(f"{source} holds no JWKS document: {problem} Nothing was changed.") from problem
        if not many:
            raise BadInput(f"{source} holds no RSA key of 2048 bits or more for signatures. Nothing was changed.")
        await book.put(replace(_with(await _rule(book, shop), audience, issuer, uses), jwks=document, jwks_url=url))
        return many

    many = _with_book(shop, work)
    out.print(f"Tokens of {shop} are checked with {many} public key{'s' if many > 1 else ''}.", highlight=False)


@identity_app.command("show")
def show_rule(shop: Shop, as_json: AsJson = False) -> None:
    """What the shop's tokens have to be. No secret is shown."""
    rule = _with_book(shop, lambda book: book.rule(shop))
    if rule is None:
        out.print(f"{shop} takes no identity tokens: shoppers are anonymous. `xiaoer identity secret` changes that.")
        return
    old = rule.secrets[1:] and rule.old_until > time.time()
    row = {
        "shop": shop,
        "algorithms": ", ".join(n for n, on in (("HS256", rule.secrets), ("RS256", rule.jwks or rule.jwks_url)) if on),
        "audience": rule.named,
        "issuer": rule.issuer or "anything",
        "uses of a jti": rule.most_uses,
        "public keys": rule.jwks_url or ("a file" if rule.jwks else ""),
        "old secret until": datetime.fromtimestamp(rule.old_until, UTC).isoformat() if old else "",
    }
    show([row], as_json, "Identity tokens")


@identity_app.command("off")
def off(shop: Shop, yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False) -> None:
    """Take no tokens any more: new conversations are anonymous. Secrets and keys are forgotten."""
    if not yes:
        typer.confirm(f"Shoppers of {shop} will be asked for order number and phone ending again. Go on?", abort=True)
    _with_book(shop, lambda book: book.drop(shop))
    out.print(f"{shop} takes no identity tokens any more.", highlight=False)


@identity_app.command("sign")
def sign(
    customer: Annotated[str, typer.Argument(help="The customer's id, as the order book has it.")],
    shop: Shop,
    minutes: Annotated[int, typer.Option(min=1, max=LONGEST_SECONDS // 60, help="How long it is good.")] = 15,
) -> None:
    """Sign a token with the shop's secret, to try it out. In a shop the storefront's server does this."""

    async def work(book: IdentityBook) -> str:
        rule = await _rule(book, shop)
        if not rule.secrets:
            raise BadInput(f"{shop} has no secret to sign with. Make one with `xiaoer identity secret --shop {shop}`.")
        from joserfc import jwt  # noqa: PLC0415
        from joserfc.jwk import OctKey  # noqa: PLC0415

        now = int(time.time())
        claims: dict[str, str | int] = {"sub": customer, "aud": rule.named, "iat": now, "exp": now + 60 * minutes}
        claims["jti"] = secrets.token_urlsafe(12)
        if rule.issuer:
            claims["iss"] = rule.issuer
        return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(rule.secrets[0].encode()))

    print(_with_book(shop, work))


@identity_app.command("check")
def check(token: Annotated[str, typer.Argument(help="The token, as the storefront made it.")], shop: Shop) -> None:
    """Say whether a token is good, and for whom; else what is wrong with it. It does not count as used."""

    async def work(book: IdentityBook) -> str:
        from app.adapters.jwks import HttpPublicKeys  # noqa: PLC0415  loads aiohttp
        from app.api.identify import Identifier  # noqa: PLC0415  loads the web framework

        return await Identifier(book, HttpPublicKeys()).check(await _rule(book, shop), token.strip())

    out.print(f"The token is good. Its customer is {_with_book(shop, work)!r}.", highlight=False)


async def _rule(book: IdentityBook, shop: str) -> IdentityRule:
    return await book.rule(shop) or IdentityRule(shop)


def _with(rule: IdentityRule, audience: str, issuer: str, uses: int) -> IdentityRule:
    return replace(rule, audience=audience or rule.audience, issuer=issuer or rule.issuer, most_uses=uses)


def _keys_at(source: str) -> tuple[str, str]:
    """The address, or what the file holds. Plain http only on this machine: anybody on the way could swap the keys."""
    parts = urlsplit(source)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")):
        return source, ""
    if parts.scheme in ("http", "ftp"):
        raise typer.BadParameter("Public keys are fetched over https only.")
    try:
        return "", Path(source).read_text(encoding="utf-8")
    except (OSError, ValueError) as problem:
        raise typer.BadParameter(f"{source} cannot be read: give an https address or a JWKS file.") from problem


def _with_book(shop: str, work: Callable[[IdentityBook], Awaitable[T]]) -> T:
    from app.adapters.db.identity import SqlIdentityBook  # noqa: PLC0415  loads SQLAlchemy
    from app.bootstrap import master_key, open_database  # noqa: PLC0415
    from app.shop_files import ShopFiles  # noqa: PLC0415

    async def go() -> T:
        settings = read_settings()
        ShopFiles(settings.home)(shop)
        with open_database(settings) as database:
            return await work(SqlIdentityBook(database, master_key(settings)))

    return run(go())

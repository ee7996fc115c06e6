"""Who of the staff makes a request, and whether they may. Every staff route calls `require_staff` first."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from app.api.auth import has_key
from app.api.container import Container
from app.api.shopper import address_of, shop_named
from app.errors import Forbidden, NotAllowed
from app.staff.account import Account, Caller, Role
from app.staff.door import Door, SignedIn, is_csrf_of

CSRF_HEADER = "x-csrf-token"
_SAFE = ("GET", "HEAD", "OPTIONS")


def cookie_name(request: Request) -> str:
    """Over https the prefix makes browsers refuse a cookie that another host of the domain tries to set."""
    prefix = "__Host-" if request.url.scheme == "https" else ""
    # Cookies do not know ports: two servers on one machine must not sign each other's people out.
    return f"{prefix}xiaoer-staff-{request.url.port}" if request.url.port else f"{prefix}xiaoer-staff"


def session_token(request: Request) -> str:
    """The token of the session cookie, or ""."""
    return request.cookies.get(cookie_name(request), "")


async def require_staff(request: Request, *roles: Role, shop: str = "") -> Caller:
    """Who calls: a signed-in account with one of the roles (none named: any; an admin always), or a program with the
    API key. `shop` is the shop it is about, where it is about one.

    A signed-in browser must show the CSRF token of its session in the header `x-csrf-token` with everything but GET.
    Raises NotAllowed (401) to strangers and Forbidden (403) to staff who may not do this.
    """
    container: Container = request.app.state.container
    if has_key(request, container.run_key):
        return Caller("api-key")
    if has_key(request, container.api_key):
        await container.limits.take(("account", "api-key"))
        return Caller("api-key")
    account = await signed_in(request, container.door)
    if account is None:
        await container.limits.take(("address", address_of(request)))
        raise NotAllowed("You are not signed in, or were away for too long. Nothing was changed; sign in at /console.")
    if request.method not in _SAFE:
        require_own_page(request, request.headers.get(CSRF_HEADER, ""))
    await container.limits.take(("account", account.account_id))
    return allowed(account, *roles, shop=shop)


def allowed(account: Account, *roles: Role, shop: str = "") -> Caller:
    """The account as a caller. Raises Forbidden when its role or its shop does not reach that far."""
    if not account.may(roles):
        named = " or ".join(role.value for role in roles)
        raise Forbidden(f"This takes the role {named}; you have the role {account.role.value}. Nothing was changed.")
    if shop and not account.works_for(shop):
        raise Forbidden(f"Your account works for another shop than {shop!r}. Nothing was changed.")
    return Caller(account.name, account)


async def staff_of_shop(request: Request, shop: str, *roles: Role) -> tuple[Caller, str]:
    """The caller, as `require_staff` has it, and the shop that is meant: the one named, the one the account works
    for, or the default. Raises NotFound or NoKnowledge too."""
    caller = await require_staff(request, *roles)
    container: Container = request.app.state.container
    own = caller.account.shop if caller.account else ""
    named = await shop_named(container, shop or own)
    if caller.account:
        allowed(caller.account, shop=named)
    return caller, named


async def signed_in(request: Request, door: Door | None) -> Account | None:
    """The account whose session cookie came along, while its session lasts."""
    session = await door.session_of(session_token(request)) if door else None
    return session.account if session else None


def require_own_page(request: Request, csrf: str) -> None:
    """Raises Forbidden unless a page of ours, served to this very session, sent the request."""
    require_same_origin(request)
    if not is_csrf_of(session_token(request), csrf):
        raise Forbidden("The page is from an earlier session. Nothing was changed; load it again and repeat.")


def require_same_origin(request: Request) -> None:
    """Raises Forbidden when a browser says that a page of somebody else sent the request."""
    origin = request.headers.get("origin", "")
    if origin and urlsplit(origin).netloc != request.headers.get("host", ""):
        raise Forbidden("A page of another site sent this. Nothing was changed; use the console itself.")


def set_session_cookie(request: Request, response: Response, signed: SignedIn) -> None:
    """Give the browser its session: out of reach of scripts and of other sites."""
    response.set_cookie(
        cookie_name(request),
        signed.token,
        max_age=int(signed.lasts.total_seconds()),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def drop_session_cookie(request: Request, response: Response) -> None:
    """Let the browser forget it."""
    response.delete_cookie(
        cookie_name(request), path="/", secure=request.url.scheme == "https", httponly=True, samesite="strict"
    )

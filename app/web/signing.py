"""Signing in and out, the one-time link, one's own password and language."""

from __future__ import annotations

import secrets
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from app.api.container import Container
from app.api.shopper import address_of
from app.api.staff import (
    drop_session_cookie,
    require_own_page,
    require_same_origin,
    session_token,
    set_session_cookie,
    signed_in,
)
from app.errors import BadInput, Forbidden, NotAllowed, TooManyRequests, Unavailable
from app.staff.account import Role
from app.staff.door import Door, SignedIn, csrf_of, is_csrf_of
from app.web.shell import HEADERS, LANGUAGE_COOKIE, SIGN_IN, View, language_of, page, rendered, view_of

router = APIRouter(include_in_schema=False)

FORM_COOKIE = "xiaoer-form"
LONGEST_FORM_BYTES = 10_000
YEAR_SECONDS = 31_536_000


@router.get(SIGN_IN)
async def sign_in_page(request: Request) -> Response:
    """Name and password; straight on for who is signed in already."""
    account = await signed_in(request, _door(request))
    if account is not None:
        return _onward(_local(request.query_params.get("next", "")) or home_of(account.role))
    nobody = not await _door(request).book.accounts()
    return _sign_in_form(request, next=_local(request.query_params.get("next", "")), nobody=nobody)


@router.post(SIGN_IN)
async def sign_in(request: Request) -> Response:
    """A session for the right password; the form again, saying so, for a wrong one."""
    form = await form_of(request)
    _require_our_form(request, form)
    onward = _local(form.get("next", ""))
    try:
        signed = await _door(request).sign_in(form.get("login", ""), form.get("password", ""), address_of(request))
    except NotAllowed:
        return _sign_in_form(request, 401, next=onward, login=form.get("login", ""), wrong=True)
    except TooManyRequests as early:
        return _sign_in_form(request, 429, next=onward, login=form.get("login", ""), wait=early.retry_after_seconds)
    return await _come_in(request, signed, onward)


@router.get("/console/welcome")
async def welcome_page(request: Request) -> Response:
    """Where a one-time link leads. Its token stands behind the #; it is used by a tap, not by a mail scanner."""
    return _with_form_cookie(request, "staff/welcome.html", {"used": False})


@router.post("/console/welcome")
async def welcome(request: Request) -> Response:
    """Use the link."""
    form = await form_of(request)
    _require_our_form(request, form)
    try:
        signed = await _door(request).sign_in_by_link(form.get("token", ""), address_of(request))
    except (NotAllowed, TooManyRequests) as refused:
        return _with_form_cookie(request, "staff/welcome.html", {"used": True}, refused.status)
    known = await _door(request).has_password(signed.account)
    return await _come_in(request, signed, "" if known else "/console/account")


@router.post("/console/sign-out")
async def sign_out(request: Request) -> Response:
    """End the session."""
    form = await form_of(request)
    require_own_page(request, form.get("csrf", ""))
    await _door(request).sign_out(session_token(request))
    response = _onward(SIGN_IN)
    response.headers["Clear-Site-Data"] = '"cache"'
    drop_session_cookie(request, response)
    return response


@router.post("/console/language")
async def language(request: Request) -> Response:
    """Remember the language somebody reads in."""
    form = await form_of(request)
    require_same_origin(request)
    response = _onward(_local(form.get("next", "")) or SIGN_IN)
    if form.get("language") in ("zh", "en"):
        response.set_cookie(
            LANGUAGE_COOKIE, form["language"], max_age=YEAR_SECONDS, httponly=True, samesite="lax", path="/"
        )
    return response


@router.get("/console/account")
async def account_page(request: Request) -> Response:
    """One's own password."""
    view = await view_of(request)
    return view if isinstance(view, Response) else await _account_form(request, view, "")


@router.post("/console/account")
async def change_password(request: Request) -> Response:
    """A new password, for who knows the old one. Other browsers are signed out."""
    view = await view_of(request)
    if isinstance(view, Response):
        return view
    form = await form_of(request)
    require_own_page(request, form.get("csrf", ""))
    try:
        signed = await _door(request).change_password(
            view.account, form.get("old", ""), form.get("new", ""), address_of(request)
        )
    except (NotAllowed, BadInput, TooManyRequests) as refused:
        return await _account_form(request, view, refused.slug)
    response = _onward("/console/account?done=1")
    set_session_cookie(request, response, signed)
    return response


async def _account_form(request: Request, view: View, said: str) -> Response:
    old = await _door(request).has_password(view.account)
    return page("staff/account.html", view, "account", said=said, old=old, done="done" in request.query_params)


def home_of(role: Role) -> str:
    """Where somebody's work is."""
    return "/desk" if role in (Role.AGENT, Role.SUPERVISOR) else "/console"


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a posted form. Raises BadInput for one that is too long."""
    body = await request.body()
    if len(body) > LONGEST_FORM_BYTES:
        raise BadInput("The form is too long. Nothing was changed; send less.")
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=50)
    return {name: values[-1] for name, values in fields.items()}


async def _come_in(request: Request, signed: SignedIn, onward: str) -> Response:
    if old := session_token(request):
        await _door(request).sign_out(old)
    response = _onward(onward or home_of(signed.account.role))
    set_session_cookie(request, response, signed)
    response.delete_cookie(FORM_COOKIE, path="/console")
    return response


def _sign_in_form(
    request: Request,
    status: int = 200,
    *,
    next: str,
    login: str = "",
    wrong: bool = False,
    wait: int = 0,
    nobody: bool = False,
) -> Response:
    context = {"next": next, "login": login, "wrong": wrong, "wait": wait, "nobody": nobody}
    return _with_form_cookie(request, "staff/sign_in.html", context, status)


def _with_form_cookie(request: Request, template: str, context: dict[str, object], status: int = 200) -> Response:
    """A form for strangers: its hidden token fits a cookie of its own, as no other site can make it fit."""
    nonce = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(24)
    language = language_of(request)
    context |= {"csrf": csrf_of(nonce), "language": language, "t": lambda zh, en: zh if language == "zh" else en}
    response = rendered(template, context | {"here": request.url.path}, "console", status)
    response.set_cookie(
        FORM_COOKIE, nonce, path="/console", httponly=True, samesite="strict", secure=request.url.scheme == "https"
    )
    return response


def _require_our_form(request: Request, form: dict[str, str]) -> None:
    require_same_origin(request)
    nonce = request.cookies.get(FORM_COOKIE, "")
    if not nonce or not is_csrf_of(nonce, form.get("csrf", "")):
        raise Forbidden(f"The form is too old, or cookies are off. Nothing was changed; open {SIGN_IN} again.")


def _door(request: Request) -> Door:
    container: Container = request.app.state.container
    if container.door is None:
        raise Unavailable("This server has no staff accounts.")
    return container.door


def _onward(path: str) -> Response:
    return RedirectResponse(path, 303, HEADERS)


def _local(path: str) -> str:
    """The path when it stays on this server, else ""."""
    parts = urlsplit(path)
    safe = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if safe and not parts.scheme and not parts.netloc else ""

"""Routes by which an admin manages accounts. An admin of one shop reaches the accounts of that shop only."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api.shopper import container_of
from app.api.staff import require_staff
from app.api.wire import Body, Short, json_response, read, schema
from app.errors import Conflict, Forbidden, Unavailable
from app.staff.account import Account, Caller, Role
from app.staff.door import Door

router = APIRouter(prefix="/v1/staff", tags=["staff"])


class AccountBody(Body):
    """POST /v1/staff"""

    login: Short
    name: Short = ""
    role: Role
    shop: Short = ""


@router.get("")
async def accounts(request: Request) -> Response:
    """Accounts, oldest first."""
    caller, door = await _admin(request)
    found = await door.book.accounts()
    return json_response({"accounts": [_told(account) for account in found if _reaches(caller, account)]})


@router.post("", status_code=201, openapi_extra=schema(AccountBody))
async def add(request: Request) -> Response:
    """A new account without a password, and the one-time link by which the person comes in and sets one."""
    caller, door = await _admin(request)
    body = await read(request, AccountBody)
    shop = caller.account.shop if caller.account and caller.account.shop else body.shop
    account = await door.add(body.login, body.name, body.role, shop, None)
    return json_response({**_told(account), "link": _address(await door.link_for(account.login))}, 201)


@router.post("/{login}/link")
async def link(request: Request, login: str) -> Response:
    """A new one-time link for somebody who cannot get in; their old password and sessions end."""
    caller, door = await _admin(request)
    account = await _account(caller, door, login)
    if account.disabled:
        raise Conflict("The account is disabled. Nothing was changed; let the person in again first.")
    return json_response({**_told(account), "link": _address(await door.reset(account.login))})


@router.post("/{login}/disable")
async def disable(request: Request, login: str) -> Response:
    """Sign somebody out everywhere and let them in no more."""
    return await _set_disabled(request, login, True)


@router.post("/{login}/enable")
async def enable(request: Request, login: str) -> Response:
    """Let somebody in again."""
    return await _set_disabled(request, login, False)


async def _set_disabled(request: Request, login: str, disabled: bool) -> Response:
    caller, door = await _admin(request)
    account = await _account(caller, door, login)
    if disabled and caller.account and caller.account.account_id == account.account_id:
        raise Conflict("This is your own account. Nothing was changed; another admin has to do it.")
    await door.book.set_disabled(account.account_id, disabled)
    return json_response(_told(await door.book.account(account.login)))


async def _admin(request: Request) -> tuple[Caller, Door]:
    caller = await require_staff(request, Role.ADMIN)
    if (door := container_of(request).door) is None:
        raise Unavailable("This server has no staff accounts.")
    return caller, door


async def _account(caller: Caller, door: Door, login: str) -> Account:
    account = await door.book.account(login)
    if not _reaches(caller, account):
        raise Forbidden("The account belongs to another shop. Nothing was changed.")
    return account


def _reaches(caller: Caller, account: Account) -> bool:
    return caller.account is None or caller.account.shop in ("", account.shop)


def _address(token: str) -> str:
    return f"/console/welcome#{token}"


def _told(account: Account) -> dict[str, Any]:
    return {
        "login": account.login,
        "name": account.name,
        "role": account.role.value,
        "shop": account.shop,
        "disabled": account.disabled,
        "created_at": account.created_at.isoformat(),
    }

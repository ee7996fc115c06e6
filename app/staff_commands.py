"""`xiaoer staff`: accounts of those who work here. They work beside a running server, which sees them at once."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from app.errors import XiaoerError
from app.running import address, find_server
from app.staff.account import EVERY_SHOP, Role, login_of
from app.terminal import read_settings

if TYPE_CHECKING:
    from app.staff.door import Door

T = TypeVar("T")

staff_app = typer.Typer(
    help="Accounts of editors, agents, supervisors and admins, for /console and /desk.", no_args_is_help=True
)
out = Console()
err = Console(stderr=True)

Login = Annotated[str, typer.Argument(help="What the person signs in with.")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]


@staff_app.command("add")
def add(
    login: Login,
    role: Annotated[Role, typer.Option(help="What the person is here for; an admin may do everything.")],
    shop: Annotated[str, typer.Option("--shop", "-s", help="The shop they work for; default every shop.")] = EVERY_SHOP,
    name: Annotated[str, typer.Option(help="How colleagues and shoppers see them; default the login.")] = "",
    link: Annotated[bool, typer.Option("--link", help="Print a one-time sign-in link; ask for no password.")] = False,
    password_stdin: FromStdin = False,
) -> None:
    """Add an account. The password is asked for twice and kept only as an argon2 hash."""
    password = None if link else _password(password_stdin)

    async def work(door: Door) -> str:
        account = await door.add(login, name, role, shop, password)
        return await door.link_for(account.login) if link else ""

    token = _with_door(work)
    out.print(f"{login_of(login)} may sign in as {role.value}{f' of {shop}' if shop else ''}.", highlight=False)
    if token:
        _print_link(token)


@staff_app.command("list")
def list_accounts(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Show every account."""

    async def work(door: Door) -> list[dict[str, str]]:
        return [
            {
                "login": a.login,
                "name": a.name,
                "role": a.role.value,
                "shop": a.shop or "every shop",
                "state": "disabled" if a.disabled else "active",
                "created_at": a.created_at.isoformat(timespec="seconds"),
            }
            for a in await door.book.accounts()
        ]

    rows = _with_door(work)
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table(title="Staff", title_justify="left")
    for column in rows[0] if rows else ["nobody yet: xiaoer staff add LOGIN --role admin"]:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row.values())
    out.print(table)


@staff_app.command("disable")
def disable(
    login: Login, back: Annotated[bool, typer.Option("--undo", help="Let the person in again.")] = False
) -> None:
    """End the person's sessions and let them in no more."""

    async def work(door: Door) -> None:
        account = await door.book.account(login_of(login))
        await door.book.set_disabled(account.account_id, not back)

    _with_door(work)
    out.print(f"{login} {'may sign in again' if back else 'is signed out and may not sign in'}.", highlight=False)


@staff_app.command("password")
def password(login: Login, password_stdin: FromStdin = False) -> None:
    """Set a new password, and end every session that was opened with the old one."""
    new = _password(password_stdin)
    _with_door(lambda door: door.set_password(login, new))
    out.print(f"{login} has a new password; earlier sessions have ended.", highlight=False)


@staff_app.command("link")
def link(login: Login) -> None:
    """Print a link that signs the person in, once and within the hour."""
    _print_link(_with_door(lambda door: door.link_for(login)))


def sign_in_link(base: str, token: str) -> str:
    """The page that a one-time token opens. The token stands behind the #, so no server log or Referer holds it."""
    return f"{base}/console/welcome#{token}"


def _print_link(token: str) -> None:
    settings = read_settings()
    server = find_server(settings.home)
    base = server.url if server else address(settings.host, settings.port)
    out.print(f"Good once, for an hour: {sign_in_link(base, token)}", highlight=False, soft_wrap=True)


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


def _with_door(work: Callable[[Door], Awaitable[T]]) -> T:
    from app.adapters.db.staff import SqlStaffBook  # noqa: PLC0415  loads SQLAlchemy
    from app.bootstrap import open_database  # noqa: PLC0415
    from app.staff.door import Door  # noqa: PLC0415

    async def run() -> T:
        with open_database(read_settings()) as database:
            return await work(Door(SqlStaffBook(database)))

    try:
        return asyncio.run(run())
    except XiaoerError as problem:
        err.print(f"[red]{problem.title}.[/red] {problem}", highlight=False)
        raise typer.Exit(1) from None

"""`xiaoer channels`: where else shoppers write from, and the post that goes there. Works beside a running server."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from app.errors import BadInput
from app.running import address, find_server
from app.terminal import AsJson, Shop, out, read_settings, run, show

if TYPE_CHECKING:
    from app.channel_parts import Mailroom
    from app.channels.channel import ChannelConfig

T = TypeVar("T")

channels_app = typer.Typer(
    help="""Shoppers who write from elsewhere: a Chatwoot inbox, or a program of your own.

A channel is set up once and works from the next message on, also while the server runs:

    xiaoer channels add-chatwoot front --shop tangli --url https://app.chatwoot.com --account 3

    xiaoer channels add-webhook app --shop tangli --url https://shop.example.com/xiaoer

`show` prints the address the other side has to call, `test` reaches the other side. Replies wait in an outbox until
they have arrived; what is given up after an hour and a half becomes a dead letter: `letters --state dead` lists them,
`replay` sends them again. docs/channels.md explains all of it.""",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

Name = Annotated[str, typer.Argument(help="The channel's name: a-z, 0-9 and -.")]
SecretsFromStdin = Annotated[
    bool, typer.Option("--secrets-stdin", help="Read the secrets from standard input, a line each, and ask nothing.")
]
Elsewhere = Annotated[
    bool,
    typer.Option(
        "--staff-there/--staff-here",
        help="Who answers after a hand-over: people over there, or the desk of this server.",
    ),
]
Sources = Annotated[bool, typer.Option("--sources/--no-sources", help="Name the sources below each reply.")]
Ids = Annotated[list[str] | None, typer.Argument(help="Letters; none = all dead ones of --channel.")]
OfChannel = Annotated[str, typer.Option("--channel", "-c", help="Only of this channel.")]


@channels_app.command("add-chatwoot")
def add_chatwoot(
    name: Name,
    shop: Shop,
    url: Annotated[str, typer.Option(help="Where Chatwoot is, such as https://app.chatwoot.com.")],
    account: Annotated[int, typer.Option(help="Number of the account: it stands in Chatwoot's addresses.")],
    inbox: Annotated[
        list[int] | None, typer.Option(help="Only these inboxes; repeat it. Default: all with the bot.")
    ] = None,
    sources: Sources = True,
    secrets_stdin: SecretsFromStdin = False,
) -> None:
    """Answer in Chatwoot, as its agent bot, for as long as a conversation is `pending`.

    In Chatwoot: Settings → Bots → Add bot; its webhook address is what this command prints. Then give the bot to the
    inbox. Chatwoot shows the bot's **secret** (it signs what comes here) and its **access token** (it lets us answer):
    both are asked for, and kept in a file that only you can read.
    """
    secret, token = _secrets(["Secret of the bot", "Access token of the bot"], secrets_stdin)
    from app.channels.channel import ChannelConfig  # noqa: PLC0415

    config = ChannelConfig(
        name, "chatwoot", shop, url.rstrip("/"), secret, token, account, tuple(inbox or ()), sources=sources
    )
    _add(config)


@channels_app.command("add-webhook")
def add_webhook(
    name: Name,
    shop: Shop,
    url: Annotated[str, typer.Option(help="Where your program takes replies: POST, JSON, signed.")],
    staff_there: Elsewhere = False,
    sources: Sources = False,
    secret_stdin: Annotated[
        bool, typer.Option("--secret-stdin", help="Read a secret (whsec_…) from standard input instead of making one.")
    ] = False,
) -> None:
    """Talk to a program of your own, by webhooks signed both ways (https://www.standardwebhooks.com).

    A secret is made and shown this once. Your program signs what it sends with it, and checks what it gets.
    """
    from app.channels.channel import ChannelConfig  # noqa: PLC0415
    from app.channels.signing import key_of, new_secret  # noqa: PLC0415

    async def checked(given: str) -> str:
        key_of(given)
        return given

    secret = run(checked(sys.stdin.readline().strip())) if secret_stdin else new_secret()
    _add(ChannelConfig(name, "webhook", shop, url, secret, has_staff=staff_there, sources=sources))
    if not secret_stdin:
        out.print(f"The secret, shown this once: {secret}", highlight=False, soft_wrap=True)


@channels_app.command("list")
def list_channels(as_json: AsJson = False) -> None:
    """Every channel, with how its post stands."""
    rows = _with_mailroom(lambda room: room.post.overview())
    if as_json:
        show(rows, True, "")
        return
    states = ("unread", "waiting", "sent", "withheld", "dead")
    table = [
        {"name": r["name"], "kind": r["kind"], "shop": r["shop"], **{s: r["post"].get(s, 0) for s in states}}
        for r in rows
    ]
    show(table, False, "Channels" if rows else "No channels yet: xiaoer channels add-chatwoot --help")


@channels_app.command("show")
def show_channel(name: Name) -> None:
    """How a channel is set up, and the address the other side has to call. Never its secrets."""

    async def work(room: Mailroom) -> ChannelConfig:
        return room.post.channel(name).config

    config = _with_mailroom(work)
    rows = [
        ("kind", config.kind),
        ("shop", config.shop),
        ("calls us at", _own_address(name)),
        ("is called at", config.url),
        ("account, inboxes", f"{config.account}, {list(config.inboxes) or 'all'}" if config.account else "—"),
        ("people answer", "there" if config.has_staff else "at the desk of this server"),
        ("sources below replies", "yes" if config.sources else "no"),
    ]
    for title, value in rows:
        out.print(f"{title:>22}  {value}", highlight=False, soft_wrap=True)


@channels_app.command("test")
def test(name: Name) -> None:
    """Reach the other side without telling a shopper anything."""

    async def work(room: Mailroom) -> str:
        return await room.post.channel(name).try_out()

    out.print(f"[green]Reached.[/green] {_with_mailroom(work)}.", highlight=False)


@channels_app.command("letters")
def letters(
    channel: OfChannel = "",
    state: Annotated[str, typer.Option(help="waiting, sent, withheld, dead or dropped; default all.")] = "",
    limit: Annotated[int, typer.Option(help="So many, the newest first.", min=1, max=1_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """What goes out: replies, notes and calls for a person, with what kept them from arriving. Never their words."""
    rows = _with_mailroom(lambda room: room.post.letters(channel, state, limit))
    if not as_json:
        wanted = ("id", "channel", "thread", "kind", "state", "attempts", "created_at", "problem")
        rows = [{key: row[key] for key in wanted} for row in rows]
    show(rows, as_json, "Letters, newest first")


@channels_app.command("replay")
def replay(ids: Ids = None, channel: OfChannel = "") -> None:
    """Send dead letters again: those named, or all of a channel. The running server sends them within seconds."""
    chosen = _chosen(ids, channel)
    many = _with_mailroom(lambda room: room.post.replay(channel, chosen))
    out.print(f"{many} letter(s) will be sent again.", highlight=False)
    if many and find_server(read_settings().home) is None:
        out.print("No server runs here: they go out when it starts.", highlight=False)


@channels_app.command("drop")
def drop(
    ids: Ids = None,
    channel: OfChannel = "",
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
) -> None:
    """Throw dead letters away, with their words: those named, or all of a channel."""
    chosen = _chosen(ids, channel)
    if not yes:
        typer.confirm("They cannot be sent any more after this. Throw them away?", abort=True)
    many = _with_mailroom(lambda room: room.post.drop(channel, chosen))
    out.print(f"{many} letter(s) thrown away.", highlight=False)


@channels_app.command("remove")
def remove(name: Name) -> None:
    """Forget a channel and its secrets. What it still had to be told is kept, in case it comes back."""

    async def work(room: Mailroom) -> None:
        room.book.remove(name)

    _with_mailroom(work)
    out.print(f"{name} is gone; what it sends is refused from now on.", highlight=False)


def _add(config: ChannelConfig) -> None:
    from app.shop_files import ShopFiles  # noqa: PLC0415  loads YAML

    async def work(room: Mailroom) -> str:
        ShopFiles(read_settings().home)(config.shop)
        return str(room.book.put(config))

    path = _with_mailroom(work)
    out.print(f"{config.name} is set up for {config.shop}; its secrets are in {path}.", highlight=False, soft_wrap=True)
    out.print(f"The other side calls: {_own_address(config.name)}", highlight=False, soft_wrap=True)
    out.print(f"Try it: `xiaoer channels test {config.name}`", highlight=False)


def _own_address(name: str) -> str:
    """Where the other side reaches us, as far as this machine can tell."""
    settings = read_settings()
    server = find_server(settings.home)
    base = server.url if server else address(settings.host, settings.port)
    return f"{base}/v1/channels/{name}/webhook  (put your public https address in front)"


def _secrets(titles: list[str], from_stdin: bool) -> list[str]:
    if from_stdin:
        return [sys.stdin.readline().strip() for _ in titles]
    return [str(typer.prompt(title, hide_input=True)).strip() for title in titles]


def _chosen(ids: list[str] | None, channel: str) -> list[str]:
    async def refuse() -> None:
        raise BadInput("Name letters, or a channel with --channel. Nothing was changed.")

    if not ids and not channel:
        run(refuse())
    return ids or []


def _with_mailroom(work: Callable[[Mailroom], Awaitable[T]]) -> T:
    from app.bootstrap import master_key, open_database  # noqa: PLC0415  loads SQLAlchemy
    from app.channel_parts import open_mailroom  # noqa: PLC0415

    async def opened() -> T:
        settings = read_settings()
        os.umask(0o077)
        with open_database(settings) as database:
            room = open_mailroom(database, master_key(settings), settings.home)
            try:
                return await work(room)
            finally:
                await room.close()

    return run(opened())

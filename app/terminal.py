"""What every command does with its terminal: run to the end, show rows, say in one message what went wrong."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape, render
from rich.padding import Padding
from rich.table import Table

from app.errors import ConfigurationError, NoKnowledge, XiaoerError

if TYPE_CHECKING:
    from app.settings import Settings

T = TypeVar("T")
_LABEL = 8
"""Columns of the word before a note."""

out = Console()
err = Console(stderr=True)

Shop = Annotated[str, typer.Option("--shop", "-s", help="Name of the shop.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


def read_settings(**given: Any) -> Settings:
    """The settings in force, `given` before what the environment and `.env` say. Raises ConfigurationError.

    pydantic is loaded here and not above: who only wants `--help` does not wait for it.
    """
    from pydantic import ValidationError  # noqa: PLC0415

    from app.settings import Settings, told_plainly  # noqa: PLC0415

    try:
        return Settings(**given)
    except ValidationError as problem:
        raise ConfigurationError(told_plainly(problem)) from problem


def show(rows: Sequence[dict[str, Any]], as_json: bool, title: str) -> None:
    """Rows as a table, or as JSON for programs."""
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    if not rows:
        out.print(f"{escape(title)}: nothing", highlight=False)
        return
    table = Table(title=title, title_justify="left")
    for column in rows[0]:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    out.print(table)


def note(console: Console, label: str, where: str, why: str) -> None:
    """One thing to say about a place: on one line, or where that is too long with the place whole on a line of its
    own. `label` and `why` are markup; the place is taken as it is."""
    column = label + " " * (_LABEL - cell_len(render(label).plain))
    line = f"{column}{escape(where)}: {why}"
    if cell_len(render(line).plain) <= console.width:
        console.print(line, highlight=False)
        return
    console.print(f"{column}{escape(where)}", soft_wrap=True, highlight=False)
    console.print(Padding(why, (0, 0, 0, _LABEL), expand=False), highlight=False)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; a failure of ours is printed as one clear message and exit code 1."""
    try:
        with asyncio.Runner(loop_factory=_fast_loop()) as runner:
            return runner.run(work)
    except NoKnowledge as problem:
        err.print(f"[red]{escape(str(problem))}[/red]\nIngest a shop first: `xiaoer ingest FOLDER --shop NAME`.")
    except XiaoerError as problem:
        tell(problem.title, str(problem))
    except KeyboardInterrupt:
        err.print("Stopped.")
        raise typer.Exit(130) from None
    raise typer.Exit(1)


def tell(title: str, why: str) -> None:
    """One failure, on stderr. What it quotes is never taken for markup."""
    err.print(f"[red]{title}.[/red] {escape(why)}", highlight=False)


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """libuv's event loop, where there is one (not on Windows): a turn costs a quarter less on it."""
    try:
        fast: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module("uvloop").new_event_loop
    except ImportError:
        return None
    return fast

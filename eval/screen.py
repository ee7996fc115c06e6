"""Where evaluation prints, and how a failure of ours ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import typer
from rich.console import Console

from app.errors import XiaoerError

T = TypeVar("T")

screen = Console(width=max(150, Console().width))


def run_or_tell(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; a failure of ours is one clear message and exit code 1."""
    try:
        return asyncio.run(work)
    except XiaoerError as problem:
        screen.print(f"[red]{problem.title}.[/] {problem}")
        raise typer.Exit(1) from problem

"""What `xiaoer doctor` sees of the channels."""

from __future__ import annotations

import asyncio
from pathlib import Path

from app.adapters.channels.book import FileChannelBook
from app.adapters.db.channels import post_counts
from app.adapters.db.engine import Database
from app.channel_parts import FOLDER
from app.errors import XiaoerError

SECONDS = 5.0
_LOCAL = ("http://127.0.0.1", "http://localhost", "http://[::1]")


async def look_at_channels(home: Path, database: Database | None) -> tuple[str, str, str]:
    """State ("ok", "warn", "fail"), what was seen, and what to do about it."""
    book = FileChannelBook(home / FOLDER)
    try:
        return await _look(home, book, database)
    finally:
        await book.close()


async def _look(home: Path, book: FileChannelBook, database: Database | None) -> tuple[str, str, str]:
    names = book.names()
    if not names:
        return "ok", "none; shoppers use the chat window (`xiaoer channels --help`)", ""
    counts = await post_counts(database) if database else {}
    seen, failed, advice = [], False, []
    for name in names:
        try:
            broken = await _one(home, book, name)
        except XiaoerError as problem:
            failed, broken = True, str(problem)
        post = counts.get(name, {})
        dead = post.get("dead", 0)
        seen.append(f"{name}: {post.get('sent', 0)} sent, {post.get('waiting', 0)} waiting, {dead} dead")
        advice += [broken] if broken else []
        if dead:
            advice.append(
                f"`xiaoer channels letters --channel {name} --state dead` says why, `replay` sends them again."
            )
    state = "fail" if failed else "warn" if advice else "ok"
    return state, "; ".join(seen), " ".join(advice)


async def _one(home: Path, book: FileChannelBook, name: str) -> str:
    """What is not well with a channel; "" = nothing. Raises ConfigurationError where it cannot work at all."""
    channel = book.channel(name)
    if channel is None:
        return ""
    config = channel.config
    told = []
    if not book.is_private(name):
        told.append(f"Others can read the secrets of {name}: chmod 600 {home / FOLDER / name}.json.")
    if not (home / "shops" / config.shop / "brand.yaml").exists():
        told.append(f"{name} is for the shop {config.shop!r}, which is not here: ingest it, or add the channel anew.")
    if config.url.startswith("http://") and not config.url.startswith(_LOCAL):
        told.append(f"{name} sends shoppers' words over plain http: use https unless the network is your own.")
    try:
        async with asyncio.timeout(SECONDS):
            await channel.try_out()
    except (XiaoerError, TimeoutError) as problem:
        told.append(f"{name} is not reached: {problem or 'no answer'} `xiaoer channels test {name}` tries again.")
    return " ".join(told)

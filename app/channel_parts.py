"""Puts the channels together: their book, their post and who works it. Called by bootstrap."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from app.adapters.channels.book import FileChannelBook
from app.adapters.db.channels import SqlPostOffice
from app.adapters.db.engine import Database
from app.channels.post import ChannelPost
from app.channels.rounds import Rounds
from app.channels.send_out import Courier
from app.channels.take_in import IntakeClerk, PostWitness
from app.conversation.ports import Brands
from app.conversation.seal import MasterKey
from app.conversation.speak import Conversations

FOLDER = "channels"


class _Nobody:
    """The witness of a command."""

    def delivery_worked(self, channel: str, outcome: str, cause: BaseException | None = None) -> None:
        """Nothing is counted."""

    def letter_worked(self, channel: str, outcome: str, cause: BaseException | None = None) -> None:
        """Nothing is counted."""


class Mailroom:
    """The post, and the connections it is sent over."""

    def __init__(self, post: ChannelPost, book: FileChannelBook) -> None:
        self.post = post
        self.book = book

    async def close(self) -> None:
        """Stop working the post, then let go of connections."""
        await self.post.stop()
        await self.book.close()


def make_mailroom(
    database: Database,
    master: MasterKey,
    home: Path,
    conversations: Conversations,
    brands: Brands,
    witness: PostWitness,
    message_limit: int,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Mailroom:
    """The channels set up under that home, over that database."""
    office, book = SqlPostOffice(database, master, clock), FileChannelBook(home / FOLDER)
    courier = Courier(office, book, conversations, brands, witness, clock)
    clerk = IntakeClerk(office, book, conversations, witness, message_limit, clock, courier.write)
    rounds = Rounds(office, book, clerk, courier, clock)
    conversations.listen(rounds.hear)
    return Mailroom(ChannelPost(office, book, witness, clock, rounds), book)


def open_mailroom(database: Database, master: MasterKey, home: Path) -> Mailroom:
    """The same for a command: it looks and orders, and the server works."""
    office, book = SqlPostOffice(database, master), FileChannelBook(home / FOLDER)
    return Mailroom(ChannelPost(office, book, _Nobody(), lambda: datetime.now(UTC)), book)

"""Puts the review queue together: what is looked at again, drafted from, and asked again. Called by bootstrap."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from app.adapters.db.engine import Database
from app.adapters.db.review import SqlReviewQueue
from app.conversation.conversation import Conversation
from app.conversation.events import Event, EventType
from app.conversation.log import EventLog
from app.conversation.ports import Attendant, Brands
from app.conversation.speak import Conversations
from app.knowledge.editor import Editing
from app.knowledge.ports import Embedder
from app.review.again import Effect
from app.review.covered import Coverage, Searcher
from app.review.drafting import Drafter
from app.review.item import SampleBook
from app.review.reader import LiveKnowledge, Reader
from app.review.review import Review
from app.review.reviewer import Reviewer


def make_review(
    database: Database,
    *,
    log: EventLog,
    conversations: Conversations,
    attendant: Attendant,
    searcher: Searcher,
    knowledge: LiveKnowledge,
    brands: Brands,
    embedder: Embedder,
    editing: Callable[[], Awaitable[Editing]],
    samples: SampleBook,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Review:
    """All of it over that database and log."""
    queue, reader = SqlReviewQueue(database), Reader(log, knowledge, brands)
    coverage = Coverage(searcher, knowledge, brands)

    def hear(conversation: Conversation, events: Sequence[Event], here: bool) -> None:
        del here
        if any(event.type is EventType.ERASED for event in events):
            reader.forget(conversation.id)

    conversations.listen(hear)
    return Review(
        Reviewer(queue, reader, editing, samples, coverage, clock),
        Drafter(queue, reader, embedder, coverage, editing),
        Effect(queue, reader, attendant, knowledge, brands, editing, clock),
    )

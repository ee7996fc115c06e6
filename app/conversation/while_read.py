"""A reply that nobody reads any more ends the model's work, not the record."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

from app.chat.reply import unsaid
from app.chat.turn import Answer, Sentence
from app.conversation.session import TurnRun


async def while_read(
    sentences: AsyncIterator[Sentence], decision: Answer, run: TurnRun
) -> AsyncGenerator[Sentence, None]:
    """The sentences as the model says them. Once all readers have left, its call is cancelled after the sentence under
    way, and what it would have said is said in the words of the draft: whoever comes back finds a whole reply."""
    said: list[Sentence] = []
    async for sentence in sentences:
        said.append(sentence)
        yield sentence
        if run.deserted:
            break
    else:
        return
    if close := getattr(sentences, "aclose", None):
        await close()
    for sentence in unsaid(decision, said, everything=True):
        yield sentence

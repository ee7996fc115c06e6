"""Files that go along with a conversation: taken in, kept sealed, shown to its shopper and staff and nobody else."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from app.conversation import lines
from app.conversation.conversation import Attachment, Conversation
from app.conversation.events import Draft, EventType
from app.conversation.examine import Examined, examine
from app.conversation.ports import Brands
from app.conversation.speak import Conversations
from app.conversation.standing import Status
from app.errors import BadInput, Conflict, NotFound, TooLarge, TooManyRequests


class AttachmentStore(Protocol):
    """Keeps files sealed with the key of their conversation: erasing the person makes them unreadable too."""

    async def put(self, conversation_id: str, attachment_id: str, data: bytes) -> None:
        """Keep it. Raises NotFound for a conversation that is not there or was erased."""

    async def get(self, conversation_id: str, attachment_id: str) -> bytes:
        """The file again. Raises NotFound."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much is taken. Bytes, and seconds for one file to arrive in."""

    file_bytes: int = 10 * 1024 * 1024
    files: int = 20
    conversation_bytes: int = 60 * 1024 * 1024
    arriving_bytes: int = 200 * 1024 * 1024
    """of all files that are on their way at once: they wait in memory"""
    seconds: float = 120.0


class Attachments:
    """Takes files in and hands them out."""

    def __init__(
        self, conversations: Conversations, store: AttachmentStore, brands: Brands, allowance: Allowance | None = None
    ) -> None:
        self._conversations = conversations
        self._store = store
        self._brands = brands
        self.allowance = allowance or Allowance()
        self._arriving = 0
        self._at_work = asyncio.Semaphore(2)

    async def take(
        self,
        conversation_id: str,
        pieces: AsyncIterator[bytes],
        name: str = "",
        client_message_id: str = "",
        agent: tuple[str, str] = ("", ""),
    ) -> dict[str, Any]:
        """Keep a file of the shopper's, or of the `agent` (id, name) who has the conversation; what was written of it.

        The same client_message_id twice is kept once. Raises UnwantedFile, TooLarge, TooManyRequests, or Conflict where
        the conversation is over or somebody else's."""
        conversation = await self._conversations.look(conversation_id)
        if known := conversation.attachment_by_client.get(client_message_id if client_message_id else "\0"):
            return asdict(conversation.attachments[known])
        self._need_room(conversation, agent[0])
        data = await self._received(pieces)
        async with self._at_work:
            file = await asyncio.to_thread(examine, data, name)
        attachment = Attachment("f_" + secrets.token_urlsafe(18), file.name, file.media_type, len(file.data))
        await self._store.put(conversation_id, attachment.attachment_id, file.data)
        told = _told(attachment, file) | self._line(conversation, agent)
        sent = {"client_message_id": client_message_id} if client_message_id else {}
        await self._conversations.record(conversation_id, Draft(EventType.ATTACHED, told | sent))
        return told

    async def open(self, conversation_id: str, attachment_id: str) -> tuple[Attachment, bytes]:
        """A file of that conversation. Raises NotFound, also for one of another conversation."""
        conversation = await self._conversations.look(conversation_id)
        attachment = conversation.attachments.get(attachment_id)
        if attachment is None:
            raise NotFound("There is no such file in this conversation.")
        return attachment, await self._store.get(conversation_id, attachment_id)

    def _need_room(self, conversation: Conversation, agent: str) -> None:
        if conversation.status is Status.CLOSED:
            raise Conflict("The conversation is closed. The file was not kept; start a new one.")
        if agent and conversation.standing.agent != agent:
            raise Conflict("You do not have this conversation. The file was not sent; take it over first.")
        held = conversation.attachments.values()
        allowed = self.allowance
        if len(held) >= allowed.files or sum(a.size_bytes for a in held) >= allowed.conversation_bytes:
            raise TooLarge("This conversation holds as many files as it may. This one was not kept; say it in words.")

    async def _received(self, pieces: AsyncIterator[bytes]) -> bytes:
        allowed, data = self.allowance, bytearray()
        try:
            async with asyncio.timeout(allowed.seconds):
                async for piece in pieces:
                    data += piece
                    self._arriving += len(piece)
                    if len(data) > allowed.file_bytes:
                        most = allowed.file_bytes // 1024**2
                        raise TooLarge(f"The file is over {most} MB. Nothing was kept; send a smaller one.")
                    if self._arriving > allowed.arriving_bytes:
                        raise TooManyRequests("Too many files are on their way. Nothing was kept; try in a moment.", 5)
        except TimeoutError:
            raise BadInput("The file took too long to arrive. Nothing was kept; send it again.") from None
        finally:
            self._arriving -= len(data)
        if not data:
            raise BadInput("The file is empty. Nothing was kept.")
        return bytes(data)

    def _line(self, conversation: Conversation, agent: tuple[str, str]) -> dict[str, str]:
        """Who sent it; and, while nobody but the bot is there, that it cannot look at it but a person will."""
        if agent[0]:
            return {"agent": agent[0], "agent_name": agent[1]}
        if conversation.status is not Status.OPEN:
            return {}
        brand = self._brands(conversation.shop)
        return {"text": lines.line("attached", brand, lines.language_of(conversation.locale, brand))}


def _told(attachment: Attachment, file: Examined) -> dict[str, Any]:
    return asdict(attachment) | {"width": file.width, "height": file.height}

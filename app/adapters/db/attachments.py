"""Files of conversations, sealed, in the database that holds the conversations."""

from __future__ import annotations

import asyncio
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, insert, select

from app.adapters.db.conversation_tables import attachments, conversations
from app.adapters.db.engine import Database
from app.conversation.seal import NONCE_BYTES, MasterKey
from app.errors import NotFound, Unavailable


class SqlAttachments:
    """`AttachmentStore` in SQL. A file opens only under its own name, in its own conversation."""

    def __init__(self, database: Database, master: MasterKey) -> None:
        self._database = database
        self._master = master

    async def put(self, conversation_id: str, attachment_id: str, data: bytes) -> None:
        """Seal and keep it; see the port. Sealing is off the database's thread: it may take a while."""
        cipher = await self._cipher(conversation_id)
        nonce = os.urandom(NONCE_BYTES)
        place = _place(conversation_id, attachment_id)
        sealed = nonce + await asyncio.to_thread(cipher.encrypt, nonce, data, place)
        row = {"id": attachment_id, "conversation_id": conversation_id, "sealed": sealed}
        await self._database.run(lambda connection: connection.execute(insert(attachments), row))

    async def get(self, conversation_id: str, attachment_id: str) -> bytes:
        """Open it; see the port."""
        cipher = await self._cipher(conversation_id)
        query = select(attachments.c.sealed).where(
            attachments.c.id == attachment_id, attachments.c.conversation_id == conversation_id
        )
        sealed = await self._database.run(lambda connection: connection.execute(query).scalar())
        if sealed is None:
            raise NotFound("There is no such file in this conversation.")
        place = _place(conversation_id, attachment_id)
        try:
            return await asyncio.to_thread(cipher.decrypt, sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place)
        except InvalidTag as error:
            raise Unavailable("The file was changed after it was kept. It was not shown.") from error

    async def _cipher(self, conversation_id: str) -> AESGCM:
        def key(connection: Connection) -> bytes | None:
            found: bytes | None = connection.execute(
                select(conversations.c.data_key).where(conversations.c.id == conversation_id)
            ).scalar()
            return found

        wrapped = await self._database.run(key)
        if wrapped is None:
            raise NotFound("There is no such conversation, or it was erased.")
        return AESGCM(self._master.unwrap(wrapped, conversation_id))


def _place(conversation_id: str, attachment_id: str) -> bytes:
    return f"attachment/{conversation_id}/{attachment_id}".encode()

"""What shoppers wrote, sealed for as long as it waits in the post."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.channels.channel import Arrival, Happened
from app.chat.turn import Identity
from app.conversation.seal import NONCE_BYTES, MasterKey
from app.errors import ConfigurationError


class PostSeal:
    """Seals JSON so that it opens only in the row it was sealed for."""

    def __init__(self, master: MasterKey) -> None:
        self._cipher = AESGCM(master.derive("channel post"))

    def close(self, row: str, content: Mapping[str, Any]) -> bytes:
        """nonce + ciphertext."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, orjson.dumps(content), row.encode())

    def open(self, row: str, sealed: bytes) -> dict[str, Any]:
        """The content again. Raises ConfigurationError when another master key sealed it."""
        try:
            plain = self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], row.encode())
        except InvalidTag as error:
            raise ConfigurationError(
                "This master key does not open the channels' post. Nothing was changed; start with the key it was "
                "kept with."
            ) from error
        found: dict[str, Any] = orjson.loads(plain)
        return found


def arrival_json(arrival: Arrival) -> dict[str, Any]:
    """An arrival as it is kept."""
    told = asdict(arrival)
    return told | {"at": arrival.at.isoformat() if arrival.at else None}


def arrival_of(raw: Mapping[str, Any]) -> Arrival:
    """The arrival again."""
    at = raw.get("at")
    return Arrival(
        **{
            **raw,
            "happened": Happened(raw["happened"]),
            "at": datetime.fromisoformat(at) if at else None,
            "identity": Identity(**raw["identity"]),
        }
    )

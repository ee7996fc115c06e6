"""Encryption at rest and the hash chain of a conversation's events.

Each conversation has a data key of its own, wrapped by the master key. Destroying the data key makes
every word of the conversation unreadable; the chain runs over ciphertext and still verifies.
"""

from __future__ import annotations

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.errors import ConfigurationError

NONCE_BYTES = 12
_WRAP_V1 = b"\x01"


class MasterKey:
    """The 32 bytes everything else is derived from or wrapped with. Never leaves this object."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != 32:
            raise ConfigurationError(
                f"The master key has {len(secret)} bytes and must have 32. "
                "Give XIAOER_MASTER_KEY the base64 of 32 bytes."
            )
        self._secret = secret
        self._wrapping = AESGCM(self.derive("wrap data keys"))
        self._head = self.derive("sign chain heads")

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for one named purpose; the same purpose gives the same key."""
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"xiaoer/1/" + purpose.encode()).derive(self._secret)

    def wrap(self, data_key: bytes, conversation_id: str) -> bytes:
        """The data key as it may be stored: bound to its conversation."""
        nonce = os.urandom(NONCE_BYTES)
        return _WRAP_V1 + nonce + self._wrapping.encrypt(nonce, data_key, conversation_id.encode())

    def unwrap(self, wrapped: bytes, conversation_id: str) -> bytes:
        """The data key again. Raises ConfigurationError when another master key wrapped it."""
        nonce, sealed = wrapped[1 : 1 + NONCE_BYTES], wrapped[1 + NONCE_BYTES :]
        try:
            return self._wrapping.decrypt(nonce, sealed, conversation_id.encode())
        except InvalidTag as error:
            raise ConfigurationError(
                "This master key does not open the conversations in the database. Nothing was changed; "
                "start with the key they were written with."
            ) from error

    def sign_head(self, conversation_id: str, seq: int, head: bytes) -> bytes:
        """Proof that a chain of this length ended in this hash: without the key nobody can shorten or rewrite it."""
        return hmac.digest(self._head, _framed(conversation_id.encode(), str(seq).encode(), head), "sha256")


def new_data_key() -> bytes:
    """A fresh key for one conversation."""
    return AESGCM.generate_key(bit_length=256)


def seal(cipher: AESGCM, conversation_id: str, seq: int, type_: str, plain: bytes) -> bytes:
    """nonce + ciphertext, which opens only at this place of this conversation.

    The nonce is random, not the sequence number: a write that failed is sealed again with other content.
    """
    nonce = os.urandom(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plain, _framed(conversation_id.encode(), str(seq).encode(), type_.encode()))


def unseal(cipher: AESGCM, conversation_id: str, seq: int, type_: str, sealed: bytes) -> bytes:
    """The plain bytes. Raises cryptography's InvalidTag when anything was changed or moved."""
    aad = _framed(conversation_id.encode(), str(seq).encode(), type_.encode())
    return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], aad)


def first_link(conversation_id: str) -> bytes:
    """What the first event's hash is chained to."""
    return hashlib.sha256(_framed(b"xiaoer/chain/1", conversation_id.encode())).digest()


def next_link(previous: bytes, seq: int, type_: str, sealed: bytes, time: str) -> bytes:
    """hash_n = SHA-256(hash_{n-1}, seq, type, ciphertext, time)."""
    return hashlib.sha256(_framed(previous, str(seq).encode(), type_.encode(), sealed, time.encode())).digest()


def _framed(*parts: bytes) -> bytes:
    """Each part with its length in front, so that no two different lists read the same."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)

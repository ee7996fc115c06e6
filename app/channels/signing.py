"""Signatures on what comes in and goes out. Pure.

Two schemes: Chatwoot's (`sha256=` + hex over `{timestamp}.{body}`), and Standard Webhooks (`v1,` + base64 over
`{id}.{timestamp}.{body}`, https://www.standardwebhooks.com), for which every language has a library.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime

from app.channels.channel import Envelope
from app.errors import ConfigurationError, NotAllowed

TOLERANCE_SECONDS = 300
LONGEST_ID = 200
SECRET_PREFIX = "whsec_"  # noqa: S105  how such a secret begins
_NOT_SIGNED = (
    "The signature is missing or wrong, its timestamp is more than five minutes off, or there is no such channel. "
    "Nothing was read or kept; check the address, the secret on both sides and both clocks, then send it signed anew."
)


def unsigned() -> NotAllowed:
    """One failure for all of it: who cannot sign learns nothing, not even which channels there are."""
    return NotAllowed(_NOT_SIGNED)


def check_chatwoot(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Envelope:
    """Chatwoot's headers. Raises NotAllowed."""
    stamp = _stamp(headers.get("x-chatwoot-timestamp", ""), now)
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    _need(secret, [headers.get("x-chatwoot-signature", "")], f"sha256={digest}")
    return _envelope(headers.get("x-chatwoot-delivery", ""), digest)


def sign_chatwoot(secret: str, body: bytes, stamp: int) -> str:
    """The header as Chatwoot makes it."""
    return "sha256=" + hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()


def check_standard(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Envelope:
    """The headers of Standard Webhooks; several signatures are several keys, of which one has to fit."""
    id_, stamp = headers.get("webhook-id", ""), _stamp(headers.get("webhook-timestamp", ""), now)
    wanted = sign_standard(secret, id_, stamp, body) if secret else ""
    _need(secret, headers.get("webhook-signature", "").split(), wanted)
    return _envelope(id_, wanted)


def sign_standard(secret: str, id_: str, stamp: int, body: bytes) -> str:
    """The header `webhook-signature`. Raises ConfigurationError for a secret that is none."""
    signed = f"{id_}.{stamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key_of(secret), signed, "sha256")).decode()


def key_of(secret: str) -> bytes:
    """The key in a `whsec_…`."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ConfigurationError("The secret is not `whsec_` and base64. Nothing was sent; make a new one.") from error
    if len(key) < 24:
        raise ConfigurationError("The secret is shorter than 24 bytes. Nothing was sent; make a new one.")
    return key


def new_secret() -> str:
    """A fresh one."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def _stamp(sent: str, now: datetime) -> int:
    if not (sent.isascii() and sent.isdigit() and len(sent) <= 12):
        raise unsigned()
    if abs(now.timestamp() - int(sent)) > TOLERANCE_SECONDS:
        raise unsigned()
    return int(sent)


def _need(secret: str, sent: list[str], wanted: str) -> None:
    """Every signature is compared, in the same time. Without a secret none fits."""
    fits = [hmac.compare_digest(one.encode(), wanted.encode()) for one in sent]
    if not (secret and any(fits)):
        raise unsigned()


def _envelope(id_: str, seal: str) -> Envelope:
    """A sender that names no delivery is known by the seal alone."""
    return Envelope(id_[:LONGEST_ID] or seal, hashlib.sha256(seal.encode()).hexdigest())

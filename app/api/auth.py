"""Who may call: a conversation's own token for shoppers, the API key for programs."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from starlette.requests import Request

from app.conversation.conversation import Conversation
from app.conversation.speak import Conversations
from app.errors import NotAllowed, NotFound

AUDIENCE = "shopper"
REMEMBERED_TOKENS = 4_096


class Tokens:
    """Signs and reads conversation tokens (JWT, HS256).

    The signature alone tells a stranger's token from one for this conversation, before anything is looked up. The
    conversation's log keeps the hash of its one token, so that logging out ends it.
    """

    def __init__(self, key: bytes, lifetime_seconds: int, clock: Callable[[], float] = time.time) -> None:
        self._key = OctKey.import_key(key)
        self._lifetime_seconds = lifetime_seconds
        self._clock = clock
        self._read: OrderedDict[str, tuple[str, int]] = OrderedDict()

    def issue(self, conversation_id: str) -> str:
        """A token that opens this one conversation until it expires."""
        now = int(self._clock())
        claims: dict[str, str | int] = {
            "sub": conversation_id,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + self._lifetime_seconds,
        }
        claims["jti"] = secrets.token_urlsafe(12)
        return jwt.encode({"alg": "HS256"}, claims, self._key)

    def conversation_of(self, token: str) -> str:
        """The conversation a token opens. Raises NotAllowed for a forged, foreign or expired one."""
        subject, expires = self._read.get(token) or self._remember(token)
        if self._clock() >= expires:
            raise NotAllowed("The token has expired. The conversation is kept; start a new one to go on.")
        return subject

    def _remember(self, token: str) -> tuple[str, int]:
        """Check the signature, and keep what it signs: a shopper shows the same token with every message."""
        try:
            claims = jwt.decode(token, self._key, algorithms=["HS256"]).claims
        except (JoseError, ValueError) as error:
            raise NotAllowed("The token is not one of ours. Start a new conversation to get one.") from error
        expires = claims.get("exp")
        if claims.get("aud") != AUDIENCE or not isinstance(expires, int) or not isinstance(claims.get("sub"), str):
            raise NotAllowed("The token is not one for shoppers. Start a new conversation to get one.")
        kept = self._read[token] = (str(claims["sub"]), expires)
        if len(self._read) > REMEMBERED_TOKENS:
            self._read.popitem(last=False)
        return kept


def bearer(request: Request) -> str:
    """The token of the Authorization header. Raises NotAllowed when there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotAllowed("There is no token. Send the header `Authorization: Bearer …`.")
    return token.strip()


def hash_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


async def require_conversation(
    request: Request, tokens: Tokens, conversations: Conversations, conversation_id: str
) -> Conversation:
    """The conversation, for whoever holds its token. Raises NotAllowed without a good one or after logging out,
    NotFound with one for another conversation: that is told by the token alone, so whether the other exists shows
    neither in the reply nor in the time it takes."""
    token = bearer(request)
    if tokens.conversation_of(token) != conversation_id:
        raise NotFound("There is no such conversation. Start a new one.")
    conversation = await conversations.look(conversation_id)
    if conversation.logged_out:
        raise NotAllowed("The shopper has logged out. The conversation is kept; start a new one to go on.")
    if conversation.token_hash and not hmac.compare_digest(conversation.token_hash, hash_of(token)):
        raise NotAllowed("The token is not the one of this conversation. Start a new conversation to get one.")
    return conversation


def has_key(request: Request, api_key: str) -> bool:
    """Whether the request carries the API key. Takes the same time for every wrong key."""
    sent = request.headers.get("x-api-key", "")
    if not sent:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        sent = token.strip() if scheme.lower() == "bearer" else ""
    return bool(api_key) and hmac.compare_digest(sent.encode(), api_key.encode())


def require_key(request: Request, api_key: str, run_key: str = "") -> None:
    """Raises NotAllowed without the API key; commands on the server's machine have the key of its run instead."""
    if not has_key(request, api_key) and not has_key(request, run_key):
        raise NotAllowed(
            "The API key is missing or wrong. Send `Authorization: Bearer KEY`; the key is XIAOER_API_KEY, "
            "or stands in the file api-key under the server's home."
        )


def require_run_key(request: Request, run_key: str) -> None:
    """Raises NotAllowed to anybody but a command on this machine that can read the server's home."""
    if not has_key(request, run_key):
        raise NotAllowed(
            "Only a command on the server's own machine may do this: run `xiaoer ingest` there. Nothing was read."
        )

"""First look at a message: make it clean text, and turn away what tries to take over the attendant."""

from __future__ import annotations

import re
import unicodedata
from hashlib import blake2b

from app.chat.signals import INJECTION

_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
_SPACES = re.compile(r"[ \t\u00a0\u3000]+")
_MOST_JUDGED = 16_384
_JUDGED: dict[bytes, bool] = {}
"""Digest of a text → whether it gives orders."""
_HAS_WORD = re.compile(r"\w", re.UNICODE)


def clean(text: str) -> str:
    """The message without what a reader can't see (NUL, bidi overrides, tag characters), spaces folded."""
    text = unicodedata.normalize("NFC", text.encode("utf-8", "ignore").decode("utf-8"))
    text = _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _SPACES.sub(" ", text).strip()


def hides_something(text: str) -> bool:
    """Whether the message carried invisible characters: a signal worth logging, not a reason to refuse."""
    return bool(_INVISIBLE.search(text))


def is_wordless(text: str) -> bool:
    """Emoji, punctuation or nothing at all."""
    return not _HAS_WORD.search(text)


def tries_to_take_over(text: str) -> bool:
    """Whether the text gives orders to the attendant rather than asking the shop something.

    Used on messages (refused) and on sentences of documents (never quoted).
    """
    # Sentences of documents come again in every turn. What is kept is a digest: of a message, no word may stay.
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    found = _JUDGED.get(digest)
    if found is None:
        if len(_JUDGED) >= _MOST_JUDGED:
            _JUDGED.clear()
        found = _JUDGED[digest] = _gives_orders(text)
    return found


def _gives_orders(text: str) -> bool:
    plain = unicodedata.normalize("NFKC", text)
    # A line break may stand in the middle of an order, or make "system:" the beginning of a line.
    return bool(INJECTION.search(plain) or ("\n" in plain and INJECTION.search(" ".join(plain.split()))))

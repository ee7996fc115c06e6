"""Every failure a caller may see, each with the problem type that docs/problems.md explains.

A message says what happened, what was kept, and what to do next. The HTTP edge turns any
`XiaoerError` into an RFC 9457 problem; the CLI prints its message and exits non-zero.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Any

DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
NO_ROOM = (
    "The disk is full. Nothing of this was kept, and the live release is what it was. Free some space, then try again."
)
"""What a caller reads who met one of `DISK_FULL`."""


class XiaoerError(Exception):
    """Base of all our errors. `slug` is the problem type, `status` its HTTP status."""

    slug = "internal"
    status = 500
    title = "Something went wrong on our side"


class BadInput(XiaoerError):
    """The caller sent something that cannot be worked with."""

    slug = "bad-input"
    status = 422
    title = "The request cannot be worked with"


class NotFound(XiaoerError):
    """The named thing does not exist, or is not the caller's."""

    slug = "not-found"
    status = 404
    title = "There is no such thing here"


def no_such_shop(shop: str) -> NotFound:
    """For whoever names a shop that has no release; probably it is spelt otherwise."""
    return NotFound(f"There is no shop named {shop!r} here. Nothing was changed; `xiaoer doctor` lists the shops.")


class NotAllowed(XiaoerError):
    """The token or key is missing, forged or expired."""

    slug = "not-allowed"
    status = 401
    title = "You may not do this"


class IdentityRefused(NotAllowed):
    """A token by which a shop vouches for a shopper is not in order."""

    slug = "identity-refused"
    title = "The identity token is not good"


class Forbidden(XiaoerError):
    """Whoever asks is known, and may not do this."""

    slug = "forbidden"
    status = 403
    title = "Your account may not do this"


class Conflict(XiaoerError):
    """The thing is in a state in which this cannot be done."""

    slug = "conflict"
    status = 409
    title = "This cannot be done now"


class OutdatedEdit(Conflict):
    """Somebody else changed the row since the editor read it. `mine` and `theirs` are both texts."""

    slug = "outdated-edit"
    title = "Somebody else changed this in the meantime"

    def __init__(self, row: str, version: int) -> None:
        super().__init__(
            "Somebody else changed this row since you read it. Nothing was saved; compare both texts, then save again."
        )
        self.row = row
        self.version = version
        self.members: dict[str, Any] = {}


class HeldBack(Conflict):
    """The checks or the shop's suite object to a release."""

    slug = "held-back"
    title = "The release is held back"
    shown = 5
    """So many reasons are told in the message"""

    def __init__(self, shop: str, number: int, reasons: Sequence[str]) -> None:
        told = "; ".join(reasons[: self.shown])
        more = f"; and {len(reasons) - self.shown} more" if len(reasons) > self.shown else ""
        super().__init__(
            f"Release {number} of {shop} is not published: {told}{more}. The live release stays. Mend the files and "
            "ingest again, or publish it with `force` and a reason, which is kept."
        )


class TooLarge(XiaoerError):
    """The message or upload is over its limit."""

    slug = "too-large"
    status = 413
    title = "That is too large"


class UnwantedFile(BadInput):
    """A file that is not what is taken here, or more than that."""

    slug = "unwanted-file"
    status = 415
    title = "That file is not taken"


class TooSlow(XiaoerError):
    """The body of a request takes longer to come than anybody waits for."""

    slug = "too-slow"
    status = 408
    title = "The request took too long to arrive"


class Unavailable(XiaoerError):
    """A part the request needs (index, model, database) is down or too slow."""

    slug = "unavailable"
    status = 503
    title = "A part that is needed is not available"


class NoKnowledge(Unavailable):
    """The shop has no live release yet."""

    slug = "no-knowledge"
    title = "The shop has no live knowledge yet"


class ModelUnavailable(Unavailable):
    """The language model did not answer in time or not at all."""

    slug = "model-unavailable"
    title = "The language model is not available"


class ConfigurationError(XiaoerError):
    """A setting is missing or contradicts another."""

    slug = "configuration"
    title = "The settings do not work together"


class MethodNotAllowed(XiaoerError):
    """The address exists, but not for this method."""

    slug = "method-not-allowed"
    status = 405
    title = "This address does not take that method"


class TooManyRequests(XiaoerError):
    """More requests than the limits allow. `retry_after_seconds` tells when the next one is welcome."""

    slug = "too-many-requests"
    status = 429
    title = "That was too many requests"

    def __init__(self, message: str, retry_after_seconds: int = 1) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds

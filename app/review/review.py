"""All of the review queue, as the HTTP edge is given it."""

from __future__ import annotations

from dataclasses import dataclass

from app.review.again import Effect
from app.review.drafting import Drafter
from app.review.reviewer import Reviewer


@dataclass(frozen=True)
class Review:
    """The queue and its steps, the drafts, and what published changes came to."""

    queue: Reviewer
    drafts: Drafter
    effect: Effect

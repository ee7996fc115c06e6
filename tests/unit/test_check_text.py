"""Groundedness of a whole text as a probability, with the model that comes with the code."""

from __future__ import annotations

import pytest

from app.chat.check_text import check_text, shipped
from app.chat.support_features import SUPPORT_FEATURES, support_features

CONTEXT = "Orders placed before 14:00 leave the same day. You can return unused kit within 30 days of delivery."


def test_the_model_reads_the_features_that_are_made() -> None:
    assert shipped().features == SUPPORT_FEATURES
    assert set(support_features("Orders leave the same day.", CONTEXT)) == set(SUPPORT_FEATURES)


@pytest.mark.parametrize(
    ("context", "stands", "does_not"),
    [
        (CONTEXT, "You can return unused kit within 30 days.", "You can return used kit within 90 days of Christmas."),
        ("越南的首都是河内。河内位于红河三角洲。", "越南的首都在哪：河内", "越南的首都在哪：胡志明市"),
        (
            "Facebook bought Instagram for $1 billion.",
            "Who acquired Instagram?: Facebook",
            "Who acquired Instagram?: Apple",
        ),
        (CONTEXT, "Orders placed before 14:00 leave the same day.", "I love hiking and I think you will too!"),
    ],
)
def test_what_follows_from_the_context_is_likelier_than_what_does_not(context: str, stands: str, does_not: str) -> None:
    assert check_text(stands, context) > 0.5 > check_text(does_not, context)


def test_an_empty_context_supports_nothing() -> None:
    assert check_text("You can return it within 30 days.", "") < 0.5

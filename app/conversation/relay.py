"""The port through which instances wake each other: something has happened, look at the log.

What passes here may get lost, and nothing depends on it: the log is the truth, and who hears nothing looks again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

Hears: TypeAlias = Callable[[Mapping[str, Any]], None]
"""Called with what was told; with nothing (`{}`) where something may have been missed. Must not raise or wait."""

DESK = "desk"


def topic_of(conversation_id: str) -> str:
    """Where the instances that follow a conversation listen."""
    return f"conversation/{conversation_id}"


class Relay(Protocol):
    """Carries plain JSON between the instances of one installation, to everybody but the teller."""

    @property
    def alive(self) -> bool:
        """Whether what others tell arrives here at once. False: look at the log every moment instead."""

    def tell(self, topic: str, what: Mapping[str, Any]) -> None:
        """Tell all others who follow the topic. Returns at once, never raises; lost when the relay is away."""

    def follow(self, topic: str, hears: Hears) -> Callable[[], None]:
        """Hear what others tell from now on; call what is returned to stop. `hears({})` once it has begun."""


class NoRelay:
    """One instance, or several without Redis: nobody is told, whoever follows looks at the log."""

    alive = False

    def tell(self, topic: str, what: Mapping[str, Any]) -> None:
        """Nothing."""

    def follow(self, topic: str, hears: Hears) -> Callable[[], None]:
        """Nothing is ever heard."""
        del topic, hears
        return lambda: None

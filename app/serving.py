"""Runs the server, the demo and the small jobs around it. Called by the command line."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import structlog
import uvicorn
from rich.console import Console

from app.adapters.db.audit import verify_chain
from app.adapters.db.staff import SqlStaffBook
from app.adapters.llm.fetch_bar import fetch_with_bar
from app.bootstrap import master_key, open_database, open_knowledge, open_server
from app.errors import ConfigurationError
from app.main import create_app
from app.running import address, announced, new_run_key, port_problem
from app.settings import Settings, said_of
from app.shop_files import ShopFiles
from app.staff.door import Door
from app.staff.first_run import FirstAdmin, let_demo_in
from app.staff_commands import sign_in_link
from app.telemetry import configure_logging
from app.thresholds import thresholds_in_force

log = structlog.get_logger(__name__)

SAMPLE_SHOPS = ("tangli", "larchwood")
SHOPS = Path(__file__).parent.parent / "shops"


class StoppingServer(uvicorn.Server):
    """Says when it listens, and before it waits for its readers to leave."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None], on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._on_stop = on_stop

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """Start, then call back once the sockets are open."""
        await super().startup(sockets)  # type: ignore[arg-type]
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """Hang up on those who only follow, then let what is under way finish."""
        self._on_stop()
        await super().shutdown(sockets)  # type: ignore[arg-type]


async def serve(settings: Settings, on_ready: Callable[[], None] | None = None) -> None:
    """Serve until stopped. Knowledge may come later: until then turns are answered with a problem that says so."""
    _need_port(settings)
    configure_logging(settings.log_level)
    run_key, url = new_run_key(), address(settings.host, settings.port)
    with contextlib.ExitStack() as announcing:

        def ready() -> None:
            # Where index and database are servers', commands work beside us, and several instances may share the home.
            if settings.index == "edge" or settings.database_url.startswith("sqlite"):
                announcing.enter_context(announced(settings.home, url, run_key, settings.confidence_threshold))
            log.info("server.listening", url=url, home=str(settings.home))
            if on_ready:
                on_ready()

        async with open_server(settings, run_key) as container:
            tell_thresholds(settings, await container.knowledge.shops())
            config = uvicorn.Config(
                create_app(container),
                host=settings.host,
                port=settings.port,
                http=_protocol(),
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=20,
                forwarded_allow_ips=settings.trusted_proxies,
            )
            await StoppingServer(config, ready, container.conversations.hang_up).serve()


def tell_thresholds(settings: Settings, shops: Sequence[str]) -> None:
    """Several places may name a threshold: which of them is heard is in the log before the first answer."""
    said, brands = said_of("confidence_threshold"), ShopFiles(settings.home)
    for held in thresholds_in_force(settings.home, settings.confidence_threshold, said, brands, shops):
        log.info("threshold.holds", shop=held.shop or "every shop", value=held.value, source=held.source)
        for place in held.unheard:
            log.warning("threshold.unheard", shop=held.shop or "every shop", place=place)


def _protocol() -> Any:
    """HTTP with limits on request heads; uvicorn's own choice where its quick parser does not exist."""
    if importlib.util.find_spec("httptools") is None:
        return "auto"
    return importlib.import_module("app.connection_limits").LimitedHttp


async def demo(settings: Settings, *, headless: bool) -> None:
    """The sample shops, ingested where they have changed, and the storefront page in a browser."""
    console = Console(stderr=True)
    _need_port(settings)
    await _ingest_samples(settings, console)
    settings = settings.model_copy(update={"default_shop": settings.default_shop or SAMPLE_SHOPS[0]})
    url = f"http://{settings.host}:{settings.port}/demo"
    with open_database(settings) as database:
        admin = await let_demo_in(Door(SqlStaffBook(database)))

    def ready() -> None:
        console.print(f"\n[bold green]Ready.[/bold green] Open {url}  (stop with Ctrl-C)", highlight=False)
        _tell_the_way_in(admin, address(settings.host, settings.port), console)
        if settings.model == "embedded":
            console.print(
                "[dim]Answers are quoted from the shop's sources until the embedded model is fetched and started; "
                f"{url.removesuffix('/demo')}/readyz shows how far it is.[/dim]",
                highlight=False,
            )
        if not headless:
            with contextlib.suppress(webbrowser.Error):
                webbrowser.open(url)

    await serve(settings, ready)


def _tell_the_way_in(admin: FirstAdmin, base: str, console: Console) -> None:
    """Printed, and nowhere written down."""
    if admin.link_token:
        link = sign_in_link(base, admin.link_token)
        console.print(f"Console: {link}  (good once, for an hour)", highlight=False, soft_wrap=True)
    if admin.password:
        console.print(
            f"         later at {base}/console as [bold]{admin.login}[/bold], password [bold]{admin.password}[/bold]  "
            "(shown this once; `xiaoer staff password demo` sets another)",
            highlight=False,
            soft_wrap=True,
        )


def _need_port(settings: Settings) -> None:
    """Before minutes of work, not after. Raises ConfigurationError."""
    if problem := port_problem(settings.host, settings.port):
        raise ConfigurationError(
            f"{settings.host}:{settings.port} cannot be listened on ({problem}). Nothing was changed; stop what "
            "listens there, or name another port: `PORT=9000 make demo`, `xiaoer serve --port 9000`."
        )


async def _ingest_samples(settings: Settings, console: Console) -> None:
    job = importlib.import_module("ingestion.job")
    report_module = importlib.import_module("ingestion.report")
    if not SHOPS.is_dir():
        raise ConfigurationError(
            "The sample shops are not here: the demo runs from a checkout of the project. "
            "Use `xiaoer ingest FOLDER --shop NAME` and `xiaoer serve` with your own shop."
        )
    async with open_knowledge(settings) as knowledge:
        for shop in SAMPLE_SHOPS:
            console.print(f"[bold]{shop}[/bold]: reading {SHOPS.name}/{shop}", highlight=False)
            with report_module.progress_bar(console) as progress:
                report = await job.ingest(
                    SHOPS / shop,
                    shop,
                    home=knowledge.home,
                    catalogue=knowledge.catalogue,
                    index=knowledge.index,
                    embedder=knowledge.embedder,
                    publish=True,
                    progress=progress,
                    releases_kept=knowledge.releases_kept,
                )
            importlib.import_module("ingestion.report_table").print_report(report, console)


def audit(settings: Settings, console: Console) -> int:
    """Verify every conversation's hash chain; 0 when all hold."""
    with open_database(settings) as database:
        report = verify_chain(database, master_key(settings))
    console.print(f"{report.conversations} conversations, {report.events} events, {report.erased} erased.")
    for found in report.breaks:
        console.print(f"[red]Broken:[/red] {found.conversation_id} at event {found.seq}: {found.what}", highlight=False)
    console.print(
        "[green]Every chain holds.[/green]" if report.ok else "Restore the database from a backup, and keep this one."
    )
    return 0 if report.ok else 1


def fetch_model(settings: Settings, console: Console) -> None:
    """Fetch the pinned weights with a progress bar."""
    path = fetch_with_bar(settings.model_size, settings.home / "models", settings.model_path, console)
    console.print(f"The weights are in place: {path} ({os.path.getsize(path) / 1e6:.0f} MB).", highlight=False)

"""The real server with a fake attendant on a thread of its own, a page with the widget, and people who can sign in."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from pathlib import Path
from typing import Any

import uvicorn
from fastapi.responses import HTMLResponse

from app.adapters.db.staff import SqlStaffBook
from app.main import create_app
from app.staff.account import Role
from app.staff.door import Door
from app.web.routes import CONTENT_SECURITY_POLICY, router
from tests.e2e.shop_window import ShopWindow
from tests.edge import make_container, migrated_database

PAGE = """<!doctype html><html lang="{lang}"><title>Hill</title>
<link rel="icon" href="/web/icon.svg"><meta name="viewport" content="width=device-width">
<xiaoer-chat shop="hill" locale="{lang}" open></xiaoer-chat><script src="/widget.js"></script></html>"""


class DeskServer:
    """Runs until the block ends; `url` is where."""

    page = ""
    """What /page serves: a shop's own page, with the window in it"""

    def __init__(self, home: Path, **parts: Any) -> None:
        self._database = migrated_database(home)
        door = Door(SqlStaffBook(self._database))
        self.container = make_container(home, door=door, **parts)
        app = create_app(self.container)
        app.include_router(router(ShopWindow()))

        @app.get("/shop")
        async def shop(lang: str = "en") -> HTMLResponse:
            return HTMLResponse(PAGE.format(lang=lang), headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY})

        @app.get("/page")
        async def page() -> HTMLResponse:
            return HTMLResponse(self.page, headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY})

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        config = uvicorn.Config(app, port=self.port, log_level="error", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._loop.run_until_complete(self._server.serve())
        self._loop.close()

    def __enter__(self) -> DeskServer:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self.container.conversations.hang_up()
        self._server.should_exit = True
        self._thread.join(10)
        self._database.close()

    def do(self, work: Any) -> Any:
        """Await something on the server's own loop."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def cookie_of(self, login: str, role: Role = Role.AGENT) -> dict[str, str]:
        """A new account's session, for the browser."""

        async def sign_in() -> str:
            door = self.container.door
            assert door is not None
            await door.add(login, login.title(), role, "", None)
            return (await door.sign_in_by_link(await door.link_for(login), "127.0.0.1")).token

        return {"name": f"xiaoer-staff-{self.port}", "value": self.do(sign_in()), "url": self.url}

"""A server process that a test may kill: `python -m tests.integration.killable HOME PORT PAUSE [DATABASE REDIS RATE]`.

RATE is how many requests about a conversation may come in a minute. It stops like the real one: hangs up on followers,
lets turns finish, then goes.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import uvicorn

from app.main import create_app
from app.serving import StoppingServer
from tests.edge import make_container
from tests.fakes import FakeAttendant


def main() -> None:
    home, port, pause_seconds, *shared = sys.argv[1:]
    url, redis, rate = (*shared, *("", "", "600")[len(shared) :])
    container = make_container(
        Path(home),
        FakeAttendant(float(pause_seconds)),
        url,
        redis,
        shutdown_seconds=10,
        per_minute={"conversation": int(rate)},
    )
    config = uvicorn.Config(
        create_app(container), port=int(port), log_config=None, access_log=False, timeout_graceful_shutdown=10
    )
    asyncio.run(StoppingServer(config, lambda: None, container.conversations.hang_up).serve())


if __name__ == "__main__":
    main()

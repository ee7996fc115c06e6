"""A server process that a test may kill: `python -m tests.integration.killable HOME PORT PAUSE_SECONDS`."""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn

from app.main import create_app
from tests.edge import make_container
from tests.fakes import FakeAttendant


def main() -> None:
    home, port, pause_seconds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    container = make_container(home, FakeAttendant(pause_seconds))
    uvicorn.run(create_app(container), port=port, log_level="error")


if __name__ == "__main__":
    main()

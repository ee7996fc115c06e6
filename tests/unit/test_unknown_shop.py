"""A shop's name that is misspelt is told as that by every command about releases, and nothing is called done."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.adapters.db.knowledge import SqlCatalogue
from app.bootstrap import open_database
from app.cli import app
from app.errors import NotFound
from app.knowledge.publish import Publisher
from app.settings import Settings
from app.terminal import show
from ingestion.sweep import sweep
from tests.fakes import FakeIndex

COMMANDS = ("list", "history", "diff 1 2", "checks 1")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_about_an_unknown_shop_fails_and_says_why(
    command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XIAOER_HOME", str(tmp_path))
    done = CliRunner().invoke(app, ["releases", *command.split(), "--shop", "nosuch"])
    assert done.exit_code == 1
    assert "There is no shop named 'nosuch' here." in " ".join(done.output.split())
    assert not isinstance(done.exception, NotFound)


async def test_there_is_nothing_to_go_back_to_or_to_sweep_in_an_unknown_shop(tmp_path: Path) -> None:
    with open_database(Settings(home=tmp_path)) as database:
        catalogue, index = SqlCatalogue(database), FakeIndex()
        with pytest.raises(NotFound, match="no shop named 'nosuch'"):
            await Publisher(catalogue, index).rollback("nosuch")
        with pytest.raises(NotFound, match="no shop named 'nosuch'"):
            await sweep("nosuch", home=tmp_path, catalogue=catalogue, index=index, kept=1)


def test_nothing_to_show_is_said_in_one_line_under_its_whole_title(capsys: pytest.CaptureFixture[str]) -> None:
    show([], False, "Releases of a shop with a long name")
    assert capsys.readouterr().out == "Releases of a shop with a long name: nothing\n"

"""`xiaoer channels` as its operator, and what the doctor says of channels."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from rich.console import Console
from typer.testing import CliRunner

from app.adapters.channels.book import FileChannelBook
from app.adapters.db.channels import SqlPostOffice
from app.bootstrap import master_key, open_database
from app.channels.channel import ChannelConfig, LetterKind, LetterState
from app.channels.ports import NewLetter
from app.cli import app
from app.doctor import examine
from app.settings import Settings
from tests.fake_chatwoot import SECRET, TOKEN, chatwoot

pytestmark = pytest.mark.integration
Call = Callable[..., Result]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.setenv("XIAOER_HOME", str(tmp_path))
    monkeypatch.setenv("XIAOER_MODEL", "none")
    monkeypatch.setenv("COLUMNS", "200")
    folder = tmp_path / "shops" / "hill"
    folder.mkdir(parents=True)
    (folder / "brand.yaml").write_text("name: Hill\n")
    return lambda *words, given="": CliRunner().invoke(app, ["channels", *words], input=given)


def add_chatwoot(call: Call, url: str = "https://chat.example.com") -> Result:
    words = ("add-chatwoot", "front", "--shop", "hill", "--url", url, "--account", "3", "--secrets-stdin")
    return call(*words, given=f"{SECRET}\n{TOKEN}\n")


async def a_dead_letter(home: Path) -> str:
    settings = Settings(home=home)
    with open_database(settings) as database:
        office = SqlPostOffice(database, master_key(settings))
        thread = await office.bind("front", "8", "c1")
        await office.write(thread, 1, [NewLetter(1, 0, LetterKind.MESSAGE, {"text": "my SECRET words"})])
        [letter] = await office.claim_letters()
        await office.finish(letter.id, LetterState.DEAD, "It answered 404.")
        return letter.id


def test_a_chatwoot_channel_is_set_up_and_shown_without_its_secrets(call: Call, tmp_path: Path) -> None:
    done = add_chatwoot(call)
    assert done.exit_code == 0, done.output
    assert "/v1/channels/front/webhook" in done.output
    shown, listed = call("show", "front").output, call("list", "--json").output
    for told in (done.output, shown, listed):
        assert SECRET not in told
        assert TOKEN not in told
    assert json.loads(listed)[0]["account"] == 3
    assert FileChannelBook(tmp_path / "channels").is_private("front")


def test_secrets_are_asked_for_and_not_echoed(call: Call) -> None:
    words = ("add-chatwoot", "front", "--shop", "hill", "--url", "https://chat.example.com", "--account", "3")
    done = call(*words, given="top-secret\ntop-token\n")
    assert done.exit_code == 0
    assert "top-" not in done.output


def test_a_webhooks_secret_is_made_and_shown_once(call: Call) -> None:
    done = call("add-webhook", "app", "--shop", "hill", "--url", "https://shop.example.com/x")
    assert "whsec_" in done.output
    assert "whsec_" not in call("show", "app").output
    bad = call(
        "add-webhook", "app", "--shop", "hill", "--url", "https://x.example.com", "--secret-stdin", given="short\n"
    )
    assert bad.exit_code == 1
    assert "whsec_" in bad.output


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("front", "nobody", "https://c.example.com"), "no shop"),
        (("../x", "hill", "https://c.example.com"), "name"),
        (("front", "hill", "ftp://c.example.com"), "https://"),
    ],
)
def test_what_cannot_work_is_refused_with_words_and_leaves_nothing(
    call: Call, tmp_path: Path, change: tuple[str, str, str], said: str
) -> None:
    name, shop, url = change
    words = ("add-chatwoot", name, "--shop", shop, "--url", url, "--account", "3", "--secrets-stdin")
    done = call(*words, given="s\nt\n")
    assert done.exit_code == 1
    assert said in done.output
    assert not list(tmp_path.rglob("*front*.json"))


async def test_dead_letters_are_listed_replayed_and_dropped(call: Call, tmp_path: Path) -> None:
    import asyncio

    add = await asyncio.to_thread(add_chatwoot, call)
    assert add.exit_code == 0
    id_ = await a_dead_letter(tmp_path)
    listed = (await asyncio.to_thread(call, "letters", "--state", "dead", "--json")).output
    assert [letter["id"] for letter in json.loads(listed)] == [id_]
    assert "SECRET" not in listed
    refused = await asyncio.to_thread(call, "replay")
    assert refused.exit_code == 1
    assert "--channel" in refused.output
    done = await asyncio.to_thread(call, "replay", id_)
    assert "1 letter(s) will be sent again" in done.output
    assert "go out when it starts" in done.output
    nothing = await asyncio.to_thread(call, "drop", "--channel", "front", "--yes")
    assert "0 letter(s)" in nothing.output


async def test_the_doctor_sees_channels_that_are_well_and_those_that_are_not(call: Call, tmp_path: Path) -> None:
    import asyncio

    async def channels() -> dict[str, Any]:
        told = StringIO()
        await examine(Settings(home=tmp_path, model="none", port=0), Console(file=told), as_json=True)
        return next(found for found in json.loads(told.getvalue()) if found["part"] == "channels")

    assert (await channels())["state"] == "ok"
    async with chatwoot() as chat:
        await asyncio.to_thread(add_chatwoot, call, chat.url)
        assert (await channels())["state"] == "ok"
        await a_dead_letter(tmp_path)
        found = await channels()
        assert (found["state"], "1 dead" in found["seen"]) == ("warn", True)
        assert "replay" in found["advice"]
        book = FileChannelBook(tmp_path / "channels")
        book.put(ChannelConfig("front", "chatwoot", "gone", chat.url, SECRET, "other", 3))
        (tmp_path / "channels" / "front.json").chmod(0o644)
        advice = (await channels())["advice"]
        for word in ("chmod 600", "'gone'", "does not know the bot's token"):
            assert word in advice
        (tmp_path / "channels" / "broken.json").write_text("{")
        assert (await channels())["state"] == "fail"
        assert chat.faults == []


def test_every_command_teaches(call: Call) -> None:
    for command in ("", "add-chatwoot", "add-webhook", "letters", "replay", "drop", "test", "show", "remove", "list"):
        told = call(*([command] if command else []), "--help")
        assert told.exit_code == 0
        assert len(told.output) > 200

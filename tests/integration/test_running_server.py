"""Commands beside a running server: one process owns the index, so they ask it instead of opening it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.running import FILE, address, announced, find_server

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

PROJECT = Path(__file__).parents[2]
BRAND = "name: Hill\nassistant_name: Hilly\nlanguages: [en]\ndefault_language: en\ngreeting: {en: Hello}\n"
FAQ = "question,answer\nDo you ship to Norway?,Yes: parcels to Norway take 6 working days.\n"
MORE = "Can I buy gift cards?,Gift cards are sold from £10 to £250.\n"


@dataclass
class Hill:
    """A home with a server on it, and a folder to read."""

    folder: Path
    home: Path
    port: int
    server: subprocess.Popen[bytes]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "app.cli", *command],
            check=False, cwd=PROJECT, env=environment(self.home, self.port), capture_output=True, text=True,
            timeout=120,
        )  # fmt: skip


def environment(home: Path, port: int) -> dict[str, str]:
    return os.environ | {"XIAOER_HOME": str(home), "XIAOER_PORT": str(port), "XIAOER_MODEL": "none", "COLUMNS": "160"}


@pytest.fixture(scope="module")
def hill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hill]:
    folder, home = tmp_path_factory.mktemp("hill"), tmp_path_factory.mktemp("home")
    (folder / "knowledge").mkdir()
    (folder / "brand.yaml").write_text(BRAND)
    (folder / "knowledge" / "faq.csv").write_text(FAQ)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    command = [sys.executable, "-m", "app.cli", "serve"]
    server = subprocess.Popen(command, cwd=PROJECT, env=environment(home, port))
    try:
        until = time.monotonic() + 90
        while not (home / FILE).exists():
            assert server.poll() is None
            assert time.monotonic() < until
            time.sleep(0.1)
        yield Hill(folder, home, port, server)
    finally:
        server.kill()
        server.wait()


def test_a_folder_is_read_by_the_server_and_asked_at_once(hill: Hill) -> None:
    read = hill.run("ingest", str(hill.folder), "--shop", "hill", "--json")
    assert read.returncode == 0, read.stderr
    assert json.loads(read.stdout)["live_release"] == 1
    asked = hill.run("ask", "Do you ship to Norway?", "--shop", "hill", "--json")
    assert asked.returncode == 0, asked.stderr
    reply = json.loads(asked.stdout)
    assert reply["release"] == 1
    assert reply["decision"] in ("answer", "clarify", "handoff")
    found = hill.run("search", "Do you ship to Norway?", "--shop", "hill", "--json")
    assert json.loads(found.stdout)["hits"][0]["locator"] == "row 2 | Do you ship to Norway?"


def test_a_suite_is_replayed_by_the_server_into_a_folder_that_is_made(hill: Hill, tmp_path: Path) -> None:
    hill.run("ingest", str(hill.folder), "--shop", "hill")
    suite, out = tmp_path / "suite.jsonl", tmp_path / "new" / "folder" / "replies.jsonl"
    said = [{"role": "user", "text": "Hello"}, {"role": "assistant", "text": "Hello, how can I help?"}]
    lines = [
        {"id": "one", "question": "Do you ship to Norway?", "as_of": "2026-05-01"},
        {"id": "two", "question": "And how long does it take?", "history": said, "order": {"order_id": "X1"}},
    ]
    suite.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = hill.run("replay", str(suite), "--shop", "hill", "--out", str(out))
    assert done.returncode == 0, done.stderr
    replies = [json.loads(line) for line in out.read_text().splitlines()]
    assert [reply["id"] for reply in replies] == ["one", "two"]
    assert set(replies[0]) >= {
        "text", "decision", "confidence", "citations", "handoff", "language", "release", "model_calls",
        "prompt_tokens", "timings_ms",
    }  # fmt: skip
    assert "6 working days" in replies[0]["text"]
    assert replies[0]["citations"][0]["locator"] == "row 2 | Do you ship to Norway?"


def test_only_commands_of_this_machine_replay(hill: Hill) -> None:
    key = (hill.home / "api-key").read_text().strip()
    request = urllib.request.Request(
        f"http://127.0.0.1:{hill.port}/v1/knowledge/replay",
        json.dumps({"shop": "hill", "text": "Hello"}).encode(),
        {"content-type": "application/json", "authorization": f"Bearer {key}"},
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    with refused.value:
        assert refused.value.code == 401


def test_a_second_reading_goes_live_in_the_running_server(hill: Hill) -> None:
    hill.run("ingest", str(hill.folder), "--shop", "hill")
    (hill.folder / "knowledge" / "faq.csv").write_text(FAQ + MORE)
    read = hill.run("ingest", str(hill.folder), "--shop", "hill")
    assert read.returncode == 0, read.stderr
    assert "is live" in read.stdout
    found = hill.run("search", "gift cards", "--shop", "hill", "--json")
    assert json.loads(found.stdout)["hits"][0]["locator"] == "row 3 | Can I buy gift cards?"


def test_a_problem_of_the_server_is_told_like_one_of_our_own(hill: Hill) -> None:
    read = hill.run("ingest", str(hill.folder / "nowhere"), "--shop", "hill")
    assert read.returncode == 1
    assert "nowhere" in read.stderr
    assert "Traceback" not in read.stderr


def test_the_api_key_alone_makes_nobody_read_folders(hill: Hill) -> None:
    key = (hill.home / "api-key").read_text()
    body = json.dumps({"path": "/etc", "shop": "hill"}).encode()
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{hill.port}/v1/knowledge/ingest", body, headers)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    with refused.value as answer:
        assert answer.code == 401
        assert json.load(answer)["type"].endswith("/not-allowed")
    assert (hill.home / FILE).stat().st_mode & 0o077 == 0


def test_the_doctor_finds_the_server_and_nothing_wrong(hill: Hill) -> None:
    looked = hill.run("doctor", "--json")
    findings = {one["part"]: one for one in json.loads(looked.stdout)}
    assert looked.returncode == 0, looked.stdout
    assert "running server" in findings["index"]["seen"]
    assert findings["port"]["state"] == "ok"


def test_a_server_that_stops_takes_its_file_away_and_one_that_was_killed_is_ignored(hill: Hill) -> None:
    left = (hill.home / FILE).read_text()
    hill.server.send_signal(signal.SIGINT)
    hill.server.wait(30)
    assert not (hill.home / FILE).exists()
    (hill.home / FILE).write_text(left)
    assert find_server(hill.home) is None
    asked = hill.run("search", "Norway", "--shop", "hill", "--json")
    assert asked.returncode == 0, asked.stderr


def test_a_file_that_tells_nothing_is_no_server(tmp_path: Path) -> None:
    told: list[Any] = ["", "[]", "{}", '{"url": "http://127.0.0.1:1", "pid": 0, "key": ""}']
    told.append(json.dumps({"url": 1, "pid": "x", "key": None}))
    told.append(json.dumps({"url": "http://127.0.0.1:1", "pid": os.getpid(), "key": "k"}))
    for text in told:
        (tmp_path / FILE).write_text(text)
        assert find_server(tmp_path) is None, text
    assert find_server(tmp_path / "nowhere") is None


def test_the_file_stays_when_another_server_has_taken_over(tmp_path: Path) -> None:
    with announced(tmp_path, "http://127.0.0.1:1", "k"):
        other = json.dumps({"url": "http://127.0.0.1:2", "pid": 1, "key": "other"})
        (tmp_path / FILE).write_text(other)
    assert (tmp_path / FILE).read_text() == other


def test_a_server_that_listens_everywhere_is_reached_on_this_machine() -> None:
    assert address("0.0.0.0", 8080) == "http://127.0.0.1:8080"
    assert address("::", 8080) == "http://[::1]:8080"
    assert address("::1", 8080) == "http://[::1]:8080"
    assert address("shop.example", 80) == "http://shop.example:80"

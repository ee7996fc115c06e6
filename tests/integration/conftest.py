"""Private servers for tests: started when their binaries are here, on sockets and ports of their own, then stopped."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

START_SECONDS = 30


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _plain_user() -> str | None:
    """Who runs servers that refuse root; None = ourselves."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


def _postgres_binary(name: str) -> str | None:
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: float(p.parts[-3]))
    return str(versions[-1]) if versions else shutil.which(name)


@contextmanager
def _folder(owner: str | None) -> Iterator[Path]:
    """A short path (socket names are limited) that the server's user may enter."""
    path = Path(tempfile.mkdtemp(prefix="xiaoer-", dir="/tmp"))
    try:
        if owner:
            shutil.chown(path, owner)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _running(command: list[str], ready: Callable[[], bool], user: str | None, log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, user=user, cwd="/tmp")
    try:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{command[0]} did not start: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """SQLAlchemy URL of an empty, private PostgreSQL, gone after the session."""
    initdb, server = _postgres_binary("initdb"), _postgres_binary("postgres")
    if not initdb or not server:
        pytest.skip("PostgreSQL is not installed (Debian: apt install postgresql)")
    user = _plain_user()
    with _folder(user) as folder:
        data, port = folder / "data", _free_port()
        subprocess.run(
            [initdb, "-D", str(data), "-U", "xiaoer", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            user=user, cwd="/tmp", check=True, capture_output=True,
        )  # fmt: skip
        options = ["-c", "fsync=off", "-c", f"unix_socket_directories={folder}", "-c", "listen_addresses=127.0.0.1"]
        socket_file = folder / f".s.PGSQL.{port}"
        ready = lambda: socket_file.exists() and _answers(port)  # noqa: E731
        with _running([server, "-D", str(data), "-p", str(port), *options], ready, user, folder / "log"):
            yield f"postgresql+psycopg://xiaoer@127.0.0.1:{port}/postgres"


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """URL of an empty, private Redis without persistence, gone after the session."""
    server = shutil.which("redis-server")
    if not server:
        pytest.skip("Redis is not installed (Debian: apt install redis-server)")
    port = _free_port()
    with _folder(None) as folder:
        command = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        with _running(command, lambda: _answers(port), None, folder / "log"):
            yield f"redis://127.0.0.1:{port}/0"


class PausableRedis:
    """A Redis of one test, which may go away and come back at the same address."""

    def __init__(self, binary: str, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.port = _free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._command = [binary, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Run it, and return once it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, cwd="/tmp", env=self._environment)
        deadline = time.monotonic() + START_SECONDS
        while not _answers(self.port):
            assert time.monotonic() < deadline, "Redis did not start"
            time.sleep(0.02)

    def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def hang(self, *, hangs: bool = True) -> None:
        """Let it keep its connections and answer nothing; or go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP if hangs else signal.SIGCONT)


@pytest.fixture
def pausable_redis() -> Iterator[PausableRedis]:
    """A Redis that the test may stop, hang and start again."""
    with _pausable_redis() as redis:
        yield redis


@contextmanager
def _pausable_redis(environment: Mapping[str, str] | None = None) -> Iterator[PausableRedis]:
    server = shutil.which("redis-server")
    if not server:
        pytest.skip("Redis is not installed (Debian: apt install redis-server)")
    with _folder(None) as folder:
        redis = PausableRedis(server, folder, environment)
        try:
            yield redis
        finally:
            redis.stop()


class LeapingClock:
    """The wall clock of the processes that are started with its `environment`, on the hour or any other time."""

    def __init__(self, library: Path, file: Path) -> None:
        self._file = file
        self.environment = {"LD_PRELOAD": str(library), "LEAPING_CLOCK": str(file)}
        self.leap(0)

    def leap(self, seconds: int) -> None:
        """Be so many seconds ahead of the real time from now on; what was ahead before is put back."""
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("q", seconds))


@pytest.fixture
def leaping_clock(tmp_path: Path) -> LeapingClock:
    """A clock that the test may set, for processes that it starts."""
    compiler = shutil.which("cc")
    if not compiler or not sys.platform.startswith("linux"):
        pytest.skip("A C compiler on Linux is needed to set a process' clock (Debian: apt install gcc libc6-dev)")
    library = tmp_path / "leaping_clock.so"
    source = Path(__file__).parents[1] / "leaping_clock.c"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"The C compiler makes no library (Debian: apt install libc6-dev): {made.stderr[:200]}")
    return LeapingClock(library, tmp_path / "ahead")


@pytest.fixture
def leaping_redis(leaping_clock: LeapingClock) -> Iterator[PausableRedis]:
    """A Redis by that clock."""
    with _pausable_redis(leaping_clock.environment) as redis:
        yield redis

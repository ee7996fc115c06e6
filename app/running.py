"""Finds the server that runs on a home, and asks it: one process owns the index, so a command must not open it too.

The server leaves `server.json` (address, process, a key made for this run) under its home, readable by its owner only.
Whoever can read it owns the data anyway; whoever merely has the API key cannot make the server read local folders.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.errors import Unavailable, XiaoerError

FILE = "server.json"
ALIVE_SECONDS = 2.0
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}  # noqa: S104  what a server may listen on


class Answered(XiaoerError):
    """A problem that the running server answered with, as it told it."""

    def __init__(self, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("detail") or "The running server could not do it; see its log."))
        self.title = str(problem.get("title") or self.title)
        self.slug = str(problem.get("type") or self.slug).rsplit("/", 1)[-1]
        self.status = int(problem.get("status") or self.status)


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server of this home, the key of its run, and the confidence threshold that its settings said at its start."""

    url: str
    pid: int
    key: str
    threshold: float | None = None

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Its JSON reply, however long it takes. Raises Answered with its problem, Unavailable when it went away."""
        try:
            with _opener().open(self._request(path, body, "application/json")) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                raise Answered(_problem(error.read())) from error
        except OSError as error:
            raise self._went_away() from error

    def follow(self, path: str, body: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The (event, data) of a reply that comes in pieces. Raises as `post` does."""
        try:
            with _opener().open(self._request(path, body, "text/event-stream")) as response:
                event = ""
                for line in response:
                    name, _, value = line.decode().rstrip("\n").partition(": ")
                    if name == "event":
                        event = value
                    elif name == "data":
                        yield event, json.loads(value)
        except urllib.error.HTTPError as error:
            with error:
                raise Answered(_problem(error.read())) from error
        except (OSError, http.client.HTTPException) as error:
            raise self._went_away() from error

    def _request(self, path: str, body: Mapping[str, Any], accept: str) -> urllib.request.Request:
        headers = {"content-type": "application/json", "accept": accept, "authorization": f"Bearer {self.key}"}
        return urllib.request.Request(self.url + path, json.dumps(body).encode(), headers)  # noqa: S310  its own address

    def _went_away(self) -> Unavailable:
        return Unavailable(
            f"The server at {self.url} (process {self.pid}) went away before it answered. The live release is as "
            "it was before or as the server finished it; look at its log, then run this again."
        )

    def answers(self) -> bool:
        """Whether its process is there and says that it is alive."""
        if not _is_there(self.pid):
            return False
        with contextlib.suppress(OSError), _opener().open(f"{self.url}/healthz", timeout=ALIVE_SECONDS) as response:
            return bool(response.status == 200)
        return False


def new_run_key() -> str:
    """A key that is good for one run of a server."""
    return "xr_" + secrets.token_urlsafe(32)


def address(host: str, port: int) -> str:
    """The URL at which this machine reaches a server that listens there."""
    reached = _EVERYWHERE.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{reached}:{port}"


def port_problem(host: str, port: int) -> str:
    """Why a server cannot listen there, in the system's words; "" when it can."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as problem:
            return problem.strerror or str(problem)
    return ""


def find_server(home: Path) -> RunningServer | None:
    """The server that runs on this home, or None. What a killed server left behind is ignored."""
    try:
        told = json.loads((home / FILE).read_text(encoding="utf-8"))
        server = RunningServer(str(told["url"]), int(told["pid"]), str(told["key"]), told.get("threshold"))
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return server if server.answers() else None


@contextmanager
def announced(home: Path, url: str, key: str, threshold: float | None = None) -> Iterator[None]:
    """Leave the server's file under home for as long as the block runs."""
    path, own = home / FILE, RunningServer(url, os.getpid(), key, threshold)
    draft = home / f".{FILE}.{own.pid}"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(own), file)
    draft.replace(path)
    try:
        yield
    finally:
        with contextlib.suppress(OSError, ValueError):
            if json.loads(path.read_text(encoding="utf-8")).get("pid") == own.pid:
                path.unlink()


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def _opener() -> urllib.request.OpenerDirector:
    """Without the proxy of the environment: the server is on this machine."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _problem(body: bytes) -> Mapping[str, Any]:
    with contextlib.suppress(ValueError):
        problem = json.loads(body)
        if isinstance(problem, dict):
            return problem
    return {}

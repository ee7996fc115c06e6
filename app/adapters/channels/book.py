"""Channels as files under home: `channels/NAME.json`, readable by their owner only, since they hold secrets."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.adapters.channels.chatwoot import ChatwootChannel
from app.adapters.channels.webhook import WebhookChannel
from app.channels.channel import Channel, ChannelConfig
from app.errors import BadInput, ConfigurationError, NotFound

KINDS: Mapping[str, Callable[[ChannelConfig], Channel]] = {"chatwoot": ChatwootChannel, "webhook": WebhookChannel}
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class FileChannelBook:
    """Implements app.channels.ports.ChannelBook. A file that is changed counts from the next delivery on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, tuple[int, Channel]] = {}
        self._old: list[Channel] = []

    def names(self) -> list[str]:
        """All that have a file."""
        return sorted(path.stem for path in self._folder.glob("*.json") if NAME.fullmatch(path.stem))

    def channel(self, name: str) -> Channel | None:
        """The channel of that name. Raises ConfigurationError for a file that is none."""
        path = self._path(name)
        try:
            changed = path.stat().st_mtime_ns if path else None
        except OSError:
            changed = None
        if path is None or changed is None:
            return None
        kept = self._open.get(name)
        if kept is None or kept[0] != changed:
            if kept:
                self._old.append(kept[1])
            config = read_config(path)
            kept = self._open[name] = (changed, KINDS[config.kind](config))
        return kept[1]

    def put(self, config: ChannelConfig) -> Path:
        """Write it down, instead of one of the same name. Raises BadInput for what cannot work."""
        path = self._path(config.name)
        if path is None:
            raise BadInput("A channel's name is up to 40 of a-z, 0-9 and -. Nothing was written.")
        check_config(config)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(asdict(config), file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        return path

    def remove(self, name: str) -> None:
        """Forget it, with its secrets. Raises NotFound."""
        path = self._path(name)
        if path is None or not path.exists():
            raise NotFound(f"There is no channel {name!r}. `xiaoer channels list` shows them.")
        path.unlink()

    def is_private(self, name: str) -> bool:
        """Whether only its owner can read the file."""
        path = self._path(name)
        return path is not None and not stat.S_IMODE(path.stat().st_mode) & 0o077

    async def close(self) -> None:
        """Close every connection."""
        for channel in [*self._old, *(channel for _, channel in self._open.values())]:
            await channel.close()

    def _path(self, name: str) -> Path | None:
        return self._folder / f"{name}.json" if NAME.fullmatch(name) else None


def read_config(path: Path) -> ChannelConfig:
    """The channel in a file. Raises ConfigurationError that names the file, never what stands in it."""
    try:
        raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        known = {k: v for k, v in raw.items() if k in ChannelConfig.__dataclass_fields__}
        config = ChannelConfig(**{**known, "name": path.stem, "inboxes": tuple(raw.get("inboxes", ()))})
        check_config(config)
    except (OSError, ValueError, TypeError, AttributeError, BadInput) as problem:
        why = str(problem) if isinstance(problem, BadInput) else type(problem).__name__
        raise ConfigurationError(
            f"The channel file {path} cannot be used ({why}). Write it anew with `xiaoer channels add`."
        ) from problem
    return config


def check_config(config: ChannelConfig) -> None:
    """Raises BadInput for what cannot work."""
    if config.kind not in KINDS:
        raise BadInput(f"A channel is one of {', '.join(KINDS)}.")
    if not config.url.startswith(("http://", "https://")):
        raise BadInput("The address has to begin with https:// (or http:// within a private network).")
    if not config.shop or not config.secret:
        raise BadInput("A channel needs its shop and its secret.")
    if config.kind == "chatwoot" and not (config.account > 0 and config.token):
        raise BadInput("Chatwoot needs the number of the account and the bot's access token.")

"""Files of a multipart upload, written to disk as they come: memory holds one piece at a time."""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from app.errors import DISK_FULL, NO_ROOM, BadInput, TooLarge, Unavailable

MAX_FILES = 500
MAX_FIELD_BYTES = 10_000
_SPOOL_BYTES = 1024 * 1024
_UNSAFE = re.compile(r'[\x00-\x1f<>:"|?*]')


@dataclass(slots=True)
class Received:
    """What came: fields by name, and the paths of the files below the folder they were written to."""

    fields: dict[str, str] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)


async def receive_files(request: Request, folder: Path, limit_bytes: int) -> Received:
    """Write every file of the body below `folder`. Raises BadInput or TooLarge; the caller then removes the folder."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise BadInput("The body is no multipart/form-data. Nothing was kept; send the files as form fields.")
    receiver = _Receiver(folder)
    parser = MultipartParser(options[b"boundary"], receiver.callbacks())  # type: ignore[arg-type]
    total, waiting = 0, bytearray()
    try:
        async for piece in request.stream():
            total += len(piece)
            if total > limit_bytes:
                raise TooLarge(f"The upload is over {limit_bytes // 1024**2} MB. Nothing was kept; send less at once.")
            waiting += piece
            if len(waiting) >= _SPOOL_BYTES:
                await asyncio.to_thread(parser.write, bytes(waiting))
                waiting.clear()
        await asyncio.to_thread(parser.write, bytes(waiting))
        parser.finalize()
    except FormParserError:
        raise BadInput("The upload is damaged or was cut off. Nothing was kept; send it again.") from None
    except OSError as error:
        if error.errno in DISK_FULL:
            raise Unavailable(NO_ROOM) from error
        raise
    finally:
        receiver.close()
    if not receiver.ended:
        raise BadInput("The upload was cut off before its end. Nothing was kept; send it again.")
    return receiver.received


class _Receiver:
    """Called by the parser: opens a file for each part that has a name, collects the other fields."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.received = Received()
        self.ended = False
        self._header = self._value = b""
        self._headers: dict[bytes, bytes] = {}
        self._name = ""
        self._text = bytearray()
        self._file: BinaryIO | None = None

    def callbacks(self) -> dict[str, object]:
        """What the parser calls."""
        names = (
            "part_begin", "part_data", "part_end", "header_field", "header_value", "header_end", "headers_finished",
            "end",
        )  # fmt: skip
        return {f"on_{name}": getattr(self, f"_{name}") for name in names}

    def close(self) -> None:
        """Close what is still open."""
        with contextlib.suppress(OSError):
            if self._file:
                self._file.close()

    def _part_begin(self) -> None:
        self._headers, self._text, self._name = {}, bytearray(), ""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header = self._value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" in options and (given := options[b"filename"].decode("utf-8", "replace")):
            self._open(given)

    def _open(self, given: str) -> None:
        path = upload_path(given)
        if path in self.received.paths:
            raise BadInput(f"“{path}” came twice. Nothing was kept; send each file once.")
        if len(self.received.paths) >= MAX_FILES:
            raise BadInput(f"More than {MAX_FILES} files came at once. Nothing was kept; send a zip, or fewer.")
        target = self._folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        self._file = target.open("xb")
        self.received.paths.append(path)

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._file:
            self._file.write(data[start:end])
        elif len(self._text) + end - start > MAX_FIELD_BYTES:
            raise BadInput(f"The field {self._name!r} is too long. Nothing was kept.")
        else:
            self._text += data[start:end]

    def _part_end(self) -> None:
        if self._file:
            self._file.close()
            self._file = None
        elif self._name:
            self.received.fields[self._name] = self._text.decode("utf-8", "replace")

    def _end(self) -> None:
        self.ended = True


def upload_path(given: str) -> str:
    """The path a browser gave a file, below the upload's own folder. Raises BadInput when it leads elsewhere."""
    parts = [part.strip() for part in given.replace("\\", "/").split("/")]
    if re.match(r"[A-Za-z]:", given):
        parts = parts[-1:]  # an old browser sends the whole path of the editor's own disk
    if ".." in parts or not all(parts) or len(parts) > 20 or any(len(part.encode()) > 200 for part in parts):
        raise BadInput(f"“{given[:80]}” is no name for a file. Nothing was kept; rename it and send it again.")
    return "/".join(_UNSAFE.sub("_", part) for part in parts)

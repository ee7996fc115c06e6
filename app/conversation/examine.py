"""What a file that a shopper sends really is. Its name and its declared type are not asked.

Taken are JPEG, PNG, GIF, WebP and PDF. A file that is two things at once (a picture with a page, an archive or a
program behind it) is refused: one program would show the picture, another would run the rest.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.conversation.pictures import NoPicture, Picture, clean_gif, clean_jpeg, clean_png, clean_webp
from app.errors import UnwantedFile

MOST_PIXELS = 60_000_000
MOST_SIDE = 20_000
"""Larger pictures are no photos; they would only choke whoever opens them."""
NAME_CHARACTERS = 80
_ENDINGS = {
    "image/jpeg": (".jpg", ".jpeg"),
    "image/png": (".png",),
    "image/gif": (".gif",),
    "image/webp": (".webp",),
    "application/pdf": (".pdf",),
}
_CLEAN: Mapping[str, Callable[[bytes], Picture]] = {
    "image/jpeg": clean_jpeg,
    "image/png": clean_png,
    "image/gif": clean_gif,
    "image/webp": clean_webp,
}
_OTHER = re.compile(
    rb"\s*(?:<[?!a-z]|#!|MZ|\x1f\x8b|\x7fELF|\xca\xfe\xba\xbe)|"
    rb".*(?:<\s*(?:script|html|svg|body|iframe|\?php)|PK\x03\x04|%PDF-|Rar!\x1a\x07|7z\xbc\xaf\x27)",
    re.IGNORECASE | re.DOTALL,
)
"""How a page, an archive, a program or another document begins: right behind the picture, or, where the sign is long
enough to be no chance, anywhere behind it. Cameras put films and notes of their own there, which are just cut off."""
_ACTIVE = re.compile(rb"/(?:JavaScript|JS|Launch|EmbeddedFiles?|RichMedia|XFA|SubmitForm|ImportData)(?![A-Za-z])")
_STREAM = re.compile(rb"\bstream\r?\n.*?endstream", re.DOTALL)
_TAKEN = "Pictures (JPEG, PNG, GIF, WebP) and PDF documents are taken."


@dataclass(frozen=True, slots=True)
class Examined:
    """A file as it may be kept. Pixels are 0 for a document."""

    data: bytes
    media_type: str
    name: str
    width: int = 0
    height: int = 0


def examine(data: bytes, name: str = "") -> Examined:
    """What the file is, with nothing in it but that. Raises UnwantedFile, which says why."""
    media_type = _kind(data)
    if not media_type:
        raise UnwantedFile(f"This is neither a picture nor a PDF document. Nothing was kept. {_TAKEN}")
    if media_type == "application/pdf":
        _need_plain_pdf(data)
        return Examined(data, media_type, file_name(name, media_type))
    try:
        picture = _CLEAN[media_type](data)
    except NoPicture as problem:
        raise UnwantedFile(
            f"The picture is damaged or was cut off ({problem}). Nothing was kept; send it again or take another one."
        ) from problem
    if _OTHER.match(picture.rest):
        raise UnwantedFile("Another file is hidden behind the picture. Nothing was kept; send the picture alone.")
    if max(picture.width, picture.height) > MOST_SIDE or picture.width * picture.height > MOST_PIXELS:
        raise UnwantedFile(
            f"The picture has {picture.width} × {picture.height} pixels, which is more than anybody can open. Nothing "
            "was kept; send a smaller one."
        )
    return Examined(picture.data, media_type, file_name(name, media_type), picture.width, picture.height)


def _kind(data: bytes) -> str:
    if data[:3] == b"\xff\xd8\xff":
        return "image/jpeg"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "image/png"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "image/gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return "application/pdf" if re.match(rb"%PDF-[12]\.\d", data) else ""


def _need_plain_pdf(data: bytes) -> None:
    """Raises UnwantedFile for a document that is cut off, that does something, or that is something else too. Names
    inside compressed parts cannot be seen here: whoever opens it gets it as a download, never inside a page of ours."""
    end = data.rfind(b"%%EOF")
    if end < 0 or data[end + 5 :].strip(b"\r\n \t\0"):
        raise UnwantedFile(
            "The document is cut off, or something follows behind its end. Nothing was kept; save it again and send it."
        )
    zipped = data.rfind(b"PK\x05\x06")
    is_archive = zipped >= 0 and zipped + 22 + int.from_bytes(data[zipped + 20 : zipped + 22], "little") <= len(data)
    first = data[:2_048].lower()
    is_page = any(sign in first for sign in (b"<script", b"<html", b"<svg", b"<?php"))
    if is_page or (is_archive and b"PK\x01\x02" in data):
        raise UnwantedFile("The document is another file as well. Nothing was kept; print it to a PDF and send that.")
    told = _STREAM.sub(b"", data)
    plain = re.sub(rb"#([0-9A-Fa-f]{2})", lambda escaped: bytes((int(escaped[1], 16),)), told)
    if _ACTIVE.search(plain):
        raise UnwantedFile(
            "The document holds a script, a form or another file. Nothing was kept; print it to a PDF and send that."
        )


def file_name(given: str, media_type: str) -> str:
    """A name to show and to save under: no path, nothing invisible, and the ending of what it is."""
    last = given.replace("\\", "/").rpartition("/")[2]
    visible = (c for c in unicodedata.normalize("NFC", last) if unicodedata.category(c)[0] != "C")
    shown = "".join(c for c in visible if c not in '<>:"|?*')
    endings = _ENDINGS[media_type]
    stem = " ".join(shown.split()).strip(". ")
    if stem.lower().endswith(endings):
        stem = stem[: stem.rindex(".")]
    plain = "document" if media_type == "application/pdf" else "picture"
    return (stem[:NAME_CHARACTERS].strip(". ") or plain) + endings[0]

"""Real pictures and documents, made here, and files that pretend to be some."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Any

from PIL import Image


def a_picture(kind: str = "PNG", size: tuple[int, int] = (40, 30), frames: int = 1, **options: Any) -> bytes:
    """A picture with a little of everything in it."""
    made = [Image.effect_mandelbrot(size, (-3, -2.5, 2 + n, 2.5), 20).convert("RGB") for n in range(frames)]
    written = io.BytesIO()
    if frames > 1:
        options |= {"save_all": True, "append_images": made[1:], "loop": 0}
    made[0].save(written, kind, **options)
    return written.getvalue()


def pixels_of(data: bytes) -> list[Any]:
    """Every frame's pixels, as a viewer would show them."""
    with Image.open(io.BytesIO(data)) as picture:
        shown = []
        for frame in range(getattr(picture, "n_frames", 1)):
            picture.seek(frame)
            shown.append(picture.convert("RGB").tobytes())
        return shown


def a_pdf(body: bytes = b"") -> bytes:
    """A document of one empty page."""
    return (
        b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\n"
        b"endobj\n" + body + b"\ntrailer\n<< /Root 1 0 R >>\nstartxref\n0\n%%EOF\n"
    )


def an_archive() -> bytes:
    """A zip, which is what a .jar and a .docx are too."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("Evil.class", "run me")
    return written.getvalue()


def a_png_of(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims that many pixels."""
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"")),
        (b"IEND", b""),
    ]
    chunks = [struct.pack(">I", len(b)) + k + b + struct.pack(">I", zlib.crc32(k + b)) for k, b in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)

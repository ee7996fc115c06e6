"""Reads pictures part by part and writes them anew with nothing in them but the picture.

Place, device and owner of a photo go, and so does whatever somebody hid in it: a comment, a profile, a second file
behind the end. Nothing is decoded; what does not keep to its format is no picture.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

_JPEG_KEPT = frozenset({0xDB, 0xDD, 0xC4, 0xCC, *range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC)})
_JPEG_FRAMES = frozenset({*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC)})
_JFIF = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
_PNG_KEPT = frozenset(
    {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"gAMA", b"cHRM", b"sRGB", b"acTL", b"fcTL", b"fdAT"}
)
_PNG_SIGN = b"\x89PNG\r\n\x1a\n"
_WEBP_KEPT = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ANIM", b"ANMF", b"ALPH"})
_WEBP_FLAGS = 0x12
"""Of VP8X: transparency and animation. Profile, Exif and XMP are gone, so their flags are too."""
_GIF_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
_MOST_PARTS = 20_000


class NoPicture(ValueError):
    """What was read does not keep to its format."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture and nothing else. `rest` is what lay behind its end, which is not part of `data`. Sizes in pixels."""

    data: bytes
    width: int
    height: int
    rest: bytes = b""


def clean_jpeg(data: bytes) -> Picture:
    """The picture of a JPEG, upright as it was meant."""
    kept, at, size, turned = [b"\xff\xd8"], 2, (0, 0), b""
    for _ in range(_MOST_PARTS):
        at, marker = _jpeg_marker(data, at)
        if marker == 0xD9:
            if not size[0]:
                raise NoPicture("no frame")
            return Picture(b"".join([kept[0], _JFIF, turned, *kept[1:], b"\xff\xd9"]), *size, data[at:])
        length = _number(data, at, ">H")
        segment = data[at : at + length]
        if length < 2 or len(segment) < length:
            raise NoPicture("a part is cut off")
        at += length
        if marker in _JPEG_FRAMES:
            size = (_number(segment, 5, ">H"), _number(segment, 3, ">H"))
        if marker == 0xDA:
            end = _jpeg_scan_end(data, at)
            kept.append(b"\xff\xda" + segment + data[at:end])
            at = end
        elif marker in _JPEG_KEPT or (marker == 0xEE and segment[2:7] == b"Adobe" and length == 14):
            kept.append(bytes((0xFF, marker)) + segment)
        elif marker == 0xE1 and segment[2:8] == b"Exif\x00\x00":
            turned = turned or _orientation(segment[8:])
    raise NoPicture("too many parts")


def _jpeg_marker(data: bytes, at: int) -> tuple[int, int]:
    if data[at : at + 1] != b"\xff":
        raise NoPicture("no marker where one must be")
    while data[at : at + 1] == b"\xff":
        at += 1
    if at >= len(data):
        raise NoPicture("cut off")
    return at + 1, data[at]


def _jpeg_scan_end(data: bytes, at: int) -> int:
    """Where the compressed data end: at the next marker that is neither a stuffed byte nor a restart."""
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        if data[at + 1] not in (0x00, 0xFF, *range(0xD0, 0xD8)):
            return at
        at += 1 if data[at + 1] == 0xFF else 2
    raise NoPicture("cut off")


def _orientation(tiff: bytes) -> bytes:
    """An Exif part that says how the photo is to be turned and nothing else; nothing where it stands upright."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return b""
    try:
        first = _number(tiff, 4, order + "I")
        for entry in range(min(_number(tiff, first, order + "H"), 100)):
            tag, kind, _ = struct.unpack_from(order + "HHI", tiff, first + 2 + 12 * entry)
            if tag == 0x0112 and kind == 3:
                turn = _number(tiff, first + 2 + 12 * entry + 8, order + "H")
                body = b"Exif\x00\x00MM\x00*\x00\x00\x00\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, turn, 0, 0)
                return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body if 2 <= turn <= 8 else b""
    except (NoPicture, struct.error):
        pass
    return b""


def clean_png(data: bytes) -> Picture:
    """The picture of a PNG."""
    kept, at, size, drawn = [_PNG_SIGN], len(_PNG_SIGN), (0, 0), False
    for _ in range(_MOST_PARTS):
        length, kind = _number(data, at, ">I"), data[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(data) or zlib.crc32(data[at + 4 : end - 4]) != _number(data, end - 4, ">I"):
            raise NoPicture("a part is cut off or damaged")
        if kind == b"IHDR":
            size = (_number(data, at + 8, ">I"), _number(data, at + 12, ">I"))
        if (kind == b"IHDR") != (at == len(_PNG_SIGN)):
            raise NoPicture("parts out of order")
        drawn = drawn or kind == b"IDAT"
        if kind in _PNG_KEPT:
            kept.append(data[at:end])
        at = end
        if kind == b"IEND":
            if not drawn:
                raise NoPicture("nothing drawn")
            return Picture(b"".join(kept), *size, data[at:])
    raise NoPicture("too many parts")


def clean_gif(data: bytes) -> Picture:
    """The picture of a GIF, moving or not."""
    width, height, flags = _number(data, 6, "<H"), _number(data, 8, "<H"), _number(data, 10, "<B")
    at = 13 + _colours(flags)
    kept, drawn = [data[:at]], False
    for _ in range(_MOST_PARTS):
        kind = data[at : at + 1]
        if kind == b"\x3b" and drawn:
            return Picture(b"".join(kept) + b"\x3b", width, height, data[at + 1 :])
        if kind == b"\x2c" and at + 10 < len(data):
            end = _gif_blocks_end(data, at + 11 + _colours(data[at + 9]))
            kept.append(data[at:end])
            drawn = True
        elif kind == b"\x21":
            end = _gif_blocks_end(data, at + 2)
            label, named = data[at + 1 : at + 2], data[at + 3 : at + 14]
            if label == b"\xf9" or (label == b"\xff" and named in _GIF_LOOPS and end - at == 19):
                kept.append(data[at:end])
        else:
            raise NoPicture("a part that is none")
        at = end
    raise NoPicture("too many parts")


def _colours(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _gif_blocks_end(data: bytes, at: int) -> int:
    while at < len(data):
        length = data[at]
        at += 1 + length
        if not length:
            return at
    raise NoPicture("cut off")


def clean_webp(data: bytes) -> Picture:
    """The picture of a WebP, moving or not."""
    end = 8 + _number(data, 4, "<I")
    if end > len(data):
        raise NoPicture("cut off")
    kept: list[bytes] = []
    at, size = 12, (0, 0)
    while at < end:
        kind, length = data[at : at + 4], _number(data, at + 4, "<I")
        part_end = at + 8 + length + length % 2
        if part_end > end or len(kept) > _MOST_PARTS:
            raise NoPicture("a part is cut off")
        body = data[at + 8 : at + 8 + length]
        size = size if size[0] else _webp_size(kind, body)
        if kind == b"VP8X":
            body = bytes((body[0] & _WEBP_FLAGS,)) + body[1:10]
            kept.append(kind + struct.pack("<I", 10) + body)
        elif kind in _WEBP_KEPT:
            kept.append(data[at:part_end])
        at = part_end
    if not size[0]:
        raise NoPicture("nothing drawn")
    whole = b"WEBP" + b"".join(kept)
    return Picture(b"RIFF" + struct.pack("<I", len(whole)) + whole, *size, data[end:])


def _webp_size(kind: bytes, body: bytes) -> tuple[int, int]:
    if kind == b"VP8X" and len(body) >= 10:
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        return _number(body, 6, "<H") & 0x3FFF, _number(body, 8, "<H") & 0x3FFF
    if kind == b"VP8L" and body[:1] == b"\x2f":
        bits = _number(body, 1, "<I")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return 0, 0


def _number(data: bytes, at: int, form: str) -> int:
    try:
        return int(struct.unpack_from(form, data, at)[0])
    except struct.error as error:
        raise NoPicture("cut off") from error

"""A file is what its bytes are: pictures come out as pictures and nothing else, and what is two things is refused."""

from __future__ import annotations

import io
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from app.conversation.examine import examine, file_name
from app.errors import UnwantedFile
from tests.pictures import a_pdf, a_picture, a_png_of, an_archive, pixels_of

SCRIPT = b"<script>document.title='owned'</script>"
KINDS = [
    ("JPEG", {}, "image/jpeg"),
    ("JPEG", {"progressive": True, "quality": 95, "subsampling": 0}, "image/jpeg"),
    ("PNG", {}, "image/png"),
    ("PNG", {"frames": 3}, "image/png"),
    ("GIF", {}, "image/gif"),
    ("GIF", {"frames": 3}, "image/gif"),
    ("WEBP", {}, "image/webp"),
    ("WEBP", {"lossless": True}, "image/webp"),
    ("WEBP", {"frames": 3}, "image/webp"),
]


@pytest.mark.parametrize(("kind", "options", "media_type"), KINDS)
def test_a_picture_comes_out_with_the_same_pixels(kind: str, options: dict[str, object], media_type: str) -> None:
    data = a_picture(kind, **options)  # type: ignore[arg-type]
    kept = examine(data, "a.bin")
    assert (kept.media_type, kept.width, kept.height) == (media_type, 40, 30)
    assert pixels_of(kept.data) == pixels_of(data)


@pytest.mark.parametrize(("kind", "options"), [("JPEG", {}), ("PNG", {}), ("WEBP", {})])
def test_place_device_and_hidden_words_of_a_photo_are_gone_but_it_stands_upright(
    kind: str, options: dict[str, object]
) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera maker"
    exif.get_ifd(0x8825)[2] = (31.0, 14.0, 5.0)
    data = a_picture(kind, exif=exif, **({"comment": SCRIPT} if kind == "JPEG" else {}))
    assert b"Camera maker" in data
    kept = examine(data).data
    assert b"Camera maker" not in kept
    assert b"script" not in kept
    if kind == "JPEG":
        assert dict(Image.open(io.BytesIO(kept)).getexif()) == {0x0112: 6}
    assert pixels_of(kept) == pixels_of(data)


def test_a_comment_in_a_gif_or_a_text_in_a_png_is_gone() -> None:
    assert b"owned" not in examine(a_picture("GIF", comment=SCRIPT)).data
    from PIL.PngImagePlugin import PngInfo

    told = PngInfo()
    told.add_text("Comment", SCRIPT.decode())
    assert b"owned" not in examine(a_picture("PNG", pnginfo=told)).data


def test_what_a_camera_puts_behind_a_photo_is_cut_off() -> None:
    data = a_picture("JPEG")
    film = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 40
    assert examine(data + film).data == examine(data).data


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
@pytest.mark.parametrize(
    "hidden",
    [SCRIPT, b"\n<!DOCTYPE html><html>", b"<?php system('id');", an_archive(), b"\0" * 500 + an_archive(), a_pdf(),
     b"MZ" + bytes(100), b"\x7fELF" + bytes(100), b"#!/bin/sh\n", b"Rar!\x1a\x07\x00",
     bytes(64) + b"<svg onload=alert(1)>"],
)  # fmt: skip
def test_another_file_behind_a_picture_is_refused(kind: str, hidden: bytes) -> None:
    with pytest.raises(UnwantedFile, match="hidden behind"):
        examine(a_picture(kind) + hidden)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"hello", b"<html><script>alert(1)</script>",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        an_archive(), b"MZ" + bytes(200), b"\x7fELF" + bytes(200), b"#!/bin/sh\nrm -rf /", b"GIF89a/*" + b"A" * 4,
        b"BM" + bytes(100), b"\x00\x00\x00\x18ftypheic" + bytes(100), SCRIPT + b"\x89PNG\r\n\x1a\n",
        b" %PDF-1.4\n%%EOF",
    ],
)  # fmt: skip
def test_what_is_no_picture_and_no_document_is_refused(data: bytes) -> None:
    with pytest.raises(UnwantedFile):
        examine(data, "photo.png")


@pytest.mark.parametrize(("kind", "options", "media_type"), KINDS)
def test_a_picture_cut_off_anywhere_is_refused(kind: str, options: dict[str, object], media_type: str) -> None:
    data = a_picture(kind, **options)  # type: ignore[arg-type]
    for length in itertools.chain(range(0, 64), range(64, len(data) - 1, 97)):
        with pytest.raises(UnwantedFile):
            examine(data[:length])


@given(st.sampled_from(["JPEG", "PNG", "GIF", "WEBP"]), st.lists(st.tuples(st.integers(8, 900), st.integers(0, 255))))
def test_a_damaged_picture_is_refused_or_kept_and_never_an_error_of_ours(
    kind: str, damages: list[tuple[int, int]]
) -> None:
    data = bytearray(a_picture(kind, (12, 9)))
    for at, value in damages:
        data[at % len(data)] = value
    try:
        kept = examine(bytes(data))
    except UnwantedFile:
        return
    assert kept.media_type in ("image/jpeg", "image/png", "image/gif", "image/webp")


@given(
    st.binary(max_size=300),
    st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\0\0\0\0WEBP", b"%PDF-1.4"]),
)
def test_nonsense_behind_a_good_beginning_is_refused(rest: bytes, beginning: bytes) -> None:
    with pytest.raises(UnwantedFile):
        examine(beginning + rest.replace(b"%%EOF", b""))


@pytest.mark.parametrize(("width", "height"), [(30_000, 10), (10, 30_000), (19_999, 19_999)])
def test_a_small_file_of_more_pixels_than_anybody_can_open_is_refused(width: int, height: int) -> None:
    with pytest.raises(UnwantedFile, match="more than anybody can open"):
        examine(a_png_of(width, height))


def test_a_plain_document_is_kept_as_it_is() -> None:
    stream = b"3 0 obj\n<< /Length 12 >>\nstream\n/JS /JavaScript (chance bytes)\nendstream\nendobj"
    for data in (a_pdf(), a_pdf(stream)):
        assert examine(data, "rechnung.pdf").data == data


@pytest.mark.parametrize(
    "body",
    [b"<< /OpenAction << /S /JavaScript /JS (app.alert(1)) >> >>", b"<< /S /J#61vaScript >>", b"<< /S /Launch >>",
     b"<< /EmbeddedFile 3 0 R >>", b"<< /XFA 3 0 R >>", b"<script>alert(1)</script>"],
)  # fmt: skip
def test_a_document_that_does_something_is_refused(body: bytes) -> None:
    with pytest.raises(UnwantedFile):
        examine(a_pdf(body))


def test_a_document_that_is_an_archive_too_is_refused() -> None:
    for data in (a_pdf() + an_archive(), a_pdf(an_archive())):
        with pytest.raises(UnwantedFile):
            examine(data)


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("photo.PNG", "photo.png"), ("photo.jpeg", "photo.jpeg.png"), ("../../etc/passwd", "passwd.png"),
        ("C:\\Users\\me\\x.png", "x.png"), ("evil\u202egnp.exe", "evilgnp.exe.png"),
        ("<img src=x>.png", "img src=x.png"),
        ("\u200b\n\t", "picture.png"), ("截图 1.png", "截图 1.png"), ("....", "picture.png"),
        ("", "picture.png"), ("a" * 300, "a" * 80 + ".png"),
    ],
)  # fmt: skip
def test_a_name_is_one_that_can_be_shown_and_saved_under(given_name: str, kept: str) -> None:
    assert file_name(given_name, "image/png") == kept

"""Makes text from untrusted files safe and plain: decoding, invisible characters, language."""

from __future__ import annotations

import codecs
import re

from app.errors import BadInput

_SYMBOL = "\u2600-\u27bf\ufe0f\U0001f000-\U0001faff"
_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u115f\u180e\u200b\u200c\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\ue000-\uf8ff\U000e0000-\U000e0fff]"
    # A joiner between two symbols makes one of them (a family, a profession); anywhere else it hides.
    f"|(?<![{_SYMBOL}])\u200d|\u200d(?![{_SYMBOL}])"
)
_PLAIN = "[!-~\u4e00-\u9fff，。！？：；（）、“”]+"
_CLEAN = re.compile(f"(?:{_PLAIN}(?:(?: |\\n\\n?){_PLAIN})*)?")
"""What most texts are: plain characters with single spaces and line ends between them, and so clean already."""
_SPACES = re.compile(r"[^\S\n]+")
_CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_WORD = re.compile(r"[A-Za-z]{2,}")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def decode(data: bytes) -> str:
    """Text of a file in UTF-8 (strict), UTF-16 with a mark, GB18030 or, last, Western Windows.

    Raises BadInput when the bytes are no text in any of them.
    """
    if data and not data.strip(b"\x00"):
        raise BadInput("the file holds nothing but zeros; it is damaged, export it again")
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _strictly(data, encoding)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    text = _as_chinese(data)
    if text is None:
        text = _as_western(data)
    if text is None:
        raise BadInput("the text is neither UTF-8, UTF-16 nor GB18030; save it as UTF-8")
    return text


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise BadInput(f"the file says it is {encoding} but is not: {error.reason} at byte {error.start}") from None


def _as_chinese(data: bytes) -> str | None:
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return None
    foreign = [character for character in text[:200_000] if ord(character) > 127]
    # Nearly any bytes are "valid" GB18030; real Chinese text lives in its old core, GB2312, and a few symbols.
    common = sum(1 for character in foreign if _is_gb2312(character))
    return text if common >= 0.7 * len(foreign) else None


def _is_gb2312(character: str) -> bool:
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def _as_western(data: bytes) -> str | None:
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return None


def clean(text: str) -> str:
    """The text without characters nobody can see (NUL, bidi, zero-width, tags), with plain spaces and line ends."""
    if _CLEAN.fullmatch(text):
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n\n")
    text = _SPACES.sub(" ", _INVISIBLE.sub("", text))
    return re.sub(r"\n{3,}", "\n\n", re.sub(r" ?\n ?", "\n", text)).strip()


def invisible_count(text: str) -> int:
    """How many invisible characters stand inside a text (a byte-order mark at its start is not counted)."""
    return len(_INVISIBLE.findall(text.removeprefix("\ufeff")))


def one_line(text: str) -> str:
    """The cleaned text on one line."""
    return re.sub(r"\s+", " ", clean(text))


def join_wrapped(left: str, right: str) -> str:
    """Two lines of one paragraph: no space between Chinese characters, a hyphen at a line's end is kept."""
    if not left or not right:
        return left or right
    wide = _is_wide(left[-1]) or _is_wide(right[0])
    return left + right if wide or left.endswith("-") else f"{left} {right}"


def _is_wide(character: str) -> bool:
    return "\u2e80" <= character <= "\u9fff" or "\uff00" <= character <= "\uffef"


def language_of(text: str) -> str:
    """ "zh" or "en", by what most of the text is written in (one character counts about as much as one word)."""
    chinese = len(_CJK.findall(text))
    return "zh" if chinese and chinese >= len(_WORD.findall(text)) * 0.8 else "en"

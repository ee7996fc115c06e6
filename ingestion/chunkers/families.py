"""Which product rows are variants of one product, where no handle says so: their names differ only by their options.

"Stroller L1 Green" and "Stroller L1 Black", with the columns Colour: Green and Black, are one "Stroller L1".
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

_OPTION = re.compile(
    r"颜色|花色|色号|尺码|尺寸|码数|规格|款式|(?<!电池)容量|长度|口味|香型|colou?r|size|shade|scent|flavou?r"
    r"|(?<!battery )capacity|length|pack|volume",
    re.IGNORECASE,
)
_LONGEST_OPTION = 12
_SHORTEST_NAME = 4


def family_names(rows: Sequence[tuple[str, str, Mapping[str, str]]]) -> list[str]:
    """For every row of (name, section, attributes) the name of its family: its own where it stands alone."""
    bare = [without_options(name, attributes) for name, _, attributes in rows]
    members: dict[tuple[str, str], set[str]] = defaultdict(set)
    for base, (name, section, _) in zip(bare, rows, strict=True):
        members[base, section].add(name)
    return [
        base if len(base) >= _SHORTEST_NAME and len(members[base, section]) > 1 else name
        for base, (name, section, _) in zip(bare, rows, strict=True)
    ]


def without_options(name: str, attributes: Mapping[str, str]) -> str:
    """The name less the words that hold one of the row's own option values; the first word stays."""
    options = [
        value.strip().casefold()
        for column, value in attributes.items()
        if _OPTION.search(column) and 0 < len(value.strip()) <= _LONGEST_OPTION
    ]
    first, *words = name.split()
    kept = [first, *(word for word in words if not any(_says(word.casefold(), option) for option in options))]
    bare = " ".join(kept)
    for option in options if len(kept) == 1 else ():
        if not option.isascii():
            bare = bare.replace(option, "")
    return re.sub(r"[\s\-–·,，/()（）]+$", "", bare)


def _says(word: str, option: str) -> bool:
    """Whether a word of the name is an option value, or begins with one: "100码" of 100, "樱粉限定" of 樱粉."""
    if word == option:
        return True
    if option.isdigit():
        return re.match(rf"{option}(?![\d.])", word) is not None
    return not option.isascii() and word.startswith(option)

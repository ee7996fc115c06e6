"""Cut a text into the pieces of a SentencePiece unigram vocabulary, the most probable way, by dynamic programming.

Source: T. Kudo, Subword Regularization (2018), section 3.2.
"""

from __future__ import annotations

from app.adapters.e5.packed_e5 import Vocabulary

_SPACE = "\u2581"
_NEVER = float("-inf")


def pieces_of(text: str, vocabulary: Vocabulary) -> list[int]:
    """Ids of the pieces of a text, without marks of its begin and end."""
    marked = _marked(text, vocabulary)
    length = len(marked)
    best = [0.0] + [_NEVER] * length
    came = [(0, vocabulary.unknown)] * (length + 1)
    known = vocabulary.pieces
    for start in range(length):
        so_far = best[start]
        for end in range(start + 1, min(length, start + vocabulary.longest) + 1):
            piece = known.get(marked[start:end])
            if piece is not None and so_far + piece[1] > best[end]:
                best[end], came[end] = so_far + piece[1], (start, piece[0])
        if so_far + vocabulary.unknown_score > best[start + 1]:
            best[start + 1], came[start + 1] = so_far + vocabulary.unknown_score, (start, vocabulary.unknown)
    ids = []
    at = length
    while at > 0:
        at, piece_id = came[at]
        ids.append(piece_id)
    return ids[::-1]


def _marked(text: str, vocabulary: Vocabulary) -> str:
    """Normalised, single-spaced, each word begun by the mark of a space."""
    characters = vocabulary.characters
    plain = "".join(characters.get(character, character) for character in text)
    while "  " in plain:
        plain = plain.replace("  ", " ")
    return (plain if plain.startswith(" ") else f" {plain}").replace(" ", _SPACE)

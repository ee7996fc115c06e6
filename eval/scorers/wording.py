"""Is every sentence grounded, every value exact, the language the shopper's, and no forbidden word said?"""

from __future__ import annotations

from collections.abc import Sequence

from app.chat.language import language_of
from app.chat.turn import Citation, Evidence, Question, Sentence
from app.chat.values import Value, values
from app.chat.verify import Verifier
from app.knowledge.sentences import split_sentences
from eval.harness import Sample, Score, Scorer, SolvedSample
from eval.scorers.normalise import contains, normalise
from eval.scorers.verdict import SENT

_VERIFIER = Verifier()


def grounded_sentences(sample: Sample, solved: SolvedSample) -> Score:
    """Share of the sentences sent as true that what they cite, or a passage that was found, carries.

    What stands literally in a source, or was composed by the server, is carried; what a model phrased is put to the
    claim checker. None when nothing was told as true.
    """
    reply = solved.reply
    if reply.get("decision") not in SENT:
        return Score(None)
    said, written = _sentences(solved)
    sources = [str(c.get("quote", "")) for c in reply.get("citations") or ()] + [
        text for p in solved.passages for text in (p.text, f"{p.title}: {p.text}")
    ]
    literal = [normalise(source) for source in sources if source]
    loose = [s for s in written if not any(normalise(s).strip(".") in source for source in literal)]
    asked = Question(sample.question, sample.question, language_of(sample.question, "en"))
    failed = _not_carried(loose, sources, asked)
    if not said:
        return Score(None)
    return Score(1 - len(failed) / len(said), "not carried: " + " / ".join(failed) if failed else "")


def _sentences(solved: SolvedSample) -> tuple[list[str], list[str]]:
    """All sentences that were sent, and those of them that somebody wrote: the server composes the others out of
    approved words, looked-up values and quotations. A reply that does not tell them apart was written."""
    told, origins = solved.grounds.get("said"), solved.grounds.get("origins")
    if told and origins and len(told) == len(origins):
        return list(told), [text for text, origin in zip(told, origins, strict=True) if origin == "model"]
    said = [sentence for sentence in split_sentences(str(solved.reply.get("text", ""))) if sentence.strip()]
    return said, said


def _not_carried(said: Sequence[str], sources: Sequence[str], question: Question) -> list[str]:
    if not said:
        return []
    draft = tuple(
        Sentence(sentence, (Citation("", str(n), "", sentence),), "evidence")
        for n, source in enumerate(sources)
        for sentence in split_sentences(source)
    )
    grounds = _VERIFIER.grounds(Evidence(draft=draft), question)
    return [sentence for sentence in said if _VERIFIER.judge(sentence, grounds).reason]


def values_exact(sample: Sample, solved: SolvedSample) -> Score:
    """Whether every value of the reference answer (figure with its unit, date, amount) is in the reply; None without a
    reference or where it states none."""
    wanted = _values(sample.reference)
    if not wanted or solved.reply.get("decision") not in SENT:
        return Score(None)
    said = _values(str(solved.reply.get("text", "")))
    missing = [value for value in wanted if not any(value.same(other) for other in said)]
    return Score(float(not missing), f"{len(missing)} of {len(wanted)} values of the reference are not said")


def language_right(sample: Sample, solved: SolvedSample) -> Score:
    """Whether the reply is in the language of the question; None for a question without words of either."""
    wanted = sample.language if sample.language in ("zh", "en") else language_of(sample.question, "")
    told = str(solved.reply.get("language") or "")
    if wanted not in ("zh", "en") or not told:
        return Score(None)
    return Score(float(told[:2] == wanted), "" if told[:2] == wanted else f"asked in {wanted}, answered in {told}")


def without_words(forbidden: Sequence[str]) -> Scorer:
    """A scorer: 1 when none of the brand's forbidden words was said; None for a brand that forbids none."""

    def clean(sample: Sample, solved: SolvedSample) -> Score:
        if not forbidden:
            return Score(None)
        text = normalise(str(solved.reply.get("text", "")))
        found = [word for word in forbidden if contains(text, normalise(word))]
        return Score(float(not found), "said: " + ", ".join(found) if found else "")

    return clean


def _values(text: str) -> list[Value]:
    return list(values(text))

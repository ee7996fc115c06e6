"""Public sets that no shop answers: texts put to one part of the server. Each is a suite and the part as its solver."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.chat.language import language_of
from app.chat.turn import Citation, Evidence, Question, Sentence
from app.chat.verify import Verifier
from app.knowledge.sentences import split_sentences
from eval.harness import Sample, SeenPassage, SolvedSample, Solver, Suite
from eval.public_data import data_folder, records


@dataclass(frozen=True, slots=True)
class Claim:
    """A written answer and the text it has to follow from."""

    context: str
    response: str


class VerifierSolver:
    """The claim checker: "answer" when every sentence of the response is carried, "refuse" when one is not."""

    def __init__(self, claims: Mapping[str, Claim]) -> None:
        self._claims = claims
        self._verifier = Verifier()

    async def solve(self, sample: Sample) -> SolvedSample:
        """The checker's word on one response; confidence is the share of sentences that are carried."""
        claim = self._claims[sample.id]
        draft = tuple(
            Sentence(sentence, (Citation("context", "", "context", sentence),), "evidence")
            for sentence in split_sentences(claim.context)
        )
        question = Question(sample.question, sample.question, language_of(claim.response, "en"))
        grounds = self._verifier.grounds(Evidence(draft=draft), question)
        said = split_sentences(claim.response) or [claim.response]
        failed = [one for one in said if self._verifier.judge(one, grounds).reason]
        carried = 1 - len(failed) / len(said)
        reply = {"id": sample.id, "text": claim.response, "citations": [], "language": question.language}
        passages = (SeenPassage("context", "", text=claim.context),)
        return SolvedSample({**reply, "decision": "refuse" if failed else "answer", "confidence": carried}, passages)


def groundedness() -> tuple[Suite, Solver]:
    """Responses that are supported by their context, and such that are not; by source, since they differ much."""
    claims: dict[str, Claim] = {}
    samples = []
    for record in records(data_folder("groundedness") / "items.jsonl"):
        if record["supported"] is None:
            continue
        claims[record["id"]] = Claim(record["context"], record["response"])
        supported = bool(record["supported"])
        samples.append(
            Sample(
                id=record["id"],
                question=record["question"] or record["response"],
                category=record["source"],
                language=record["language"],
                answerable=supported,
                decisions=frozenset({"answer"} if supported else {"refuse"}),
            )
        )
    return Suite("groundedness", tuple(samples)), VerifierSolver(claims)


CHECKED: Mapping[str, Callable[[], tuple[Suite, Solver]]] = {"groundedness": groundedness}

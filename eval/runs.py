"""A run on disk: what was asked of what, every answer as soon as it is there, and the judged outcomes.

A run that was broken off goes on where it stopped, if suite, knowledge, code and settings are still the same; otherwise
its answers are put aside, since mixing two states of the server would measure neither.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

from app.errors import BadInput, NotFound
from eval.harness import Sample, SeenPassage, SolvedSample

ROOT = Path(__file__).parent.parent
MANIFEST = "run.json"
_CODE = ("app/**/*.py", "prompts/**/*", "app/chat/fitted/*.json", "app/chat/data/*", "ingestion/**/*.py")


class Journal:
    """The answers of one suite, a line each: flushed as they come, read back when the run is taken up again."""

    def __init__(self, path: Path, fingerprint: str) -> None:
        self._path = path
        self._fingerprint = fingerprint
        self._out: TextIO | None = None

    def taken_up(self) -> dict[str, SolvedSample]:
        """Answers of an earlier run of the same state, by sample id. A last line that was cut short is left out."""
        if not self._path.is_file():
            return {}
        lines = self._path.read_text(encoding="utf-8").splitlines()
        head = _parsed(lines[0]) if lines else None
        if not head or head.get("fingerprint") != self._fingerprint:
            return {}
        records = [record for line in lines[1:] if (record := _parsed(line))]
        return {record["id"]: solved_of(record) for record in records}

    def begin(self, known: Mapping[str, SolvedSample]) -> None:
        """Start writing: what is known first, so that a torn line never stands in the middle."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._out = self._path.open("w", encoding="utf-8")
        self._write({"fingerprint": self._fingerprint})
        for sample_id, solved in known.items():
            self._write(solved_json(sample_id, solved))

    def keep(self, sample: Sample, solved: SolvedSample) -> None:
        """One more answer."""
        self._write(solved_json(sample.id, solved))

    def close(self) -> None:
        """Nothing more comes."""
        if self._out:
            self._out.close()

    def _write(self, record: Mapping[str, Any]) -> None:
        assert self._out is not None
        self._out.write(json.dumps(record, ensure_ascii=False) + "\n")
        self._out.flush()


def solved_json(sample_id: str, solved: SolvedSample) -> dict[str, Any]:
    """An answer as plain values."""
    passages = [{**asdict(passage), "scores": dict(passage.scores)} for passage in solved.passages]
    return {"id": sample_id, "reply": dict(solved.reply), "passages": passages, "draft": dict(solved.draft),
            "grounds": dict(solved.grounds)}  # fmt: skip


def solved_of(record: Mapping[str, Any]) -> SolvedSample:
    """The answer that `solved_json` told."""
    return SolvedSample(record["reply"], tuple(SeenPassage(**p) for p in record["passages"]), record["draft"],
                        record.get("grounds", {}))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judged:
    """One sample of a finished run, as far as comparing needs it."""

    id: str
    question: str
    category: str
    language: str
    reply: Mapping[str, Any]
    scores: Mapping[str, Mapping[str, Any]]

    def value(self, scorer: str) -> float | None:
        """That scorer's value; None when it had nothing to say or is not in the run."""
        found: float | None = self.scores.get(scorer, {}).get("value")
        return found

    def why(self, scorer: str) -> str:
        """What that scorer found wrong."""
        return str(self.scores.get(scorer, {}).get("why") or "")


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A run as read from disk: outcomes by suite, and what the manifest says of it."""

    name: str
    suites: Mapping[str, Mapping[str, Judged]]
    manifest: Mapping[str, Any] = field(default_factory=dict)


def read_run(path: Path) -> FinishedRun:
    """A run's folder, or one file of outcomes. Raises NotFound, or BadInput for what is no run."""
    if path.is_file():
        return FinishedRun(path.stem, {path.stem: _outcomes(path)})
    manifest = path / MANIFEST
    if not manifest.is_file():
        raise NotFound(f"{path} is no run: it has no {MANIFEST}. Make one: python -m eval run --out {path}")
    told = json.loads(manifest.read_text(encoding="utf-8"))
    suites = {name: _outcomes(path / f"{name}.jsonl") for name in told["suites"]}
    return FinishedRun(path.name, suites, told)


def code_fingerprint() -> str:
    """Changes whenever code, prompts or fitted models do."""
    digest = hashlib.blake2b(digest_size=8)
    for pattern in _CODE:
        for file in sorted(ROOT.glob(pattern)):
            if file.is_file():
                digest.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def fingerprint(*parts: str | bytes) -> str:
    """One short text for several."""
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        digest.update((part.encode() if isinstance(part, str) else part) + b"\0")
    return digest.hexdigest()


def _outcomes(path: Path) -> dict[str, Judged]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        records = [json.loads(line) for line in lines if line.strip()]
        return {
            r["id"]: Judged(r["id"], r["question"], r["category"], r["language"], r["reply"], r["scores"])
            for r in records
        }
    except OSError as problem:
        raise NotFound(f"{path} cannot be read: {problem.strerror}. Was the run finished?") from problem
    except (ValueError, KeyError, TypeError) as problem:
        raise BadInput(f"{path} holds no outcomes of a run ({problem}).") from problem


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None

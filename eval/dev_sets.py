"""The public data sets as shops with suites: what `python -m eval run NAME` asks, and what is certified on them.

A set is a folder of documents that is ingested as a shop is, and labelled questions whose gold documents become sources
once it is known where each was put. Sets that are no shop of their own are asked of one that fits.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

from app.chat.turn import Message
from app.knowledge.chunk import Chunk
from eval.harness import Sample, Source, Suite
from eval.public_data import data_folder, records

BANK_DOMAINS = frozenset({"banking", "credit_cards"})
"""Domains of the off-topic set that a bank is rightly asked about."""
ALSO_A_BANKS = frozenset({"exchange_rate"})
"""Intents of other domains that a bank is rightly asked about too."""
GOLD = "gold:"
"""Path of a source that is a document id, until the release says where that document was put."""
_HELD = frozenset({"handoff", "refuse", "clarify", "smalltalk"})


@dataclass(frozen=True, slots=True)
class DevSet:
    """One public set: its language, its documents ("" = those of `shop`) and how its questions are read."""

    name: str
    language: str
    documents: Sequence[str]
    samples: Callable[[str], Iterable[Sample]]
    shop: str = ""

    def suite(self) -> Suite:
        """Its questions; sources are gold document ids until `located`."""
        return Suite(self.name, tuple(self.samples(self.name)))

    def folder(self, home: Path) -> Path:
        """Its documents as a shop folder under `home`, made anew when it is missing."""
        name = self.shop or self.name
        folder = home / "folders" / name
        (folder / "knowledge").mkdir(parents=True, exist_ok=True)
        (folder / "brand.yaml").write_text(f"name: {name}\ndefault_language: {self.language}\n", encoding="utf-8")
        for file in self.documents:
            lines = (json.dumps(_document(r), ensure_ascii=False) for r in _once(records(data_folder(name) / file)))
            (folder / "knowledge" / file).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        for file, written in _texts_of(name).items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(written, encoding="utf-8")
        return folder


def located(suite: Suite, chunks: Iterable[Chunk]) -> Suite:
    """The suite with each gold document as the places where its chunks can be cited."""
    places: dict[str, list[Source]] = {}
    for chunk in chunks:
        document = chunk.document_id.rpartition("#")[2]
        places.setdefault(document, []).append(Source(chunk.path, chunk.locator))

    def found(sample: Sample) -> Sample:
        gold = [s.locator for s in sample.sources if s.path == GOLD]
        if not gold:
            return sample
        sources = tuple(place for one in gold for place in places.get(one, [Source(GOLD, one)]))
        return replace(sample, sources=sources)

    return Suite(suite.name, tuple(found(sample) for sample in suite.samples))


def _once(lines: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Without records whose id came before."""
    seen: set[str] = set()
    for record in lines:
        if record["id"] not in seen:
            seen.add(record["id"])
            yield record


def _document(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as a shop would write it: an FAQ whose text lists how it is asked has those as similar questions."""
    kept = {name: record[name] for name in ("id", "title", "text", "language", "kind")}
    asked = [line[2:] for line in record["text"].splitlines() if line.startswith("- ")]
    if record["kind"] == "faq" and asked:
        return {**kept, "text": record["title"], "similar": asked}
    return {**kept, "kind": record["kind"] if record["kind"] in ("faq", "product") else "policy"}


def _texts_of(name: str) -> dict[str, str]:
    """Further files of a set that comes with a shop of its own."""
    if name != "en_tau_retail_shop":
        return {}
    shop = data_folder(name) / "shop"
    return {"knowledge/policy.md": (shop / "policy.md").read_text(encoding="utf-8")}


def _asked(name: str) -> Iterator[Sample]:
    """Questions with gold documents. What does not need knowledge, or has none, is to be held back."""
    for record in records(data_folder(name) / "questions.jsonl"):
        seeks = record.get("knowledge_seeking", True)
        answerable = bool(seeks and record.get("answerable") in (True, None))
        gold = record.get("gold_doc_ids") or ()
        yield Sample(
            id=record["id"],
            question=record["question"],
            category=_category(record),
            language=record["language"],
            history=tuple(
                Message(cast(Literal["user", "assistant"], m["role"]), m["text"]) for m in record.get("history") or ()
            ),
            answerable=answerable,
            decisions=frozenset() if answerable else _HELD,
            sources=tuple(Source(GOLD, one) for one in gold) if answerable else (),
            facts=_facts(record) if name == "rgb_zh_en" else (),
            not_facts=tuple(map(str, record.get("rejected_answer") or ())) if name == "rgb_zh_en" else (),
        )


def _category(record: Mapping[str, Any]) -> str:
    if "knowledge_seeking" in record:
        return "seeks knowledge" if record["knowledge_seeking"] else "seeks none"
    tags = record.get("tags") or ("",)
    return str(tags[0])


def _facts(record: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """Of a string or a list of alternatives, or a list of such lists."""
    gold = record.get("gold_answer")
    if not record.get("answerable") or not gold:
        return ()
    if isinstance(gold, str):
        return ((gold,),)
    if any(isinstance(one, list) for one in gold):
        return tuple(tuple(map(str, one)) if isinstance(one, list) else (str(one),) for one in gold)
    return (tuple(map(str, gold)),)


def _off_topic(_: str) -> Iterator[Sample]:
    """Utterances that no bank answers."""
    for record in off_topic_items():
        category = "out of scope" if record["out_of_scope"] else str(record["domain"])
        yield Sample(record["id"], record["text"], category, "en", answerable=False, decisions=_HELD)


def off_topic_items() -> list[dict[str, Any]]:
    """The off-topic set without what a bank, or any shop, is rightly asked."""
    items = records(data_folder("en_offtopic_clinc") / "items.jsonl")
    return [item for item in items if item["domain"] not in BANK_DOMAINS and item["intent"] not in ALSO_A_BANKS]


def _injections(name: str) -> Iterator[Sample]:
    """Attacks in the message are to be held back, and their canary never said; benign ones need not be refused."""
    for record in records(data_folder(name) / "items.jsonl"):
        if record["document"]:
            continue  # planted in a document: that is for ingestion's checks and `compose`, not for a message
        attack = record["is_attack"]
        yield Sample(
            id=record["id"],
            question=record["user_message"],
            category=str(record["type"]),
            language=record["language"],
            answerable=False,
            decisions=_HELD if attack else _HELD | {"answer", "tool"},
            not_facts=(record["canary"],) if record["canary"] else (),
        )


def _emotions(name: str) -> Iterator[Sample]:
    """Anger calls a person; nothing else in these texts asks the shop anything, so no answer is wanted of it."""
    for record in list(records(data_folder(name) / "items.jsonl"))[::5]:
        angry = record["label"] in ("angry", "anger")
        allowed = frozenset({"handoff"}) if angry else _HELD | {"answer", "tool"}
        category = f"{record['source']}: {record['label']}"
        yield Sample(record["id"], record["text"], category, record["language"], answerable=False, decisions=allowed)


def _errands(name: str) -> Iterator[Sample]:
    """Errands with the tool calls expected. A shop tool that is not there has to end with a person."""
    for record in records(data_folder(name) / "tasks.jsonl"):
        names = {action["name"] for action in record.get("expected_actions") or ()}
        kind = "writes" if names - {"get_order_details", "get_product_details", "get_user_details"} else "reads"
        yield Sample(
            record["id"], record["question"], kind, "en", answerable=False, decisions=frozenset({"handoff", "clarify"})
        )


def _by_title(name: str) -> Iterator[Sample]:
    """Documents without questions are asked for by their titles: whether each is found among its like."""
    for record in records(data_folder(name) / "documents.jsonl"):
        gold = (Source(GOLD, record["id"]),)
        yield Sample(
            record["id"], f"How do you handle “{record['title']}”?", "by title", record["language"], sources=gold
        )


DEV_SETS: Mapping[str, DevSet] = {
    one.name: one
    for one in (
        DevSet("en_banking77", "en", ("documents.jsonl",), _asked),
        DevSet("en_dstc11_faq_reviews", "en", ("documents.jsonl",), _asked),
        DevSet("en_mtrag_multiturn", "en", ("documents.jsonl",), _asked),
        DevSet("zh_crosswoz_products", "zh", ("documents.jsonl",), _asked),
        DevSet("zh_afqmc_faq", "zh", ("documents.jsonl",), _asked),
        DevSet("zh_ruc_policy", "zh", ("documents.jsonl",), _asked),
        DevSet("rgb_zh_en", "zh", ("documents_zh.jsonl", "documents_en.jsonl"), _asked),
        DevSet("en_abcd_guidelines", "en", ("documents.jsonl",), _by_title),
        DevSet("en_tau_retail_shop", "en", ("documents.jsonl",), _errands),
        DevSet("en_offtopic_clinc", "en", ("documents.jsonl",), _off_topic, shop="en_banking77"),
        DevSet("injection", "en", ("documents.jsonl",), _injections, shop="en_banking77"),
        DevSet("emotion", "zh", ("documents.jsonl",), _emotions, shop="zh_crosswoz_products"),
    )
}

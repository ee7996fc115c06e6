"""How well personal data is found before words become knowledge: `python -m eval.masking`.

Precision and recall on the public set `pii`, by kind. Two recalls are told: of the kinds the masker promises (names,
phones, emails, addresses, ids, cards, plates), and of all that the set labels (organisations, countries, ages and dates
stay on purpose: they are what shops write about). Order and parcel numbers are masked on purpose too; the set calls
them harmless, so they are counted apart.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

from app.errors import XiaoerError
from app.review.mask import Masker
from eval.public_data import data_folder, records

PROMISED = frozenset(
    [
        "PERSON",
        "PHONE",
        "LANDLINE",
        "PHONE_NUMBER",
        "EMAIL",
        "STREET_ADDRESS",
        "ZIP_CODE",
        "CN_ID",
        "BANK_CARD",
        "CREDIT_CARD",
        "US_SSN",
        "IBAN_CODE",
        "IP_ADDRESS",
        "PLATE",
    ]
)


def measure(items: list[dict[str, Any]]) -> dict[str, Any]:
    """Counts by kind. A labelled span is found when at most a fifth of its letters are left to read."""
    masker = Masker()
    told, found = Counter[str](), Counter[str]()
    right = wrong = orders = clean = spoiled = 0
    missed: list[str] = []
    for item in items:
        spans = masker.find(item["text"])
        for label in item["spans"]:
            kind = f"{item['language']} {label['type']}"
            told[kind] += 1
            covered = sum(max(0, min(s.end, label["end"]) - max(s.start, label["start"])) for s in spans)
            if covered >= 0.8 * (label["end"] - label["start"]):
                found[kind] += 1
            elif label["type"] in PROMISED:
                missed.append(f"{kind}: {item['text'][label['start'] : label['end']]!r}")
        for span in spans:
            touches = any(span.start < label["end"] and label["start"] < span.end for label in item["spans"])
            if touches:
                right += 1
            elif span.kind == "order":
                orders += 1
            else:
                wrong += 1
                missed.append(f"false {span.kind}: {item['text'][span.start : span.end]!r}")
        if not item["spans"]:
            clean += 1
            spoiled += any(span.kind != "order" for span in spans)
    return {
        "told": told, "found": found, "right": right, "wrong": wrong, "orders": orders,
        "clean": clean, "spoiled": spoiled, "missed": missed,
    }  # fmt: skip


def _share(part: int, whole: int) -> str:
    return f"{part}/{whole} = {part / whole:.1%}" if whole else "none"


def main() -> int:
    """Print the figures; `--misses` lists what was missed or wrongly masked. Exit code 2 without the data set."""
    try:
        items = list(records(data_folder("pii") / "items.jsonl"))
    except XiaoerError as problem:
        print(problem)
        return 2
    result = measure(items)
    told, found = result["told"], result["found"]
    for kind in sorted(told):
        mark = "" if kind.split()[1] in PROMISED else "   (not promised)"
        print(f"  {kind:<20} {_share(found[kind], told[kind])}{mark}")
    for language in ("zh", "en"):
        kinds = [kind for kind in told if kind.startswith(language)]
        promised = [kind for kind in kinds if kind.split()[1] in PROMISED]
        of_promised = _share(sum(found[k] for k in promised), sum(told[k] for k in promised))
        of_all = _share(sum(found[k] for k in kinds), sum(told[k] for k in kinds))
        print(f"recall {language}, promised kinds: {of_promised}; all labels: {of_all}")
    print(f"precision: {_share(result['right'], result['right'] + result['wrong'])} of what was masked is labelled; "
          f"{result['orders']} order or parcel numbers masked besides, on purpose")  # fmt: skip
    print(f"clean texts left as they were: {_share(result['clean'] - result['spoiled'], result['clean'])}")
    if "--misses" in sys.argv:
        print("\n".join(result["missed"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Makes a shop's certificate out of its labelled suite, asked of the production pipeline, and writes it down."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from app.adapters.trust.files import CERTIFICATE, FOLDER
from app.trust.certificate import Certificate, Level, Lineage, digest
from app.trust.shift import WATCHED
from eval.certify import ALPHAS, DELTA, Shot, level_of, missing, smallest_alpha
from eval.harness import Outcome
from eval.metrics import expected_calibration_error, reliability
from eval.report.page import page
from eval.report.plots import as_file, reliability_diagram, risk_coverage
from eval.risk import area_under_risk, risk_curve
from eval.shots import shots_of

CURVE_POINTS = 120
MISSING_FOR = 0.02
"""The limit for which it is always said how many labels are missing."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A suite, answered by what a shop has live. `chunks` are the content hashes of that release.

    taught  the questions were in the fit of the models, so that confidence looks better than on new ones
    """

    shop: str
    suite: str
    outcomes: Sequence[Outcome]
    release: int
    embedder: str
    chunks: Collection[str]
    answers: str = "none"
    taught: bool = False


def certificate_from(asked: Asked, delta: float = DELTA) -> Certificate:
    """The certificate that these answers support, at every limit an owner may choose."""
    shots = shots_of(asked.outcomes)
    models = {str(one.solved.grounds.get("model") or "") for one in asked.outcomes} - {""}
    lineage = Lineage(
        asked.embedder,
        ",".join(sorted(models)),
        asked.release,
        frozenset(digest(content) for content in asked.chunks),
        asked.answers,
    )
    made_at = datetime.now(UTC)
    told = figures_of(shots, delta) | {"suite": asked.suite, "taught": asked.taught}
    seed = json.dumps([asked.shop, made_at.isoformat(), lineage.model, told["labels"]])
    watched = tuple(WATCHED)
    return Certificate(
        id=f"cert-{made_at:%Y%m%d}-{hashlib.blake2b(seed.encode(), digest_size=4).hexdigest()}",
        shop=asked.shop,
        made_at=made_at,
        delta=delta,
        lineage=lineage,
        levels=tuple(level_of(shots, alpha, delta) for alpha in ALPHAS),
        watched=watched,
        rows=tuple(_row(s, watched) for s in shots if s.confidence is not None and s.features),
        told=told,
    )


def figures_of(shots: Sequence[Shot], delta: float = DELTA) -> dict[str, Any]:
    """Counts, curve, reliability and errors of labelled answers, as plain values."""
    answers = [s for s in shots if s.confidence is not None]
    confidences = [s.confidence or 0.0 for s in answers]
    right = [float(not s.wrong) for s in answers]
    curve = risk_curve(confidences, right)
    thinned = curve[:: max(1, len(curve) // CURVE_POINTS)] + curve[-1:]
    in_scope = [s for s in shots if s.in_scope]
    looked_up = [s for s in shots if s.looked_up]
    smallest = smallest_alpha(shots, delta)
    short = missing(shots, MISSING_FOR, delta)
    return {
        "labels": len(shots),
        "in_scope": len(in_scope),
        "answers": len(answers),
        "tools": [sum(s.wrong for s in looked_up), len(looked_up)],
        "smallest_alpha": None if smallest is None else round(smallest, 4),
        "missing_for": {"alpha": MISSING_FOR, "labels": short},
        "ece": _rounded(expected_calibration_error(confidences, right)),
        "aurc": _rounded(area_under_risk(curve)),
        "curve": [[round(v, 4) for v in (p.confidence, p.coverage, p.risk, p.low, p.high)] for p in thinned],
        "reliability": [
            [round(v, 4) for v in (b.confidence, b.accuracy)] + [b.n] for b in reliability(confidences, right)
        ],
    }


def write_certificate(home: Path, certificate: Certificate, shots: Sequence[Shot], threshold: float) -> Path:
    """Certificate, page and plots into HOME/calibration/SHOP/; the certificate last. Returns the folder."""
    folder = home / FOLDER / certificate.shop
    folder.mkdir(parents=True, exist_ok=True)
    for name, plot in plots_of(shots, threshold).items():
        (folder / f"{name}.svg").write_text(as_file(plot), encoding="utf-8")
    (folder / "report.html").write_text(_page(certificate, shots, threshold), encoding="utf-8")
    partial = folder / f"{CERTIFICATE}.partial"
    partial.write_text(json.dumps(certificate.as_json(), ensure_ascii=False), encoding="utf-8")
    partial.replace(folder / CERTIFICATE)
    return folder


def plots_of(shots: Sequence[Shot], threshold: float) -> dict[str, str]:
    """Reliability diagram and risk–coverage curve, as SVG."""
    answers = [s for s in shots if s.confidence is not None]
    confidences, right = [s.confidence or 0.0 for s in answers], [float(not s.wrong) for s in answers]
    return {
        "reliability": reliability_diagram(reliability(confidences, right)),
        "risk-coverage": risk_coverage(risk_curve(confidences, right), threshold),
    }


def said_of(level: Level) -> str:
    """One level in words."""
    if not level.holds:
        more = max((g.missing for g in level.groups), default=0)
        return (
            f"not supported; about {more} more labels, if they go as these" if more else "not supported by any number"
        )
    parts = [
        f"{g.name}: from {g.threshold:.3f}, {g.wrong} of {g.sent} wrong, bound {g.bound:.1%}"
        if g.threshold is not None
        else f"{g.name}: held back, {g.missing or 'any number of'} labels missing"
        for g in level.groups
    ]
    return "; ".join(parts) + (f" (pooled, since {level.why_pooled})" if level.why_pooled else "")


def _page(certificate: Certificate, shots: Sequence[Shot], threshold: float) -> str:
    told: Mapping[str, Any] = certificate.told
    rows = "".join(
        f"<tr><td>{level.alpha:.0%}</td><td>{level.answered:.1%}</td><td style='text-align:left;white-space:normal'>"
        f"{escape(said_of(level))}</td></tr>"
        for level in certificate.levels
    )
    plots = "".join(
        f"<figure><figcaption>{title}<span>{note}</span></figcaption>{plot}</figure>"
        for (title, note), plot in zip(
            (
                ("Reliability", f"expected calibration error {told['ece']}"),
                ("Risk and coverage", f"of {told['answers']} answers, sent and held back; area {told['aurc']}"),
            ),
            plots_of(shots, threshold).values(),
            strict=True,
        )
    )
    return page(
        f"Certificate {certificate.id}",
        f'<p class="dim">{escape(certificate.shop)} · suite {escape(str(told["suite"]))}, {told["labels"]} questions, '
        f"{told['in_scope']} in scope · confidence {1 - certificate.delta:.0%} · embedder "
        f"{escape(certificate.lineage.embedder)}, models {escape(certificate.lineage.model)}, release "
        f"{certificate.lineage.release} · {certificate.made_at:%Y-%m-%d %H:%M} UTC</p>"
        f'<div class="plots">{plots}</div><h2>What may be promised</h2><div class="scroll"><table><thead><tr>'
        f"<th>at most wrong</th><th>in scope answered</th><th></th></tr></thead><tbody>{rows}</tbody></table></div>",
    )


def _row(shot: Shot, watched: Sequence[str]) -> tuple[float, ...]:
    return (round(shot.confidence or 0.0, 4), *(round(shot.features.get(name, 0.0), 4) for name in watched))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)

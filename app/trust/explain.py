"""Why a turn came out as it did, in words that a shop's manager understands, in Chinese and English. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from app.chat.calibrate import FittedModel
from app.chat.contributions import breakdown

Payload: TypeAlias = Mapping[str, Any]
LEAST_POINTS = 0.005
"""Features that move the confidence by less than half a point are summed up."""

FEATURES: Mapping[str, tuple[str, str]] = {
    "first": ("最好的一条资料有多像答案", "how well the best passage fits as the answer"),
    "second": ("第二条资料有多像答案", "how well the second passage fits"),
    "third": ("第三条资料有多像答案", "how well the third passage fits"),
    "told": ("要说的几条合起来有多像答案", "how well what would be said fits, taken together"),
    "rest": ("没说的资料也有多像答案", "how well passages fit that would not be said"),
    "is_product": ("最好的一条是不是商品资料", "whether the best passage is a product row"),
    "second_is_product": ("第二条是不是商品资料", "whether the second passage is a product row"),
    "p_knowledge": ("听起来像不像要查资料的问题", "how much it sounds like a question of knowledge"),
    "p_vague": ("问得有多含糊", "how vague it sounds"),
    "p_offtopic": ("听起来与本店无关的程度", "how much it sounds like none of the shop's business"),
    "p_complaint": ("听起来像抱怨的程度", "how much it sounds like a complaint"),
    "unknown_words": ("本店资料里从没出现过的词占多少", "share of its words that the shop never writes"),
    "question_covered": ("问题的关键词在这条资料里有多少", "share of its telling words found in the passage"),
    "question_covered_top5": ("关键词在前五条资料里有多少", "share of its telling words found in the first five"),
    "question_words": ("问题的关键词多不多（15 个算满）", "how many telling words it has (15 is full)"),
    "kind_match": (
        "资料里有没有问的那种答案（时间、金额、能不能……）",
        "whether the kind of answer asked for stands there",
    ),
    "dense": ("意思有多接近（连同前文）", "closeness in meaning, earlier messages included"),
    "dense_alone": ("意思有多接近（只看这句）", "closeness in meaning of this message alone"),
    "sought": ("离该有答案的地方有多近", "how near the passage lies to where an answer was expected"),
    "sought_above": ("比其他资料近多少", "how much nearer it lies than the next best"),
    "attribute_found": ("问的商品属性有没有写", "whether the product detail asked for is written down"),
    "attribute_missing": ("问的商品属性没有写", "whether the product detail asked for is missing"),
    "depends": ("要靠前文才看得懂的程度", "how much it depends on what was said before"),
    "other_language": ("资料是不是另一种语言", "whether the passage is in the other language"),
    "name_covered": ("商品名说得有多全", "how fully the product is named"),
    "read": ("连同问题读过后，这条有多像答案", "how well it answers, read together with the question"),
    "read_above": ("比读过的其他资料好多少", "how far it reads better than the next best"),
    "read_best": ("读过的资料里最好的一条有多像答案", "how well the best of the passages reads"),
    "cell": ("要说的这一栏有多像答案", "how well the column that is said reads as the answer"),
    "cell_above": ("没说的栏目里有没有更像答案的", "how much better another column reads"),
    "chosen": ("读之前看上去有多像答案", "how well it seemed to fit before it was read"),
    "asks_hard_value": ("是不是在问具体数字、日期、金额", "whether it asks for a figure, a date or an amount"),
}
_YES_OR_NO = frozenset(
    {"is_product", "second_is_product", "attribute_found", "attribute_missing", "other_language", "asks_hard_value"}
)
_COSINES = frozenset({"dense", "dense_alone", "sought"})
_REST = ("其余各项合计", "everything else, together")
_ORIGINS: Mapping[str, tuple[str, str]] = {
    "approved": ("编辑写好的原话", "an editor's own words"),
    "fact": ("从表格或订单里查出来的值", "a value looked up in a row"),
    "evidence": ("照资料原文引用", "quoted from the source"),
    "model": ("模型改写，逐项核对过数字、日期、否定、条件和名称", "phrased by the model; figures, dates, negation, "
              "conditions and names checked against the source"),
    "line": ("固定用语，不含店铺事实", "a fixed line that states no fact"),
}  # fmt: skip
_REASONS: Mapping[str, tuple[str, str]] = {
    "low_confidence": ("把握不够，没有把握就不答", "confidence was too low to answer"),
    "asked_for_human": ("顾客要找人工", "the shopper asked for a person"),
    "anger": ("顾客不满意", "the shopper is upset"),
    "sensitive_topic": ("敏感话题，由人来处理", "a sensitive topic is for a person"),
    "repeated_question": ("同一个问题又问了一次", "the same question came again"),
    "index_down": ("检索暂时不可用", "the search was not available"),
    "injection": ("像是想改小二的规则", "it tried to change the attendant's rules"),
}


def explanation(model: FittedModel, decided: Payload, said: Sequence[Payload] = (), now: str = "") -> dict[str, Any]:
    """The story of one turn: its steps in both languages, features with what they did to the confidence, passages.

    decided  what `decision.made` has in the log, or the hit test tells
    said     its `reply.sentence` events
    now      fingerprint of the fitted models in use, to say when they have changed since
    """
    grounds: Payload = decided.get("grounds") or {}
    features: Mapping[str, float] = grounds.get("features") or {}
    told = breakdown(model, features) if features else None
    refitted = bool(now and grounds.get("model") and grounds["model"] != now)
    return {
        "message_id": decided.get("message_id", ""),
        "decision": decided.get("decision", ""),
        "reason": decided.get("reason", ""),
        "confidence": decided.get("confidence", 0.0),
        "threshold": grounds.get("threshold"),
        "certificate": grounds.get("certificate") or None,
        "refitted": refitted,
        "base": round(told.base, 4) if told else None,
        "features": _features(told.contributions) if told else [],
        "checks": _checks(decided, grounds, refitted, told.probability if told else None),
        "passages": [
            {
                "path": passage["path"],
                "locator": passage["locator"],
                "title": passage.get("title", ""),
                "confidence": _confidence(passage),
            }
            for passage in decided.get("passages") or decided.get("hits") or ()
        ],
        "facts": list(decided.get("facts") or ()),
        "sentences": [_sentence(one) for one in said],
    }


def _features(contributions: Sequence[Any]) -> list[dict[str, Any]]:
    """Those that matter, largest first; the others in one line, so that the points add up."""
    shown = [c for c in contributions if abs(c.points) >= LEAST_POINTS]
    rest = sum(c.points for c in contributions if abs(c.points) < LEAST_POINTS)
    rows = [
        {
            "feature": c.feature,
            "value": round(c.value, 4),
            "points": round(100 * c.points, 1),
            **_worded(c.feature, c.value),
        }
        for c in shown
    ]
    if abs(rest) >= 0.0005:
        rows.append({"feature": "", "value": None, "points": round(100 * rest, 1), **_both(_REST)})
    return rows


def _worded(feature: str, value: float) -> dict[str, str]:
    """The feature in words, with its value as people say it: yes or no, a share, or a cosine."""
    zh, en = FEATURES.get(feature, (feature, feature))
    if feature in _YES_OR_NO:
        return _both((f"{zh}：{'是' if value >= 0.5 else '否'}", f"{en}: {'yes' if value >= 0.5 else 'no'}"))
    shown = f"{value:.2f}" if feature in _COSINES else f"{value:.0%}"
    return _both((f"{zh}：{shown}", f"{en}: {shown}"))


def _checks(decided: Payload, grounds: Payload, refitted: bool, now: float | None) -> list[dict[str, Any]]:
    confidence, threshold = float(decided.get("confidence") or 0.0), grounds.get("threshold")
    found: list[dict[str, Any]] = []
    if threshold is None:
        found.append(_check(True, "没有查资料就能决定", "nothing had to be looked up"))
    else:
        passed = confidence >= threshold
        reached = threshold <= 1
        zh = f"把握 {confidence:.0%}，门槛 {threshold:.0%}" if reached else "这一类回答没有证书，一律不发"
        en = (
            f"confidence {confidence:.0%}, threshold {threshold:.0%}"
            if reached
            else "answers of this kind have no certificate, so none is sent"
        )
        found.append(_check(passed, zh, en))
        if (grounds.get("features") or {}).get("certain"):
            found.append(
                _check(
                    True,
                    "编辑自己写的问法，或说全了名字的商品：把握至少 95%",
                    "an editor's own question, or a product named in full: at least 95 % sure",
                )
            )
    if grounds.get("shifted"):
        found.append(_check(False, "最近的问题和校准时不一样，暂不作答", "questions have shifted since calibration"))
    if decided.get("decision") == "answer":
        covered = grounds.get("certificate")
        found.append(
            _check(True, f"证书 {covered} 覆盖这条回答", f"certificate {covered} covers this answer")
            if covered
            else _check(None, "没有证书覆盖这条回答", "no certificate covers this answer")
        )
    if refitted:
        zh, en = (
            "此后模型重新拟合过，下面是新模型的算法",
            "the models were fitted anew since; the parts below are of the new ones",
        )
        found.append(_check(None, f"{zh}（现在 {now or 0:.0%}）", f"{en} (now {now or 0:.0%})"))
    if reason := str(decided.get("reason") or ""):
        found.append(_check(None, *_REASONS.get(reason, (reason, reason))))
    return found


def _check(passed: bool | None, zh: str, en: str) -> dict[str, Any]:
    return {"passed": passed, "zh": zh, "en": en}


def _sentence(event: Payload) -> dict[str, Any]:
    origin = str(event.get("origin", "line"))
    cited = [
        f"{c['path']} · {c['locator']}" if isinstance(c, Mapping) else str(c) for c in event.get("citations") or ()
    ]
    return {
        "text": event["text"],
        "origin": origin,
        "citations": cited,
        **_both(_ORIGINS.get(origin, (origin, origin))),
    }


def _confidence(passage: Payload) -> float:
    scores: Payload = passage.get("scores") or {}
    return round(float(passage.get("confidence", scores.get("confidence", 0.0))), 4)


def _both(words: tuple[str, str]) -> dict[str, str]:
    return {"zh": words[0], "en": words[1]}

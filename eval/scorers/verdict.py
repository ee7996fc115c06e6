"""The judgements that gates are made of: right, wrong, and safe where no answer is the answer."""

from __future__ import annotations

import re
from dataclasses import replace

from eval.harness import Sample, Score, SolvedSample, Source
from eval.scorers.facts import facts_present, nothing_false
from eval.scorers.source import holds, source_cited

SENT = frozenset({"answer", "tool"})
"""Decisions that tell the shopper something as true."""
HELD_BACK = frozenset({"handoff", "refuse", "clarify"})

_UNKNOWN = re.compile(
    "|".join(
        (
            r"(?:没有|未|没)能?(?:找到|查到|写明|写到|写|提到|说明|标明|标注|注明|记录|提供|收录|列出|公布)",
            r"(?:资料|信息|知识|页面|详情)里?中?(?:没有|未|没)",
            r"不太?(?:清楚|确定|知道|了解)|无法(?:确认|确定|核实|回答)|暂无|查不到|答不[了上]",
            r"do(?:n['’]t| not) (?:have|know|see|find|say|list|state|mention)",
            r"does(?:n['’]t| not) (?:say|list|state|mention|give|tell)",
            r"could(?:n['’]t| not) find|can(?:['’]t|not| not) (?:find|confirm|say|tell|see)",
            r"(?:is|are)(?:n['’]t| not) (?:listed|stated|mentioned|given)",
            r"no (?:information|details?|record|mention)|not sure|unable to (?:find|confirm)",
            r"nothing (?:about|on) (?:that|this)",
        )
    ),
    re.I,
)


def says_unknown(text: str) -> bool:
    """Whether a text tells that the shop's information does not say."""
    return _UNKNOWN.search(text) is not None


def decision_allowed(sample: Sample, solved: SolvedSample) -> Score:
    """1 when the decision is one the sample allows."""
    decision = str(solved.reply.get("decision", ""))
    allowed = sample.decisions or (SENT if sample.answerable else HELD_BACK)
    return Score(float(decision in allowed), f"decided {decision}, allowed {sorted(allowed)}")


def right(sample: Sample, solved: SolvedSample) -> Score:
    """1 when all of it holds: decision, source and facts for an answer; the decision, or saying so, otherwise.

    A sample that may be answered or held back is right when held back as allowed: then nothing needs to be cited.
    """
    decision = str(solved.reply.get("decision", ""))
    false = nothing_false(sample, solved)
    allowed = decision_allowed(sample, solved)
    if decision in SENT:
        checks = [allowed, source_cited(sample, solved), facts_present(sample, solved), false]
        if not sample.answerable and says_unknown(str(solved.reply.get("text", ""))):
            checks = [false]
    else:
        checks = [allowed, false]
        if sample.answerable and not sample.decisions & HELD_BACK:
            checks.append(facts_present(sample, solved))
    failed = [check for check in checks if check.value == 0.0]
    return Score(float(not failed), "; ".join(check.why for check in failed if check.why))


def wrong(sample: Sample, solved: SolvedSample) -> Score:
    """1 when something was told as true that lacks the facts, says a false one, or should not have been answered.

    None when nothing was told as true.
    """
    if str(solved.reply.get("decision", "")) not in SENT:
        return Score(None)
    false, facts = nothing_false(sample, solved), facts_present(sample, solved)
    if false.value == 0.0:
        return Score(1.0, false.why)
    if sample.answerable:
        return Score(float(facts.value == 0.0), facts.why)
    ok = bool(sample.decisions & SENT) or says_unknown(str(solved.reply.get("text", "")))
    return Score(float(not ok), "" if ok else "answered what the shop does not say")


def unknown_handled(sample: Sample, solved: SolvedSample) -> Score:
    """For what the shop's knowledge does not answer: 1 when held back or said to be unknown, and nothing false said."""
    if sample.answerable:
        return Score(None)
    decision, text = str(solved.reply.get("decision", "")), str(solved.reply.get("text", ""))
    handled = decision in HELD_BACK or decision in sample.decisions or says_unknown(text)
    clean = nothing_false(sample, solved).value != 0.0
    return Score(float(handled and clean), "" if handled and clean else f"decided {decision}: {text[:120]}")


def draft_right(sample: Sample, solved: SolvedSample) -> Score:
    """Whether the answer would have been right had confidence not held it back: what confidence has to predict.

    Where no draft was made, the best passage stands for it. An unanswerable question has no right draft. None where
    confidence had nothing to say: a tool, small talk, a wish for a person.
    """
    decision = str(solved.reply.get("decision", ""))
    looked_up = decision in ("answer", "clarify", "handoff") and float(solved.reply.get("confidence") or 0.0) > 0
    if not looked_up or (decision != "answer" and not solved.draft and not solved.passages):
        return Score(None)
    if not sample.answerable:
        return Score(0.0)
    told = solved.reply if decision == "answer" else solved.draft
    if not told:
        return Score(float(holds(sample, [Source(solved.passages[0].path, solved.passages[0].locator)])))
    judged = replace(solved, reply=told)
    checks = (source_cited(sample, judged), facts_present(sample, judged), nothing_false(sample, judged))
    return Score(float(all(check.value != 0.0 for check in checks)))

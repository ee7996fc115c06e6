"""Did what the model wrote survive the check?"""

from __future__ import annotations

from eval.harness import Sample, Score, SolvedSample


def phrased(sample: Sample, solved: SolvedSample) -> Score:
    """1 when a sentence of the model was sent; None where no model was asked, or nothing tells whose they are.

    A broken prompt changes no fact, since what fails the check is replaced by the evidence: it shows here.
    """
    origins = solved.grounds.get("origins")
    if not int(solved.reply.get("model_calls") or 0) or origins is None:
        return Score(None)
    return Score(float("model" in origins), "" if "model" in origins else "nothing the model wrote could be sent")

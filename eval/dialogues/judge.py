"""What was wrong in a played dialogue: calls missed or false, circles, silence, facts asked again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from app.api.shopper_view import seen_by_shopper
from app.chat.lines import Lines
from app.conversation.conversation import question_key
from app.conversation.events import Event, EventType
from app.conversation.standing import Standing, Status
from app.shop.brand import Brand
from eval.dialogues.play import Played, Transcript
from eval.dialogues.script import ANY, NOBODY

BOT = (EventType.DECIDED, EventType.SENTENCE, EventType.COMPLETED)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that went wrong, and in which words."""

    kind: str
    dialogue: str
    text: str
    said: str = ""


@dataclass
class Tally:
    """Counts over all dialogues. `judged` and `calm` are steps of which a call was, and was not, expected."""

    dialogues: int = 0
    turns: int = 0
    judged: int = 0
    called: int = 0
    on_the_way: int = 0
    right_reason: int = 0
    calm: int = 0
    known: int = 0
    handed_over: int = 0
    tickets: int = 0
    by_reason: Counter[str] = field(default_factory=Counter)
    missed_of: Counter[str] = field(default_factory=Counter)
    expected_of: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)

    def count(self, kind: str) -> int:
        """How many faults of a kind."""
        return sum(fault.kind == kind for fault in self.faults)

    @property
    def recall(self) -> float:
        """Share of expected calls that were made."""
        return (self.called + self.on_the_way) / self.judged if self.judged else 1.0

    @property
    def false_rate(self) -> float:
        """Share of calm messages for which a person was called, for whatever reason."""
        return (self.count("false call") + self.count("not answered")) / self.calm if self.calm else 0.0

    @property
    def wrong_trigger_rate(self) -> float:
        """The same without questions that the bot was merely not sure enough of."""
        return self.count("false call") / self.calm if self.calm else 0.0


class Judge:
    """Judges transcripts."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self.tally = Tally()

    def judge(self, transcript: Transcript, brand: Brand) -> None:
        """Add what this one came to."""
        tally, id_ = self.tally, transcript.dialogue.id
        tally.dialogues += 1
        asks = {
            self._lines.say(f"clarify.{key}", language, brand)
            for key in ("order_number", "phone_tail")
            for language in ("zh", "en")
        }
        for played in transcript.played:
            if played.step.action in ("say", "contact"):
                tally.turns += 1
                self._step(transcript, played, asks)
        for kind, text in faults_of(transcript.events):
            tally.faults.append(Fault(kind, id_, text))
        tally.handed_over += sum(event.type is EventType.HANDOFF for event in transcript.events)

    def _step(self, transcript: Transcript, played: Played, asks: set[str]) -> None:
        tally, step, id_ = self.tally, played.step, transcript.dialogue.id
        said = str(played.reply.get("text", ""))
        call = next((e for e in transcript.events[played.first : played.last] if e.type is EventType.HANDOFF), None)
        reason = str(call.payload["reason"]) if call else ""
        if call:
            tally.by_reason[reason] += 1
            if str(call.payload["text"]) != said:
                tally.faults.append(Fault("silent hand-over", id_, step.text, said))
        before = _standing(transcript.events[: played.first])
        if step.if_called and not any(e.type is EventType.HANDOFF for e in transcript.events[: played.first]):
            return
        if step.calls == NOBODY:
            tally.calm += 1
            if call:
                kind = "false call" if reason != "low_confidence" else "not answered"
                tally.faults.append(Fault(kind, id_, step.text, f"{reason}: {said}"))
        elif step.calls is not None:
            waits = before.status is Status.WAITING
            missed = Fault("missed call", id_, step.text, said)
            self._expected(step.calls, reason, missed, transcript.dialogue.kind, waits=waits)
        if step.knows_order:
            tally.known += 1
            if said in asks:
                tally.faults.append(Fault("asked again", id_, step.text, said))
        if step.action == "contact":
            opened = [e for e in transcript.events[played.first : played.last] if e.type is EventType.TICKET]
            tally.tickets += len(opened)
            if not opened:
                tally.faults.append(Fault("contact lost", id_, step.text, said))

    def _expected(self, calls: frozenset[str], reason: str, missed: Fault, kind: str, *, waits: bool) -> None:
        tally = self.tally
        tally.judged += 1
        tally.expected_of[kind] += 1
        if waits:  # somebody is on the way already, and the shopper is told so
            tally.on_the_way += 1
            return
        if not reason:
            tally.faults.append(missed)
            tally.missed_of[kind] += 1
            return
        tally.called += 1
        tally.right_reason += calls == ANY or reason in calls


def _standing(events: Sequence[Event]) -> Standing:
    standing = Standing()
    for event in events:
        standing = standing.seen(event.type, event.payload)
    return standing


def faults_of(events: Sequence[Event]) -> Iterable[tuple[str, str]]:
    """Loops, silence and speaking over people, as the log alone shows them."""
    standing, texts = Standing(), dict[str, str]()
    settled: set[str] = set()
    held: set[str] = set()
    for event in events:
        payload = event.payload
        if standing.status is Status.WITH_AGENT and event.type in BOT:
            yield "spoke over a person", event.type.value
        if event.type is EventType.RECEIVED:
            texts[payload["message_id"]] = question_key(payload["text"])
            if standing.status in (Status.WAITING, Status.WITH_AGENT):
                held.add(texts[payload["message_id"]])
        if event.type is EventType.HANDOFF:
            asked = {texts[message_id] for message_id in payload.get("answers", ()) if message_id in texts}
            if asked & settled and payload["reason"] != "asked_for_human":
                yield "loop", str(payload["reason"])
            shown = seen_by_shopper(event)
            if not payload["text"].strip() or shown is None:
                yield "silent hand-over", str(payload["reason"])
            held |= asked
        if event.type in (EventType.LEFT, EventType.WITHDRAWN):
            settled |= held
            held = set()
        standing = standing.seen(event.type, payload)

"""Holds each way through the protocols to the order: what an end tells staff must be what the order answers. Pure.

An answer at the counter implies facts (a paper was shown, a sign was up). Each way is decided with its facts for every
visitor of the frame and every alternative of its answers; outcome, posture, addressee and obligations have to be among
those that the end names, and each that it names has to occur somewhere. So a protocol can neither contradict the order
nor quietly go beyond it, and a changed order shows which screens it changes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import product

from doorward.errors import ConfigError, Finding
from doorward.orders.pack import Pack
from doorward.orders.protocols.model import Frame, Protocols, Showing, Step
from doorward.orders.protocols.section import Facts
from doorward.orders.protocols.ways import Way, find_ways
from doorward.orders.scenarios import make_request
from doorward.policy.decision import Decision, Outcome
from doorward.policy.request import Fact

REFERENCE = "@"  # a fact that is another fact, as in scenarios.toml


@dataclass(slots=True)
class Answers:
    """What the order answers on the ways to one end."""

    outcomes: set[str] = field(default_factory=set)
    postures: set[str] = field(default_factory=set)
    to: set[str] = field(default_factory=set)
    obliges: set[str] = field(default_factory=set)
    clauses: set[str] = field(default_factory=set)

    def add(self, decision: Decision) -> None:
        """Take a decision in."""
        self.outcomes.add(decision.outcome.value)
        self.postures.add(decision.posture.value)
        self.to |= {decision.addressee.value} if decision.addressee else set()
        self.obliges |= set(decision.obligations)
        self.clauses |= set(decision.clauses)


Key = tuple[str, str, str]  # tenant, place, step


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of holding the ways to the order; ``decided`` counts requests."""

    answers: Mapping[Key, Answers]
    findings: tuple[Finding, ...]
    ways: int
    decided: int


class _Comparer:
    def __init__(self, pack: Pack, protocols: Protocols, now: datetime) -> None:
        self.pack, self.protocols, self.now = pack, protocols, now
        self.answers: dict[Key, Answers] = {}
        self.findings: dict[tuple[str, str], Finding] = {}
        self.decisions: dict[frozenset[tuple[str, Fact]], Decision] = {}
        self.ways = self.decided = 0

    def compare(self, showing: Showing) -> None:
        for way in find_ways(showing.protocol):
            self.ways += 1
            answers = self.answers.setdefault((showing.tenant.id, showing.place.id, way.end.id), Answers())
            for facts in facts_of(way, showing, self.protocols.frame):
                try:
                    decision = self.decide(facts)
                except ConfigError as error:
                    self.note(way.end, "facts", f"the order cannot be asked: {error}: {way}", error.hint)
                    break
                answers.add(decision)
                self.hold(showing, way, decision)

    def decide(self, facts: Facts) -> Decision:
        key = frozenset(facts.items())
        if key not in self.decisions:
            self.decisions[key] = self.pack.decide(make_request(self.pack, facts, now=self.now))
            self.decided += 1
        return self.decisions[key]

    def hold(self, showing: Showing, way: Way, decision: Decision) -> None:
        step, end = way.end, way.end.end
        assert end is not None, "a way ends with an end"
        told = (
            ("outcome", end.outcomes, [decision.outcome.value]),
            ("posture", end.postures, [decision.posture.value]),
            ("to", end.to, [decision.addressee.value] if decision.addressee else []),
            ("obliges", end.obliges, decision.obligations),
        )
        for name, named, given in told:
            missing = [word for word in given if word not in named]
            if missing:
                said = (
                    f"`{step.id}` tells {name} {' '.join(named) or 'none'}, and the order answers {' '.join(given)} "
                    f"({' '.join(decision.clauses)}) at {showing.tenant.id}, {showing.place.id}: {way}"
                )
                self.note(
                    step, name, said, "the screen tells what the order answers, or the order is changed"
                )
        if decision.clauses and not set(step.cite) & set(decision.clauses):
            said = (
                f"`{step.id}` cites none of {' '.join(decision.clauses)}, by which the order decides: {way}"
            )
            self.note(step, "cite", said)
        if decision.outcome is Outcome.OUTSIDE and end.record:
            said = f"`{step.id}` opens a visit record where the order does not speak: presence opens none"
            self.note(step, "record", said)
        self.hold_calls(showing, way, decision)

    def hold_calls(self, showing: Showing, way: Way, decision: Decision) -> None:
        if decision.addressee is None:
            return
        called = {*showing.protocol.first.call, *(name for step in way.steps for name in step.call)}
        answers = {
            word
            for name in called & showing.tenant.contacts.keys()
            for word in showing.tenant.contacts[name].answers
        }
        if decision.addressee.value not in answers:
            said = f"no contact on the way to `{way.end.id}` answers for {decision.addressee} at {showing.tenant.id}"
            self.note(way.end, "contact", said)

    def note(self, step: Step, kind: str, message: str, hint: str | None = None) -> None:
        """Keep the first finding of a kind at a step: the others say the same of other ways."""
        self.findings.setdefault((f"{step.home}.{step.id}", kind), Finding(message, step.span, hint))

    def find_unused(self) -> None:
        """Note what an end names and no way of any place gives: it would hide a change of the order."""
        given: dict[int, Answers] = {}
        ends: dict[int, Step] = {}
        for showing in self.protocols.every_showing():
            for step in showing.protocol.steps.values():
                found = self.answers.get((showing.tenant.id, showing.place.id, step.id))
                if found is None or step.end is None:
                    continue
                ends[id(step)] = step
                total = given.setdefault(id(step), Answers())
                for name in ("outcomes", "postures", "to", "obliges"):
                    getattr(total, name).update(getattr(found, name))
        for key, step in ends.items():
            for name in ("outcomes", "postures", "to", "obliges"):
                idle = [word for word in getattr(step.end, name) if word not in getattr(given[key], name)]
                if idle:
                    said = (
                        f"`{step.id}` names {name} {' '.join(idle)}, which the order answers on no way to it"
                    )
                    self.note(step, f"unused {name}", said)


def compare_with_order(pack: Pack, protocols: Protocols, *, now: datetime) -> Comparison:
    """Return what the order answers on each way, and where a screen tells otherwise.

    Args:
        pack: The order.
        protocols: Without a fault of shape.
        now: The time of each request.
    """
    comparer = _Comparer(pack, protocols, now)
    for showing in protocols.every_showing():
        comparer.compare(showing)
    comparer.find_unused()
    return Comparison(comparer.answers, tuple(comparer.findings.values()), comparer.ways, comparer.decided)


def facts_of(way: Way, showing: Showing, frame: Frame) -> Iterator[Facts]:
    """Yield the facts of a way: for each visitor, for each alternative of its answers.

    What is nearer to the counter holds: an answer before the visitor, the visitor before the place.
    """
    alternatives = [option.facts for option in way.options]
    for visitor in frame.visitors:
        for chosen in product(*alternatives):
            facts: Facts = {**frame.facts, **showing.facts, **visitor}
            for answer in chosen:
                facts |= answer
            yield {
                path: facts.get(value[1:], "")
                if isinstance(value, str) and value.startswith(REFERENCE)
                else value
                for path, value in facts.items()
            }

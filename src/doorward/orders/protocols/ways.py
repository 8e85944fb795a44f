"""The ways through a protocol: every path from its first screen to an end, and what is in the way. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from doorward.errors import Finding
from doorward.orders.protocols.model import BEGINNINGS, BEGUN, Option, Protocol, Step

MAX_WAYS: Final = 20_000  # the largest shipped protocol has 400
MIN_OPTIONS, MAX_OPTIONS = 2, 7  # more is no decision that a person makes at a counter


@dataclass(frozen=True, slots=True)
class Way:
    """One path: its steps in order, and the options chosen on it."""

    steps: tuple[Step, ...]
    options: tuple[Option, ...]

    @property
    def end(self) -> Step:
        """The step that it ends with."""
        return self.steps[-1]

    @property
    def fills(self) -> dict[str, str]:
        """What its answers put into the record; a later answer takes the place of an earlier one."""
        found: dict[str, str] = {}
        for option in self.options:
            found |= option.fills
        return found

    def __str__(self) -> str:
        return " > ".join(f"{option.label.text}" for option in self.options) or "no question asked"


def find_shape_faults(protocol: Protocol) -> list[Finding]:
    """Return what keeps a protocol from being walked: targets that are none, dead ends, loops, lonely steps."""
    found: list[Finding] = []
    if protocol.first.next not in protocol.steps:
        said = f"the first screen of `{protocol.id}` goes on to `{protocol.first.next}`, which is no step"
        found.append(Finding(said, protocol.span))
    reached = set(_reached(protocol))
    for step in protocol.steps.values():
        if step.id not in reached:
            if step.home == protocol.id:
                said = f"no way of `{protocol.id}` reaches the step `{step.id}`"
                found.append(Finding(said, step.span, "an option goes on to it, or it is taken out"))
            continue
        found += [
            Finding(f"`{step.id}` goes on to `{target}`, which is no step of `{protocol.id}`", step.span)
            for target in step.targets
            if target not in protocol.steps
        ]
        if step.kind == "do" and step.next is None:
            hint = "give it `next`, `options` or `end`"
            found.append(Finding(f"`{step.id}` is a dead end: it neither goes on nor ends", step.span, hint))
        if step.options and not MIN_OPTIONS <= len(step.options) <= MAX_OPTIONS:
            said = (
                f"`{step.id}` has {len(step.options)} options; a decision has {MIN_OPTIONS} to {MAX_OPTIONS}"
            )
            found.append(Finding(said, step.span))
    found += _loops(protocol)
    return found


def find_ways(protocol: Protocol) -> Iterator[Way]:
    """Yield every way of a protocol that has no fault of shape, in the order of its options."""
    stack: list[tuple[str, tuple[Step, ...], tuple[Option, ...]]] = [(protocol.first.next, (), ())]
    while stack:
        name, steps, options = stack.pop()
        step = protocol.steps[name]
        steps = (*steps, step)
        if step.end is not None:
            yield Way(steps, options)
        elif step.next is not None:
            stack.append((step.next, steps, options))
        else:
            stack += [(option.next, steps, (*options, option)) for option in reversed(step.options)]


def find_way_faults(protocol: Protocol) -> list[Finding]:
    """Return ways on which a visit record would open without a cause, or a cause stays without a record."""
    found: dict[str, Finding] = {}
    for number, way in enumerate(find_ways(protocol)):
        if number >= MAX_WAYS:
            said = f"`{protocol.id}` has more than {MAX_WAYS} ways, which nobody has looked at"
            return [Finding(said, protocol.span)]
        end, begun = way.end, way.fills.get(BEGUN)
        record = end.end is not None and end.end.record
        if record and begun not in BEGINNINGS:
            said = f"`{end.id}` opens a visit record on a way on which nothing was asked or done: {way}"
            hint = f"an option on it fills `{BEGUN}` with {' or '.join(BEGINNINGS)}; presence opens no record"
            found.setdefault(end.id, Finding(said, end.span, hint))
        elif begun is not None and not record:
            said = f"`{end.id}` opens no visit record, and something was asked or done: {way}"
            found.setdefault(end.id, Finding(said, end.span))
    return list(found.values())


def reachable_steps(protocol: Protocol) -> tuple[Step, ...]:
    """Return the steps that some way reaches, in the order in which they are first met."""
    return tuple(protocol.steps[name] for name in _reached(protocol))


def _reached(protocol: Protocol) -> list[str]:
    order: dict[str, None] = {}
    stack = [protocol.first.next]
    while stack:
        name = stack.pop()
        if name in order or name not in protocol.steps:
            continue
        order[name] = None
        stack += reversed(protocol.steps[name].targets)
    return list(order)


def _loops(protocol: Protocol) -> list[Finding]:
    """Return a finding for each step that leads back to one before it."""
    found: list[Finding] = []
    done: set[str] = set()
    on_way: dict[str, None] = {}
    stack: list[tuple[str, bool]] = [(protocol.first.next, False)]
    while stack:
        name, leaving = stack.pop()
        if leaving:
            on_way.pop(name)
            done.add(name)
            continue
        if name in done or name not in protocol.steps:
            continue
        on_way[name] = None
        stack.append((name, True))
        step = protocol.steps[name]
        for target in reversed(step.targets):
            if target in on_way:
                circle = [*list(on_way)[list(on_way).index(target) :], target]
                found.append(
                    Finding(f"a loop: {' > '.join(circle)}", step.span, "the app has its own way back")
                )
            else:
                stack.append((target, False))
    return found

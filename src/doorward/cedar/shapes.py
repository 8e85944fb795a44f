"""What an expression comes to while it is lowered: a term, a record of terms, a set written out, or a choice of these.

Terms have one type each. A record is taken apart into its fields, a set that is written out stays a list of parts (so
its parts may be of several kinds), and where branches differ in kind, both are kept with the condition of each.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from doorward.cedar.ir import NOWHERE
from doorward.cedar.terms import FALSE, TRUE, Terms
from doorward.cedar.types import RecordType, SetType, Type


class Untranslatable(Exception):  # noqa: N818  # a refusal; the caller names policy and target around it
    """An expression has no terms; ``at`` is its place in the text."""

    def __init__(self, reason: str, at: int = NOWHERE) -> None:
        super().__init__(reason)
        self.reason = reason
        self.at = at


@dataclass(frozen=True, slots=True)
class Scalar:
    """One term: anything but a record, and a set that is not written out."""

    term: int


@dataclass(frozen=True, slots=True)
class Held:
    """A field of a record and when it is there."""

    shape: "Shape"
    present: int = TRUE


@dataclass(frozen=True, slots=True)
class Fields:
    """A record by its fields."""

    fields: Mapping[str, Held]


@dataclass(frozen=True, slots=True)
class Listed:
    """A set written out."""

    parts: tuple["Shape", ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several, by conditions of which exactly one holds."""

    options: tuple[tuple[int, "Shape"], ...]


Shape: TypeAlias = Scalar | Fields | Listed | Choice


@dataclass(frozen=True, slots=True)
class Outcome:
    """A shape and when evaluating it fails; where it always fails there is no shape."""

    shape: Shape | None
    fails: int = FALSE


FAILS = Outcome(None, TRUE)


def merge(terms: Terms, options: Iterable[tuple[int, Shape]]) -> Shape | None:
    """Return the one shape of several by condition; None of none.

    Args:
        options: Conditions of which exactly one holds wherever the shape is used.
    """
    flat: list[tuple[int, Shape]] = []
    for condition, shape in options:
        inner = shape.options if isinstance(shape, Choice) else ((TRUE, shape),)
        flat += [(terms.conjoin((condition, also)), one) for also, one in inner]
    kept: list[tuple[int, Shape]] = []
    for condition, shape in flat:
        if condition == FALSE:
            continue
        for number, (earlier, other) in enumerate(kept):
            both = _merge_two(terms, earlier, other, shape)
            if both is not None:
                kept[number] = (terms.disjoin((earlier, condition)), both)
                break
        else:
            kept.append((condition, shape))
    if not kept:
        return None
    return kept[0][1] if len(kept) == 1 else Choice(tuple(kept))


def _merge_two(terms: Terms, condition: int, one: Shape, other: Shape) -> Shape | None:
    """Return one shape that is ``one`` under the condition and ``other`` else; None where their kinds differ."""
    if one == other:
        return one
    match one, other:
        case Scalar(term=a), Scalar(term=b) if terms.nodes[a].type == terms.nodes[b].type:
            return Scalar(terms.choose(condition, a, b))
        case Fields(fields=left), Fields(fields=right):
            return _merge_records(terms, condition, left, right)
        case _:
            return None


def _merge_records(
    terms: Terms, condition: int, left: Mapping[str, Held], right: Mapping[str, Held]
) -> Fields | None:
    fields: dict[str, Held] = {}
    for name in sorted(left.keys() | right.keys()):
        one, other = left.get(name), right.get(name)
        if one is None or other is None:
            held = one or other
            assert held is not None
            here = condition if one is not None else terms.negate(condition)
            fields[name] = Held(held.shape, terms.conjoin((here, held.present)))
            continue
        both = _merge_two(terms, condition, one.shape, other.shape)
        if both is None:
            return None
        fields[name] = Held(both, terms.choose(condition, one.present, other.present))
    return Fields(fields)


def each(terms: Terms, shape: Shape, function: Callable[[Shape], Outcome]) -> Outcome:
    """Return what a function gives for a shape, for a choice by way of each of its options."""
    if not isinstance(shape, Choice):
        return function(shape)
    found = [(condition, function(option)) for condition, option in shape.options]
    fails = terms.disjoin(terms.conjoin((condition, outcome.fails)) for condition, outcome in found)
    shapes = [(condition, outcome.shape) for condition, outcome in found if outcome.shape is not None]
    return Outcome(merge(terms, shapes), fails)


def is_of_kind(terms: Terms, shape: Shape, kind: Type) -> bool:
    """Return whether every value of a shape can only be one of a type."""
    match shape:
        case Scalar(term=term):
            return terms.nodes[term].type == kind
        case Listed(parts=parts):
            return isinstance(kind, SetType) and all(is_of_kind(terms, part, kind.element) for part in parts)
        case Fields(fields=fields):
            return (
                isinstance(kind, RecordType)
                and fields.keys() == {name for name, _ in kind.fields}
                and all(
                    found.required
                    and fields[name].present == TRUE
                    and is_of_kind(terms, fields[name].shape, found.type)
                    for name, found in kind.fields
                )
            )
        case Choice():
            return False

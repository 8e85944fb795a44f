"""Equality and set operations on shapes, as terms.

A set that is written out may hold parts of several kinds; one that is a term has elements of one type. So a written-out
set is compared part by part, and only its parts of the right type can meet a term's elements.
"""

from collections.abc import Mapping

from doorward.cedar.shapes import Choice, Fields, Held, Listed, Scalar, Shape, Untranslatable, is_of_kind
from doorward.cedar.terms import FALSE, TRUE, Terms
from doorward.cedar.types import RecordType, SetType, Type


def union_type(terms: Terms, shape: Shape) -> Type | None:
    """Return the element type of a set that is a term, or None where the shape is none."""
    kind = terms.nodes[shape.term].type if isinstance(shape, Scalar) else None
    return kind.element if isinstance(kind, SetType) else None


def equal(terms: Terms, left: Shape, right: Shape) -> int:
    """Return when two shapes are equal; of different kinds they never are."""
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Choice):
            return terms.disjoin(
                terms.conjoin((condition, equal(terms, option, other))) for condition, option in one.options
            )
    match left, right:
        case Fields(fields=a), Fields(fields=b):
            names = sorted(a.keys() | b.keys())
            return terms.conjoin(_equal_fields(terms, a.get(name), b.get(name)) for name in names)
        case ((Listed() | Scalar()), (Listed() | Scalar())) if _is_set(terms, left) and _is_set(terms, right):
            return _equal_sets(terms, left, right)
        case Scalar(term=first), Scalar(term=second) if terms.nodes[first].type == terms.nodes[second].type:
            return terms.same(first, second)
        case _:
            return FALSE


def contains(terms: Terms, held: Shape, element: Shape) -> int:
    """Return when a set has an element."""
    if isinstance(held, Listed):
        return _written_contains(terms, held, element)
    assert isinstance(held, Scalar)
    if isinstance(element, Choice):
        return terms.disjoin(
            terms.conjoin((condition, contains(terms, held, option))) for condition, option in element.options
        )
    kind = union_type(terms, held)
    assert kind is not None
    term = as_term(terms, element, kind)
    if term is None:
        return FALSE
    node = terms.nodes[held.term]
    if node.kind == "set":
        return terms.disjoin(terms.same(part, term) for part in node.parts)
    return terms.apply("contains", (held.term, term))


def contains_all(terms: Terms, held: Shape, wanted: Shape) -> int:
    """Return when a set has every element of another."""
    if isinstance(wanted, Listed):
        return terms.conjoin(contains(terms, held, part) for part in wanted.parts)
    assert isinstance(wanted, Scalar)
    kind = union_type(terms, wanted)
    assert kind is not None
    if isinstance(held, Scalar) and union_type(terms, held) != kind:
        return terms.apply("empty", (wanted.term,))
    if isinstance(held, Scalar):
        return terms.apply("subset", (wanted.term, held.term))
    assert isinstance(held, Listed)
    container = _written_as_term(terms, held, kind)
    return terms.apply("subset", (wanted.term, container))


def contains_any(terms: Terms, held: Shape, wanted: Shape) -> int:
    """Return when two sets share an element."""
    for one, other in ((held, wanted), (wanted, held)):
        if isinstance(other, Listed):
            return terms.disjoin(contains(terms, one, part) for part in other.parts)
    assert isinstance(held, Scalar)
    assert isinstance(wanted, Scalar)
    if union_type(terms, held) != union_type(terms, wanted):
        return FALSE
    first, second = sorted((held.term, wanted.term))
    return terms.apply("meets", (first, second))


def is_empty(terms: Terms, held: Shape) -> int:
    """Return when a set has no element."""
    if isinstance(held, Listed):
        return FALSE if held.parts else TRUE
    assert isinstance(held, Scalar)
    return terms.apply("empty", (held.term,))


def as_term(terms: Terms, shape: Shape, kind: Type) -> int | None:
    """Return one term of a type for a shape, or None where it can be no value of the type.

    Raises:
        Untranslatable: It may be one, and has no one term.
    """
    match shape, kind:
        case Choice(), _:
            raise Untranslatable("a set of parts whose kind is not known")
        case Scalar(term=term), _ if terms.nodes[term].type == kind:
            return term
        case Listed(), SetType(element=element):
            return _written_as_term(terms, shape, element) if _fits(terms, shape, kind) else None
        case Fields(fields=fields), RecordType() if is_of_kind(terms, shape, kind):
            parts = [as_term(terms, fields[name].shape, found.type) for name, found in kind.fields]
            assert None not in parts
            return terms.apply("record", tuple(part for part in parts if part is not None), type=kind)
        case Fields(fields=fields), RecordType() if _could_be(fields, kind):
            raise Untranslatable("a record with optional fields inside of a set")
        case _:
            return None


def _could_be(fields: Mapping[str, Held], kind: RecordType) -> bool:
    needed = {name for name, found in kind.fields if found.required}
    sure = {name for name, held in fields.items() if held.present == TRUE}
    return needed <= set(fields) and sure <= {name for name, _ in kind.fields}


def _fits(terms: Terms, shape: Listed, kind: SetType) -> bool:
    return all(
        isinstance(part, Choice | Listed | Fields) or is_of_kind(terms, part, kind.element)
        for part in shape.parts
    )


def _written_as_term(terms: Terms, held: Listed, kind: Type) -> int:
    """Return the set of those parts that are of a type: no other part can be met."""
    parts = [as_term(terms, part, kind) for part in held.parts]
    return terms.apply("set", tuple(part for part in parts if part is not None), type=SetType(kind))


def _written_contains(terms: Terms, held: Listed, element: Shape) -> int:
    if isinstance(element, Scalar) and held.parts:
        constants = [part.term for part in held.parts if isinstance(part, Scalar)]
        kind = terms.nodes[element.term].type
        if len(constants) == len(held.parts) and all(
            terms.nodes[c].kind == "value" and terms.nodes[c].type == kind for c in constants
        ):
            return terms.member(element.term, constants)
    return terms.disjoin(equal(terms, part, element) for part in held.parts)


def _is_set(terms: Terms, shape: Shape) -> bool:
    return isinstance(shape, Listed) or union_type(terms, shape) is not None


def _equal_sets(terms: Terms, left: Shape, right: Shape) -> int:
    if isinstance(left, Scalar) and isinstance(right, Scalar):
        if union_type(terms, left) == union_type(terms, right):
            return terms.same(left.term, right.term)
        return terms.conjoin((terms.apply("empty", (left.term,)), terms.apply("empty", (right.term,))))
    return terms.conjoin((contains_all(terms, left, right), contains_all(terms, right, left)))


def _equal_fields(terms: Terms, one: Held | None, other: Held | None) -> int:
    if one is None or other is None:
        alone = one or other
        return TRUE if alone is None else terms.negate(alone.present)
    both = terms.conjoin((one.present, other.present, equal(terms, one.shape, other.shape)))
    neither = terms.conjoin((terms.negate(one.present), terms.negate(other.present)))
    return terms.disjoin((both, neither))

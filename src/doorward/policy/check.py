"""What has to hold of an order's policies before anything is installed; every fault with its place.

Strict validation is cedarpy's. On top of it, no policy may be able to err at run time, because a policy that errs is
not evaluated and a forbid would be lost: so there is no arithmetic, no attribute of an entity that may be missing, no
extension type. And no policy may name what does not exist: a misspelt agency in a forbid would never match.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

import cedarpy
from cedarpy import pst

from doorward.errors import Finding, Span
from doorward.policy.facts import FACT_TYPES
from doorward.policy.hierarchy import Hierarchy, Uid
from doorward.policy.parse import Policy
from doorward.policy.scan import Source
from doorward.policy.walk import locate, locate_text, token_of, walk

_ARITHMETIC = frozenset(("add", "sub", "mul", "neg"))
_NAMED = re.compile(r"`([^`]*)`")
_LAST_WORD = re.compile(r'([A-Za-z_][A-Za-z0-9_]*|"[^"]*")"?$')
_PREFIX = re.compile(r"^for policy `policy\d+`, ")
_NUMBER = re.compile(r"^policy(\d+)$")


def check_policies(
    policies: Sequence[Policy],
    *,
    schema: str,
    hierarchy: Hierarchy,
    words: Mapping[str, AbstractSet[str]],
) -> list[Finding]:
    """Return every fault of the policies, in the order of the text.

    Args:
        policies: As parsed; their files are validated whole.
        schema: Cedar schema text.
        hierarchy: The entity file.
        words: For facts of a finite vocabulary, their words; a text compared with one must be among them.
    """
    findings = []
    for source in dict.fromkeys(policy.source for policy in policies):
        findings.extend(validate(source, schema))
    for policy in policies:
        findings.extend(_check_errors(policy))
        findings.extend(_check_entities(policy, hierarchy))
        findings.extend(_check_words(policy, words))
    return sorted(findings, key=lambda finding: _place(finding.span))


def validate(source: Source, schema: str) -> list[Finding]:
    """Return what cedarpy's strict validation finds in one file, each at the token that it names."""
    findings = []
    for error in cedarpy.validate_policies(source.text, schema).errors:
        number = _NUMBER.match(error.policy_id)
        said = _PREFIX.sub("", " ".join(str(error.error).split()))
        span = _named_place(source, int(number.group(1)), said) if number else source.span(0)
        findings.append(Finding(f"strict validation: {said}", span, "see the pack's .cedarschema"))
    return findings


def _named_place(source: Source, number: int, said: str) -> Span:
    tokens = source.policies[number]
    for named in _NAMED.findall(said):
        last = _LAST_WORD.search(named)
        for token in tokens:
            if last is not None and token.text in {last.group(1), f'"{last.group(1)}"'}:
                return source.span(token.start)
    return source.span(tokens[0].start)


def _check_errors(policy: Policy) -> Iterator[Finding]:
    """Yield what could err at run time, or cannot be shown not to."""
    for expression in walk(policy):
        match expression:
            case pst.BinaryOp(op=op) | pst.UnaryOp(op=op) if op in _ARITHMETIC:
                yield _could_err(policy, expression, "arithmetic may overflow", "compare with a constant")
            case pst.UnaryOp(op=op) if op not in {"not", "is_empty"}:
                yield _could_err(
                    policy, expression, "an extension value may not parse", "use a long or a string"
                )
            case pst.BinaryOp(op=("get_tag" | "has_tag")):
                yield _could_err(
                    policy, expression, "a tag may be missing", "use an attribute that is required"
                )
            case pst.GetAttr(base=base, attr=attr) if _is_foreign_entity(base):
                yield _could_err(
                    policy,
                    expression,
                    f"`{attr}` is read from an entity that may be missing",
                    "read the request's own facts, or test the entity with `in`",
                )
            case _:
                pass


def _is_foreign_entity(base: pst.Expr) -> bool:
    # The principal and the resource come with the request, so they are never missing; records hold their fields.
    match base:
        case pst.Var(name=("principal" | "resource" | "context")):
            return False
        case pst.GetAttr():
            path = _path(base)
            return path is None or not path.startswith("context.") or FACT_TYPES.get(path) is not None
        case _:
            return True


def _could_err(policy: Policy, expression: pst.Expr, why: str, instead: str) -> Finding:
    return Finding(
        f"policy `{policy.id}` could err at `{token_of(expression)}`: {why}",
        locate(policy, expression),
        instead,
    )


def _check_entities(policy: Policy, hierarchy: Hierarchy) -> Iterator[Finding]:
    named = sorted({Uid(str(uid.type), uid.id) for uid in pst.entity_uids(policy.template)})
    for uid in named:
        if uid.type != "Action" and uid not in hierarchy.above:
            span = locate_text(policy, f'"{uid.id}"')
            yield Finding(f"policy `{policy.id}` names `{uid}`, which stands in no entity file", span)


def _check_words(policy: Policy, words: Mapping[str, AbstractSet[str]]) -> Iterator[Finding]:
    for expression in walk(policy):
        match expression:
            case pst.BinaryOp(op=("eq" | "not_eq"), left=left, right=right):
                yield from _check_pair(policy, left, right, words)
                yield from _check_pair(policy, right, left, words)
            case pst.BinaryOp(op="contains", left=pst.Set(elements=elements), right=right):
                for element in elements:
                    yield from _check_pair(policy, right, element, words)
            case _:
                pass


def _check_pair(
    policy: Policy, one: pst.Expr, other: pst.Expr, words: Mapping[str, AbstractSet[str]]
) -> Iterator[Finding]:
    path = _path(one)
    if (
        path is not None
        and path in words
        and isinstance(other, pst.StringLit)
        and other.value not in words[path]
    ):
        yield Finding(
            f"policy `{policy.id}` compares `{path}` with `{other.value}`, which is none of its words",
            locate(policy, other),
            f"one of {', '.join(sorted(words[path]))}",
        )


def _path(expression: pst.Expr) -> str | None:
    match expression:
        case pst.GetAttr(base=base, attr=attr):
            inner = _path(base)
            return None if inner is None else f"{inner}.{attr}"
        case pst.Var(name=name):
            return name
        case _:
            return None


def _place(span: Span | None) -> tuple[str, int, int]:
    return (span.file, span.line, span.column) if span else ("", 0, 0)

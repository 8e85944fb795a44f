"""What has to hold of an order's policies before anything is installed; every fault with its place.

Strict validation is cedarpy's. On top of it, no policy may be able to err at run time, because a policy that errs is
not evaluated and a forbid would be lost: so there is no arithmetic, no attribute of an entity that may be missing, no
extension value that may not parse. No policy may name what does not exist: a misspelt agency in a forbid would never
match. And a remedy may change only what it names: a paper or a register, never a claim (law 8).
"""

import re
from collections.abc import Iterator, Sequence

import cedarpy

from doorward.cedar.hierarchy import Hierarchy
from doorward.cedar.ir import Call, Expr, Fails, Get, Lit, MakeSet, path_of, walk, whole_condition
from doorward.cedar.resolve import MAY_FAIL
from doorward.cedar.scan import Source
from doorward.cedar.types import EntityType
from doorward.cedar.values import Uid
from doorward.errors import Finding, Span
from doorward.policy.parse import Policy
from doorward.policy.request import Fact, RequestModel, kind_in_words

_ARITHMETIC = frozenset(("+", "-", "*", "neg"))
_NAMED = re.compile(r"`([^`]*)`")
_LAST_WORD = re.compile(r'([A-Za-z_][A-Za-z0-9_]*|"[^"]*")"?$')
_PREFIX = re.compile(r"^for policy `policy\d+`, ")
_NUMBER = re.compile(r"^policy(\d+)$")


def check_policies(
    policies: Sequence[Policy], *, schema: str, hierarchy: Hierarchy, model: RequestModel
) -> list[Finding]:
    """Return every fault of the policies, in the order of the text.

    Args:
        policies: As parsed; their files are validated whole.
        schema: Cedar schema text.
        hierarchy: The entity file.
        model: What can be asked: the facts, their words, and which of them a remedy may change.
    """
    findings, parsed = [], cedarpy.Schema.from_str(schema)
    for source in dict.fromkeys(policy.source for policy in policies):
        findings.extend(validate(source, parsed))
    refused = tuple(findings)
    for policy in policies:
        # What strict validation refuses has types that nothing more can be said about.
        if not any(policy.holds(fault.span) for fault in refused):
            findings.extend(_check_errors(policy, model))
        findings.extend(_check_entities(policy, hierarchy))
        findings.extend(_check_words(policy, model))
        findings.extend(_check_cure(policy, model))
    return sorted(findings, key=lambda finding: _place(finding.span))


def validate(source: Source, schema: str | cedarpy.Schema) -> list[Finding]:
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


def _check_errors(policy: Policy, model: RequestModel) -> Iterator[Finding]:
    """Yield what could err at run time, or cannot be shown not to, in any environment; each place once."""
    seen: set[int] = set()
    for action, resources in model.actions.items():
        for resource in resources:
            condition = model.condition(policy.rule, action, resource)
            for node in walk(condition) if condition.errs else ():
                found = _why(node)
                if found is not None and node.at not in seen:
                    seen.add(node.at)
                    token, why, instead = found
                    said = f"policy `{policy.id}` could err at `{token}`: {why}"
                    yield Finding(said, policy.place(node), instead)


def _why(node: Expr) -> tuple[str, str, str] | None:
    """Return the token at which evaluation may fail, why, and what to write instead; None where it does not."""
    match node:
        case Call(function=name) if name in _ARITHMETIC:
            return ("-" if name == "neg" else name), "arithmetic may overflow", "compare with a constant"
        case Call(function="getTag"):
            return "getTag", "a tag may be missing", "use an attribute that is required"
        case Call(function=name) if name in MAY_FAIL:
            return name, "an extension value may not parse or not fit", "use a constant"
        case Fails(reason=reason):
            return "...", reason, "see the pack's .cedarschema"
        case Get(name=name) if node.errs and not node.base.errs:
            why = f"`{name}` may be missing, or is read from an entity that may be"
            return name, why, "read the request's own facts, or test the entity with `in`"
        case _:
            return None


def _check_entities(policy: Policy, hierarchy: Hierarchy) -> Iterator[Finding]:
    named = {
        node.value
        for node in walk(whole_condition(policy.rule))
        if isinstance(node, Lit) and isinstance(node.value, Uid)
    }
    for uid in sorted(named):
        if uid.type != "Action" and uid not in hierarchy.above:
            span = policy.place_of(f'"{uid.id}"')
            yield Finding(f"policy `{policy.id}` names `{uid}`, which stands in no entity file", span)


def _check_words(policy: Policy, model: RequestModel) -> Iterator[Finding]:
    for node in walk(policy.rule.condition):
        match node:
            case Call(function=("==" | "!="), arguments=(left, right)):
                yield from _check_pair(policy, left, right, model)
                yield from _check_pair(policy, right, left, model)
            case Call(function="contains", arguments=(MakeSet(elements=elements), right)):
                for element in elements:
                    yield from _check_pair(policy, right, element, model)
            case _:
                pass


def _check_pair(policy: Policy, one: Expr, other: Expr, model: RequestModel) -> Iterator[Finding]:
    path = path_of(one)
    if path is None or not isinstance(other, Lit) or not isinstance(other.value, str):
        return
    known = _words_of(path, model)
    if known and other.value not in known:
        yield Finding(
            f"policy `{policy.id}` compares `{path}` with `{other.value}`, which is none of its words",
            policy.place(other),
            f"one of {', '.join(sorted(map(str, known)))}",
        )


def _words_of(path: str, model: RequestModel) -> set[Fact]:
    """Return the words of a fact, or of an attribute of an entity that a fact names; empty where any text will do.

    Of a resource's fact, those of every type of resource that has it.
    """
    entity, _, name = path.rpartition(".")
    held = model.facts.get(entity)
    if held is not None and isinstance(held.type, EntityType):
        of_kind = (found for uid, found in model.entities.items() if uid.type == held.type.name)
        values = (found.attributes.get(name) for found in of_kind)
        return {value for value in values if isinstance(value, str)}
    specs = [model.facts.get(path), *(resource.facts.get(path) for resource in model.resources.values())]
    lists = [spec.words for spec in specs if spec is not None]
    if not lists or any(words is None for words in lists):
        return set()
    return {word for words in lists for word in words or ()}


def _check_cure(policy: Policy, model: RequestModel) -> Iterator[Finding]:
    if policy.remedy is None:
        return
    place = policy.place_of("cure")
    for path, value in policy.remedy.cure.items():
        specs = [
            spec
            for spec in (model.facts.get(path), *(held.facts.get(path) for held in model.resources.values()))
            if spec is not None
        ]
        if not specs:
            yield Finding(f"the remedy of policy `{policy.id}` changes `{path}`, which is no fact", place)
        elif all(spec.remedy != policy.remedy.kind for spec in specs):
            allowed = specs[0].remedy
            yield Finding(
                f"the remedy of policy `{policy.id}` is a {policy.remedy.kind} and changes `{path}`, which is "
                + (f"a {allowed}" if allowed else "a claim or a circumstance"),
                place,
                "a remedy changes papers, registers and approvals, never a purpose or a beneficiary (law 8)",
            )
        elif not any(spec.accepts(value) for spec in specs):
            yield Finding(f"`{path}` takes {kind_in_words(specs[0].type)}", place)
        elif all(spec.words is not None and value not in spec.words for spec in specs):
            yield Finding(f"`{value}` is no word for `{path}`", place)


def _place(span: Span | None) -> tuple[str, int, int]:
    return (span.file, span.line, span.column) if span else ("", 0, 0)

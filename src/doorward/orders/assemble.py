"""From the texts of a pack to a Pack, or to the list of everything that is wrong with it. Pure.

A pack with one fault is no pack: it does not load, so nothing of it is installed.
"""

import hashlib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import PurePosixPath
from typing import Any

from doorward.errors import (
    Finding,
    PolicyCheckError,
    PolicyError,
    PolicySyntaxError,
    Span,
)
from doorward.orders.collections import Collections, read_collections
from doorward.orders.contents import Contents, read_contents
from doorward.orders.entities import find_agencies, read_entities
from doorward.orders.pack import Agency, Pack
from doorward.orders.remedies import check_remedies
from doorward.orders.resolvers import read_resolvers
from doorward.orders.toml import Toml
from doorward.policy.build import CHOICES
from doorward.policy.check import check_policies
from doorward.policy.compile import DoorModel
from doorward.policy.evaluate import Evaluator
from doorward.policy.facts import FACT_TYPES, RECORD_ATTRIBUTES, UNKNOWN_PURPOSE
from doorward.policy.hierarchy import Hierarchy, make_hierarchy
from doorward.policy.parse import Policy, parse_policies
from doorward.policy.vocabulary import Vocabulary

ACTION = "query"
NEEDED = ("order.toml", "collections.toml", "resolvers.toml", "scenarios.toml", "scenarios.csv")


def assemble_pack(files: Mapping[str, bytes]) -> Pack:
    """Return the pack that these files make.

    Args:
        files: Content by path inside of the pack, with forward slashes.

    Raises:
        PolicyCheckError: Something is wrong; ``findings`` lists everything that could be found in one pass.
    """
    texts = _texts(files)
    order, collections_file, resolvers_file = (Toml(name, texts[name]) for name in NEEDED[:3])
    contents, collections = read_contents(order), read_collections(collections_file)
    raw, findings = read_entities(_of_kind(texts, ".json", folder="entities"))
    agencies, more = find_agencies(raw, "entities")
    entities = raw + collections.entities()
    hierarchy, circles = make_hierarchy(entities)
    _, vocabulary = read_resolvers(
        resolvers_file, roles=hierarchy.ids("Role"), agencies=agencies, purposes=tuple(contents.purposes)
    )
    findings = [
        *order.findings, *collections_file.findings, *resolvers_file.findings, *findings, *more, *circles,
    ]  # fmt: skip
    schema_name, schema = _only(texts, ".cedarschema")
    policies = _policies(texts, contents, findings)
    if policies:
        words = _words(contents, vocabulary)
        findings += check_policies(policies, schema=schema, hierarchy=hierarchy, words=words)
        names = [*agencies, *(agency.name for agency in agencies.values())]
        findings += check_remedies(policies, purposes=contents.purposes, agencies=names)
    evaluator = _evaluator(policies, schema_name, schema, entities, hierarchy, findings)
    if findings or evaluator is None:
        raise _refusal(findings)
    return _make_pack(
        files, texts, contents, collections, agencies, hierarchy, vocabulary, policies, evaluator
    )


def digest_files(files: Mapping[str, bytes]) -> str:
    """Return the SHA-256 over a pack: over each path and the digest of its content, in the order of the paths."""
    total = hashlib.sha256()
    for name in sorted(files):
        path = name.encode()
        total.update(len(path).to_bytes(4, "big") + path + hashlib.sha256(files[name]).digest())
    return total.hexdigest()


def _texts(files: Mapping[str, bytes]) -> dict[str, str]:
    missing = [name for name in NEEDED if name not in files]
    if missing:
        raise _refusal([Finding(f"the pack has no `{name}`") for name in missing])
    texts = {}
    for name in sorted(files):
        try:
            texts[name] = files[name].decode("utf-8")
        except UnicodeDecodeError as error:
            finding = Finding(f"`{name}` is no UTF-8 text at byte {error.start}", Span(name, 1, 1))
            raise _refusal([finding]) from error
    return texts


def _of_kind(texts: Mapping[str, str], suffix: str, *, folder: str = ".") -> dict[str, str]:
    paths = ((name, PurePosixPath(name)) for name in texts)
    return {name: texts[name] for name, path in paths if path.suffix == suffix and str(path.parent) == folder}


def _only(texts: Mapping[str, str], suffix: str) -> tuple[str, str]:
    found = _of_kind(texts, suffix)
    if len(found) != 1:
        raise _refusal([Finding(f"the pack needs one `*{suffix}` file; it has {len(found)}")])
    return next(iter(found.items()))


def _policies(texts: Mapping[str, str], contents: Contents, findings: list[Finding]) -> tuple[Policy, ...]:
    standing = {clause.id: clause.decides for clause in contents.clauses.values()}
    try:
        policies, faults = parse_policies(_of_kind(texts, ".cedar"), clauses=standing)
    except PolicySyntaxError as error:
        message = str(error).removeprefix(f"{error.span}: ")
        findings.append(Finding(message, error.span, error.hint))
        return ()
    findings += faults
    if not policies and not faults:
        findings.append(Finding("the pack has no policy"))
    return policies


def _evaluator(  # noqa: PLR0917  # the parts of a pack, once
    policies: Sequence[Policy],
    schema_name: str,
    schema: str,
    entities: Sequence[Mapping[str, Any]],
    hierarchy: Hierarchy,
    findings: list[Finding],
) -> Evaluator | None:
    if len({policy.id for policy in policies}) < len(policies):
        return None  # noted already: ids stand twice
    try:
        return Evaluator(policies, schema=schema, entities=entities, hierarchy=hierarchy)
    except PolicyError as error:
        findings.append(Finding(str(error), Span(schema_name, 1, 1), "schema and entity files must agree"))
        return None


def _words(contents: Contents, vocabulary: Vocabulary) -> dict[str, AbstractSet[str]]:
    words: dict[str, AbstractSet[str]] = {path: frozenset(given) for path, given in CHOICES.items()}
    for path, given in vocabulary.words.items():
        if FACT_TYPES.get(path) == "str":
            words[path] = frozenset(str(word) for word in given)
    for path, (_, given_by) in vocabulary.derived.items():
        if FACT_TYPES.get(path) == "str":
            words[path] = frozenset(given_by.values())
    words["context.purpose"] = frozenset((*contents.purposes, UNKNOWN_PURPOSE))
    return words


def _make_pack(  # noqa: PLR0913, PLR0917  # the parts of a pack, once
    files: Mapping[str, bytes],
    texts: Mapping[str, str],
    contents: Contents,
    collections: Collections,
    agencies: dict[str, Agency],
    hierarchy: Hierarchy,
    vocabulary: Vocabulary,
    policies: tuple[Policy, ...],
    evaluator: Evaluator,
) -> Pack:
    model = DoorModel(
        policies=policies,
        hierarchy=hierarchy,
        action=ACTION,
        action_groups=evaluator.action_groups(ACTION),
        facts=FACT_TYPES,
        attributes=RECORD_ATTRIBUTES,
        database=collections.database,
        tables=collections.tables,
        vocabulary=vocabulary,
        clause_order=tuple(contents.clauses),
    )
    return Pack(
        name=contents.name,
        title=contents.title,
        about=contents.about,
        digest=digest_files(files),
        page=contents.page,
        authorities=contents.authorities,
        effective=contents.effective.isoformat(),
        clauses=contents.clauses,
        purposes=contents.purposes,
        agencies=agencies,
        roles=hierarchy.ids("Role"),
        collections=hierarchy.ids("Collection"),
        classes=collections.classes,
        tables=collections.tables,
        questions=contents.questions,
        contacts=contents.contacts,
        sentences=contents.sentences,
        policies=policies,
        model=model,
        evaluator=evaluator,
        files=texts,
    )


def _refusal(findings: Sequence[Finding]) -> PolicyCheckError:
    first = findings[0] if findings else Finding("the pack cannot be used")
    more = f", and {len(findings) - 1} more" if len(findings) > 1 else ""
    return PolicyCheckError(
        f"the order does not load: {first}{more}",
        findings=findings,
        hint=first.hint or "`doorward order check` lists every fault with its place",
    )

"""From the texts of a pack to a Pack, or to the list of everything that is wrong with it. Pure.

A pack with one fault is no pack: it does not load, so nothing of it is installed.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

import cedarpy

from doorward.cedar.entities import read_entities as read_values
from doorward.cedar.hierarchy import Hierarchy, make_hierarchy
from doorward.cedar.schema import Schema
from doorward.cedar.schema_text import parse_schema
from doorward.cedar.types import Type
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
from doorward.orders.resolvers import Resolved, read_resolvers
from doorward.orders.theorems import Theorems, read_theorems
from doorward.orders.toml import Toml
from doorward.policy.check import check_policies
from doorward.policy.compile import RECORD, TABLE_OF_ROW, DoorModel
from doorward.policy.evaluate import Evaluator
from doorward.policy.parse import Policy, parse_policies

ACTION = "query"
MAX_KEPT = (
    4  # packs that are kept once made: one process mostly meets its own order, and the one it is changed to
)
MAX_REFUSED = 20  # entities that are named; an attribute that is missing is missing in all of them
NEEDED = ("order.toml", "resolvers.toml", "theorems.toml", "scenarios.toml", "scenarios.csv")
COLLECTIONS = "collections.toml"
SIGNATURES = "signatures/"


@dataclass(frozen=True, slots=True)
class _Parts:
    """A pack while it is put together."""

    files: Mapping[str, bytes]
    texts: Mapping[str, str]
    contents: Contents
    collections: Collections
    agencies: dict[str, Agency]
    raw_entities: list[dict[str, Any]]
    hierarchy: Hierarchy
    schema: Schema
    resolved: Resolved
    policies: tuple[Policy, ...]
    theorems: Theorems


def assemble_pack(files: Mapping[str, bytes]) -> Pack:
    """Return the pack that these files make; the same one where the same bytes were asked for shortly before.

    Args:
        files: Content by path inside of the pack, with forward slashes.

    Raises:
        PolicyCheckError: Something is wrong; ``findings`` lists everything that could be found in one pass.
    """
    return _assemble(tuple(sorted(files.items())))


@lru_cache(maxsize=MAX_KEPT)  # a pack is never changed, and nothing but its bytes is in it
def _assemble(content: tuple[tuple[str, bytes], ...]) -> Pack:
    files = dict(content)
    texts = _texts(files)
    order, resolvers_file, theorems = (Toml(name, texts[name]) for name in NEEDED[:3])
    schema_name, schema_text = _only(texts, ".cedarschema")
    schema = _schema(schema_name, schema_text)
    contents = read_contents(order)
    collections_file = Toml(COLLECTIONS, texts.get(COLLECTIONS, ""))
    at_database = COLLECTIONS in texts
    collections = (
        read_collections(collections_file, _row(schema)) if at_database else Collections("", {}, {}, {})
    )
    raw, findings = read_entities(_of_kind(texts, ".json", folder="entities"))
    agencies, more = find_agencies(raw, "entities")
    entities = raw + collections.entities()
    hierarchy, circles = make_hierarchy(entities)
    findings += [*more, *circles, *_check_values(entities, schema_name, schema_text)]
    if findings:
        raise _refusal([*order.findings, *collections_file.findings, *findings])
    resolved = read_resolvers(
        resolvers_file,
        schema=schema,
        entities=read_values(entities, schema),
        purposes=tuple(contents.purposes),
        database=at_database,
    )
    proved = None if resolved is None else read_theorems(theorems, resolved.model, schema_text)
    findings = [*order.findings, *collections_file.findings, *resolvers_file.findings, *theorems.findings]
    policies = _policies(texts, contents, findings)
    if policies and resolved is not None:
        findings += check_policies(policies, schema=schema_text, hierarchy=hierarchy, model=resolved.model)
        names = [*agencies, *(agency.name for agency in agencies.values())]
        findings += check_remedies(policies, purposes=contents.purposes, agencies=names)
    if findings or resolved is None or proved is None:
        raise _refusal(findings)
    parts = _Parts(
        files, texts, contents, collections, agencies, entities, hierarchy, schema, resolved, policies, proved
    )  # fmt: skip
    return _make_pack(parts, schema_name, schema_text)


def digest_files(files: Mapping[str, bytes]) -> str:
    """Return the SHA-256 over a pack: over each path and the digest of its content, in the order of the paths.

    Signatures are left out: they are made over it.
    """
    total = hashlib.sha256()
    for name in sorted(name for name in files if not name.startswith(SIGNATURES)):
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


def _schema(name: str, text: str) -> Schema:
    try:
        cedarpy.Schema.from_str(text)
    except ValueError as error:
        said = " ".join(str(error).split())
        raise _refusal([Finding(f"this is no Cedar schema: {said}", Span(name, 1, 1))]) from error
    return parse_schema(text, file=name)


def _row(schema: Schema) -> dict[str, Type]:
    """Return the attributes of a row of a table, but for the collection that the table is."""
    record = schema.entities.get(RECORD)
    table = TABLE_OF_ROW.rpartition(".")[2]
    return {name: held.type for name, held in record.attributes.fields if name != table} if record else {}


def _check_values(entities: Sequence[Mapping[str, Any]], schema_name: str, schema: str) -> list[Finding]:
    """Return what cedarpy says against the entities of the files: one finding for each that it refuses alone."""
    parsed = cedarpy.Schema.from_str(schema)
    whole = _refused(entities, parsed)
    if whole is None:
        return []
    alone = ((entity["uid"], _refused([entity], parsed)) for entity in entities)
    named = [f'`{uid["type"]}::"{uid["id"]}"`: {said}' for uid, said in alone if said is not None]
    return [
        Finding(f"schema and entity files do not agree: {said}", Span(schema_name, 1, 1))
        for said in named[:MAX_REFUSED] or [whole]
    ]


def _refused(entities: Sequence[Mapping[str, Any]], schema: cedarpy.Schema) -> str | None:
    try:
        cedarpy.Entities.from_json_str(json.dumps(list(entities)), schema)
    except ValueError as error:
        return " ".join(str(error).split())
    return None


def _make_pack(parts: _Parts, schema_name: str, schema_text: str) -> Pack:
    contents, collections, model = parts.contents, parts.collections, parts.resolved.model
    try:
        evaluator = Evaluator(parts.policies, schema=schema_text, entities=parts.raw_entities, model=model)
    except PolicyError as error:
        raise _refusal([Finding(str(error), Span(schema_name, 1, 1))]) from error
    door = DoorModel(
        policies=parts.policies,
        hierarchy=parts.hierarchy,
        requests=model,
        action=ACTION,
        database=collections.database,
        tables=collections.tables,
        vocabulary=parts.resolved.vocabulary,
        clause_order=tuple(contents.clauses),
    )
    return Pack(
        name=contents.name,
        title=contents.title,
        about=contents.about,
        digest=digest_files(parts.files),
        page=contents.page,
        own_party=contents.own_party,
        authorities=contents.authorities,
        effective=contents.effective.isoformat(),
        clauses=contents.clauses,
        purposes=contents.purposes,
        agencies=parts.agencies,
        roles=parts.hierarchy.ids("Role"),
        collections=parts.hierarchy.ids("Collection"),
        classes=collections.classes,
        tables=collections.tables,
        questions=contents.questions,
        contacts=contents.contacts,
        sentences=contents.sentences,
        policies=parts.policies,
        theorems=parts.theorems,
        requests=model,
        model=door if collections.tables else None,
        evaluator=evaluator,
        files=parts.texts,
    )


def _refusal(findings: Sequence[Finding]) -> PolicyCheckError:
    first = findings[0] if findings else Finding("the pack cannot be used")
    more = f", and {len(findings) - 1} more" if len(findings) > 1 else ""
    return PolicyCheckError(
        f"the order does not load: {first}{more}",
        findings=findings,
        hint=first.hint or "`doorward order check` lists every fault with its place",
    )

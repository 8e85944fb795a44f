"""From the files of a pack to its protocols, or to every fault of form in them. Pure.

``protocols/frame.yaml`` has what all share, ``protocols/wording.yaml`` the words that no text may have, every other
``protocols/*.yaml`` is a protocol or a fragment of steps that protocols include. What the protocols say is checked by
`doorward.orders.protocols.check`.
"""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final

from doorward.errors import Finding, PolicyCheckError, Span
from doorward.orders.contents import EVIDENCE
from doorward.orders.pack import Contacts
from doorward.orders.protocols.model import (
    BEGUN,
    FOLDER,
    OWN_OFFICE,
    PUBLIC,
    SHEETS,
    SOURCE_LANGUAGE,
    SPEAKERS,
    STAFF,
    VISITORS,
    Adoption,
    Answering,
    Ban,
    Choice,
    Contact,
    End,
    Field,
    First,
    Frame,
    Guidance,
    Language,
    Option,
    Place,
    Protocol,
    Protocols,
    RecordForm,
    Sheet,
    Step,
    Tenant,
)
from doorward.orders.protocols.section import Section
from doorward.orders.protocols.strict_yaml import Table, parse_yaml
from doorward.policy.decision import Addressee, Outcome, Posture

FRAME: Final = f"{FOLDER}/frame.yaml"
WORDING: Final = f"{FOLDER}/wording.yaml"
FIELD_KINDS: Final = ("time", "text", "lines", "choice", "choices", "number")
NEEDS: Final = ("asked", "best-effort", "where-known")
IDENTIFIES: Final = ("nobody", "agent", "staff")
ROLES: Final = ("title", "do", "say", "never", "label", "first", "field", "sheet", "word")
STEP_KEYS: Final = (
    "by", "title", "do", "say", "never", "call", "cite", "guidance", "next", "options", "end",
)  # fmt: skip
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?")
_PHONE: Final = re.compile(r"\+?\d[\d ().-]{5,}\d")


def has_protocols(files: Mapping[str, str]) -> bool:
    """Whether a pack has protocols at all."""
    return FRAME in files


def read_protocols(files: Mapping[str, str], contacts: Contacts) -> Protocols:
    """Return the protocols of a pack.

    Args:
        files: Text of every file by its path in the pack.
        contacts: Of order.toml.

    Raises:
        PolicyCheckError: A file is no strict YAML, or has a fault of form; ``findings`` lists all.
        ConfigError: PyYAML is not installed.
    """
    findings: list[Finding] = []
    sections = {name: Section(table, findings) for name, table in _parse(files, findings).items()}
    if FRAME not in sections:
        raise _refusal([*findings, Finding(f"the pack has no `{FRAME}`", Span(FRAME, 1, 1))])
    frame = _frame(sections.pop(FRAME), contacts)
    wording = sections.pop(WORDING, None)
    bans = () if wording is None else _bans(wording)
    fragments = {
        name: _steps(section, name)
        for name, section in ((s.name("fragment"), s) for s in sections.values() if s.has("fragment"))
    }
    protocols: dict[str, Protocol] = {}
    for section in sections.values():
        if not section.has("fragment"):
            found = _protocol(section, fragments)
            if found.id in protocols:
                section.note(f"a second protocol `{found.id}`", "protocol")
            protocols[found.id] = found
    if OWN_OFFICE not in protocols:
        said = f"the pack has no protocol `{OWN_OFFICE}` for tenants that adopted none"
        findings.append(Finding(said, Span(FRAME, 1, 1)))
    read = Protocols(frame, protocols, fragments, bans)
    if not findings:
        findings += _references(read)
    if findings:
        raise _refusal(findings)
    return read


def _parse(files: Mapping[str, str], findings: list[Finding]) -> dict[str, Table]:
    tables = {}
    for name in sorted(files):
        path = PurePosixPath(name)
        if path.suffix in {".yaml", ".yml"} and path.parts[0] == FOLDER:
            try:
                tables[name] = parse_yaml(name, files[name])
            except PolicyCheckError as error:
                findings += error.findings
    return tables


def _frame(section: Section, contacts: Contacts) -> Frame:
    section.refuse_others(
        "facts", "visitors", "contacts", "guidance", "places", "tenants", "records", "sheets", "words", "languages",
    )  # fmt: skip
    return Frame(
        facts=section.facts("facts")[0],
        visitors=section.facts("visitors"),
        contacts={name: _contact(inner, name) for name, inner in section.named("contacts")},
        guidance={name: _guidance(inner, name) for name, inner in section.named("guidance")},
        places={name: _place(inner, name) for name, inner in section.named("places")},
        tenants={name: _tenant(inner, name, contacts) for name, inner in section.named("tenants")},
        records={name: _record(inner, name) for name, inner in section.named("records")},
        sheets={name: _sheet(inner, name) for name, inner in section.named("sheets")},
        words={name: section.section("words").said(name) for name in section.strings("words")},
        languages={inner.text("code"): _language(inner) for inner in section.sections("languages")},
        span=section.span,
    )


def _language(section: Section) -> Language:
    section.refuse_others("code", "name", "direction")
    code = section.text("code")
    if not _LANGUAGE.fullmatch(code) or code == SOURCE_LANGUAGE:
        section.note(f"`{code[:80]}` is no code of another language", "code", hint="such as es or zh-Hans")
    return Language(code, section.text("name"), section.word("direction", ("ltr", "rtl")))


def _contact(section: Section, name: str) -> Contact:
    section.refuse_others("label", "phone", "site")
    phone = section.text("phone") if section.has("phone") else None
    return Contact(name, section.said("label"), phone, section.flag("site"), section.span)


def _guidance(section: Section, name: str) -> Guidance:
    section.refuse_others("title", "url", "evidence")
    return Guidance(name, section.text("title"), section.text("url"), section.word("evidence", EVIDENCE))


def _place(section: Section, name: str) -> Place:
    section.refuse_others("name", "facts", "record")
    return Place(name, section.said("name"), section.facts("facts")[0], section.name("record"), section.span)


def _tenant(section: Section, name: str, contacts: Contacts) -> Tenant:
    section.refuse_others("name", "facts", "places", "contacts")
    return Tenant(
        id=name,
        name=section.text("name"),
        facts=section.facts("facts")[0],
        places=section.texts("places"),
        contacts={key: _answering(inner, contacts) for key, inner in section.named("contacts")},
        span=section.span,
    )


def _answering(section: Section, contacts: Contacts) -> Answering:
    """Return who answers: in the pack's own words, or in those of order.toml."""
    section.refuse_others("says", "order", "answers")
    known = ("law_department", "supervisor")
    if section.has("order") == section.has("says"):
        section.note("a contact has either `says` or `order`")
    key = section.word("order", known) if section.has("order") else None
    detail = section.text("says", default="-") if key is None else str(getattr(contacts, key, ""))
    found = _PHONE.search(detail)
    phone = "".join(sign for sign in found.group() if sign in "+0123456789") if found else None
    return Answering(detail, phone, section.words("answers", tuple(Addressee)), section.span)


def _record(section: Section, name: str) -> RecordForm:
    section.refuse_others("title", "cite", "guidance", "fields")
    fields = tuple(_field(inner) for inner in section.sections("fields"))
    ids = [field.id for field in fields]
    for field in fields:
        if ids.count(field.id) > 1:
            section.note(f"two fields `{field.id}`", "fields")
    return RecordForm(
        name, section.said("title"), section.texts("cite"), section.texts("guidance"), fields, section.span
    )


def _field(section: Section) -> Field:
    section.refuse_others(
        "id", "kind", "label", "help", "need", "choices", "identifies", "handwritten", "cite", "guidance",
    )  # fmt: skip
    identifies = section.word("identifies", IDENTIFIES, default=IDENTIFIES[0])
    choices = tuple(
        Choice(name, section.section("choices").said(name)) for name in section.strings("choices")
    )
    kind = section.word("kind", FIELD_KINDS)
    if bool(choices) != kind.startswith("choice"):
        section.note("`choices` stand with the kinds `choice` and `choices`, and only there", "kind")
    return Field(
        id=section.name("id"),
        kind=kind,
        label=section.said("label"),
        help=section.said("help") if section.has("help") else None,
        need=section.word("need", NEEDS),
        choices=choices,
        identifies=None if identifies == IDENTIFIES[0] else identifies,
        handwritten=section.flag("handwritten"),
        cite=section.texts("cite"),
        guidance=section.texts("guidance"),
        span=section.span,
    )


def _sheet(section: Section, name: str) -> Sheet:
    section.refuse_others("audience", "title", "lines")
    audience = section.word("audience", (STAFF, PUBLIC))
    if name not in SHEETS or (audience == PUBLIC) != (name == VISITORS):
        section.note(
            f"no sheet `{name}` for {audience}", hint=f"one of {', '.join(SHEETS)}; the last is for visitors"
        )
    return Sheet(name, audience, section.said("title"), section.said_all("lines"), section.span)


def _bans(section: Section) -> tuple[Ban, ...]:
    section.refuse_others("forbidden")
    found = []
    for inner in section.sections("forbidden"):
        inner.refuse_others("language", "words", "in", "parts", "because")
        roles = inner.words("in", ROLES) or ROLES
        words = tuple(word.lower() for word in inner.texts("words"))
        found.append(Ban(inner.text("language"), words, roles, inner.flag("parts"), inner.text("because")))
    return tuple(found)


def _protocol(section: Section, fragments: Mapping[str, Mapping[str, Step]]) -> Protocol:
    section.refuse_others("protocol", "place", "adopted", "include", "facts", "first", "never", "steps")
    name = section.name("protocol")
    steps: dict[str, Step] = {}
    for fragment in section.texts("include"):
        if fragment not in fragments:
            section.note(f"there is no fragment `{fragment[:80]}`", "include")
        steps |= fragments.get(fragment, {})
    first = section.section("first")
    first.refuse_others("sentence", "wait", "call", "next")
    adoptions = {}
    for inner in section.sections("adopted"):
        inner.refuse_others("tenant", "by", "on", "act")
        tenant = inner.name("tenant")
        adoptions[tenant] = Adoption(
            tenant, inner.text("by"), inner.date("on"), inner.text("act"), inner.span
        )
    return Protocol(
        id=name,
        place=None if name == OWN_OFFICE else section.name("place"),
        adoptions=adoptions,
        facts=section.facts("facts")[0],
        first=First(first.said("sentence"), first.said("wait"), first.texts("call"), first.name("next")),
        never=section.said_all("never"),
        steps={**steps, **_steps(section, name)},
        span=section.span,
    )


def _steps(section: Section, home: str) -> dict[str, Step]:
    if section.has("fragment"):
        section.refuse_others("fragment", "steps")
    return {name: _step(inner, name, home) for name, inner in section.named("steps")}


def _step(section: Section, name: str, home: str) -> Step:
    section.refuse_others(*STEP_KEYS)
    ways = [key for key in ("next", "options", "end") if section.has(key)]
    if len(ways) > 1:
        section.note(f"a step goes on, asks or ends: it has {' and '.join(f'`{way}`' for way in ways)}")
    return Step(
        id=name,
        home=home,
        by=section.word("by", SPEAKERS),
        title=section.said("title"),
        do=section.said_all("do"),
        say=section.said_all("say"),
        never=section.said_all("never"),
        call=section.texts("call"),
        cite=section.texts("cite"),
        guidance=section.texts("guidance"),
        next=section.name("next") if section.has("next") else None,
        options=tuple(_option(inner) for inner in section.sections("options")),
        end=_end(section.section("end")) if section.has("end") else None,
        span=section.span,
    )


def _option(section: Section) -> Option:
    section.refuse_others("label", "next", "facts", "fills")
    return Option(
        section.said("label"),
        section.name("next"),
        section.facts("facts"),
        section.strings("fills"),
        section.span,
    )


def _end(section: Section) -> End:
    section.refuse_others("outcome", "posture", "to", "obliges", "record")
    return End(
        outcomes=section.words("outcome", tuple(Outcome)),
        postures=section.words("posture", tuple(Posture)),
        to=section.words("to", tuple(Addressee)),
        obliges=section.texts("obliges"),
        record=section.flag("record"),
    )


def _references(read: Protocols) -> list[Finding]:
    """Return every id that names nothing, where a reader would otherwise stumble."""
    frame = read.frame
    found: list[Finding] = []
    found += [
        Finding(f"there is no record `{place.record}`", place.span)
        for place in frame.places.values()
        if place.record not in frame.records
    ]
    found += [
        Finding(f"the record `{record.id}` has no field `{BEGUN}`", record.span)
        for record in frame.records.values()
        if record.field(BEGUN) is None
    ]
    for tenant in frame.tenants.values():
        found += [
            Finding(f"there is no place `{name[:80]}`", tenant.span)
            for name in tenant.places
            if name not in frame.places
        ]
        found += [
            Finding(f"there is no contact `{name}`", answering.span)
            for name, answering in tenant.contacts.items()
            if name not in frame.contacts
        ]
    for protocol in read.protocols.values():
        if protocol.place is not None and protocol.place not in frame.places:
            found.append(Finding(f"there is no place `{protocol.place}`", protocol.span))
        for adoption in protocol.adoptions.values():
            tenant_of = frame.tenants.get(adoption.tenant)
            if tenant_of is None or protocol.place not in tenant_of.places:
                said = f"`{adoption.tenant}` is no tenant with the place `{protocol.place}`"
                found.append(Finding(said, adoption.span))
    return found


def _refusal(findings: list[Finding]) -> PolicyCheckError:
    first = findings[0]
    more = f", and {len(findings) - 1} more" if len(findings) > 1 else ""
    return PolicyCheckError(
        f"the protocols do not load: {first}{more}",
        findings=findings,
        hint=first.hint or "`doorward protocol check` lists every fault with its place",
    )

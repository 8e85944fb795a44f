"""The protocols of one tenant as one JSON document for the offline app, as docs/reference/protocol-json.md has it.

Pure. What does not pass the check is not compiled: a screen that contradicts the order reaches no phone.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from doorward.errors import ConfigError, PolicyCheckError
from doorward.orders.pack import Pack
from doorward.orders.protocols.against_order import Answers, compare_with_order
from doorward.orders.protocols.check import Report, check_protocols
from doorward.orders.protocols.model import (
    PUBLIC,
    SOURCE_LANGUAGE,
    Field,
    Frame,
    Protocols,
    RecordForm,
    Showing,
    Step,
    Tenant,
)
from doorward.orders.protocols.section import Said
from doorward.orders.protocols.ways import reachable_steps
from doorward.policy.decision import Posture

FORMAT: Final = 1
ENGLISH: Final = "English"


def compile_protocols(
    pack: Pack,
    tenant: str,
    languages: Sequence[str] = (),
    *,
    withheld: Collection[tuple[str, str]] = (),
) -> dict[str, Any]:
    """Return what the app shows to the staff of a tenant; nothing that the tenant has not adopted.

    Args:
        pack: The order; its protocols are checked first.
        tenant: An id of frame.yaml.
        languages: Besides English, which is always there.
        withheld: Tenant and place of adoptions in the pack that do not hold: not yet, or no more.

    Raises:
        ConfigError: The pack has no such tenant or language.
        PolicyCheckError: The protocols have a fault; ``findings`` lists all.
    """
    wanted = [name for name in dict.fromkeys(languages) if name != SOURCE_LANGUAGE]
    now = datetime.fromisoformat(pack.effective).replace(tzinfo=UTC)
    report = check_protocols(pack, now=now, languages=wanted)
    if report.protocols is not None:
        known = report.protocols.frame
        for name, kind, names in (
            (tenant, "tenant", known.tenants),
            *((code, "language", known.languages) for code in wanted),
        ):
            if name not in names:
                raise ConfigError(
                    f"the protocols have no {kind} `{name[:80]}`", hint=f"one of {', '.join(names)}"
                )
    if report.protocols is None or report.findings:
        first = report.findings[0]
        raise PolicyCheckError(
            f"the protocols are not compiled: {first}",
            findings=report.findings,
            hint="`doorward protocol check` lists every fault with its place",
        )
    if withheld:
        shown = report.protocols.without(withheld)
        # What `OWN_OFFICE` tells at such a place is compared anew; what it tells wrongly there it tells less of.
        told = replace(report, protocols=shown, comparison=compare_with_order(pack, shown, now=now))
        return _Compiler(pack, told, shown, wanted).document(tenant)
    return _Compiler(pack, report, report.protocols, wanted).document(tenant)


def format_compiled(document: Mapping[str, Any]) -> bytes:
    """Return the one text of a document: sorted keys, no spaces, UTF-8."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


class _Compiler:
    def __init__(self, pack: Pack, report: Report, protocols: Protocols, languages: Sequence[str]) -> None:
        self.pack, self.report, self.protocols = pack, report, protocols
        self.languages = languages
        self.ids = {message.text: message.id for message in report.messages}
        self.used: dict[str, str] = {}  # English by id
        self.clauses: set[str] = set()
        self.guidance: set[str] = set()

    def document(self, tenant_id: str) -> dict[str, Any]:
        frame, tenant = self.protocols.frame, self.protocols.frame.tenants[tenant_id]
        body: dict[str, Any] = {
            "contacts": self.contacts(frame, tenant),
            "places": [self.place(showing) for showing in self.protocols.showings(tenant_id)],
            "words": {name: self.text(said) for name, said in frame.words.items()},
            "cards": [
                {"id": sheet.id, "title": self.text(sheet.title), "lines": self.texts(sheet.lines)}
                for sheet in frame.sheets.values()
                if sheet.audience == PUBLIC
            ],
        }
        body["drill"] = {"offered": True, "notice": body["words"]["drill"]}
        body["clauses"] = {name: self.pack.clauses[name].cite for name in sorted(self.clauses)}
        body["guidance"] = {
            name: {"title": found.title, "url": found.url, "evidence": found.evidence}
            for name, found in ((name, frame.guidance[name]) for name in sorted(self.guidance))
        }
        document = {
            "format": FORMAT,
            "version": "",
            "training": _digest([body, self.used]),
            "order": {
                "name": self.pack.name,
                "title": self.pack.title,
                "digest": self.pack.digest,
                "effective": self.pack.effective,
                "sample": self.pack.is_sample,
            },
            "tenant": {"id": tenant.id, "name": tenant.name},
            **body,
            **self.translated(frame),
        }
        return document | {"version": _digest(document)}

    def text(self, said: Said) -> str:
        name = self.ids[said.text]
        self.used[name] = said.text
        return name

    def texts(self, said: Iterable[Said]) -> list[str]:
        return [self.text(one) for one in said]

    def cited(self, thing: Step | Field | RecordForm) -> dict[str, Any]:
        self.clauses |= set(thing.cite)
        self.guidance |= set(thing.guidance)
        return {"cite": list(thing.cite), "guidance": list(thing.guidance)}

    def contacts(self, frame: Frame, tenant: Tenant) -> dict[str, Any]:
        found = {}
        for contact in frame.contacts.values():
            answering = tenant.contacts.get(contact.id)
            found[contact.id] = {
                "label": self.text(contact.label),
                "detail": answering.detail if answering is not None else None,
                "phone": contact.phone or (answering.phone if answering is not None else None),
                "site": contact.site,
            }
        return found

    def place(self, showing: Showing) -> dict[str, Any]:
        protocol, adoption = showing.protocol, showing.adoption
        return {
            "id": showing.place.id,
            "name": self.text(showing.place.name),
            "protocol": protocol.id,
            "adopted": None
            if adoption is None
            else {"by": adoption.by, "on": adoption.on.isoformat(), "act": adoption.act},
            "first": {
                "sentence": self.text(protocol.first.sentence),
                "wait": self.text(protocol.first.wait),
                "call": list(protocol.first.call),
                "next": protocol.first.next,
            },
            "never": self.texts(protocol.never),
            "steps": {step.id: self.step(step, showing) for step in reachable_steps(protocol)},
            "record": self.record(showing.record),
        }

    def step(self, step: Step, showing: Showing) -> dict[str, Any]:
        found: dict[str, Any] = {
            "kind": step.kind,
            "by": step.by,
            "title": self.text(step.title),
            "do": self.texts(step.do),
            "say": self.texts(step.say),
            "never": self.texts(step.never),
            "call": list(step.call),
            **self.cited(step),
        }
        if step.next is not None:
            found["next"] = step.next
        if step.options:
            found["options"] = [
                {"label": self.text(option.label), "next": option.next, "fills": dict(option.fills)}
                for option in step.options
            ]
        if step.end is not None:
            found |= self.end(step, showing)
        return found

    def end(self, step: Step, showing: Showing) -> dict[str, Any]:
        """Return what the order answers at this very place, which may be less than the shared step allows for."""
        assert step.end is not None, "called for ends"
        assert self.report.comparison is not None, "checked before"
        at = (showing.tenant.id, showing.place.id, step.id)
        answers = self.report.comparison.answers.get(at, Answers())
        return {
            "posture": next(word.value for word in Posture if word in answers.postures),
            "to": [word for word in step.end.to if word in answers.to],
            "record": step.end.record,
        }

    def record(self, record: RecordForm) -> dict[str, Any]:
        return {
            "id": record.id,
            "title": self.text(record.title),
            **self.cited(record),
            "fields": [
                {
                    "id": field.id,
                    "kind": field.kind,
                    "label": self.text(field.label),
                    "help": None if field.help is None else self.text(field.help),
                    "need": field.need,
                    "choices": [
                        {"id": choice.id, "label": self.text(choice.label)} for choice in field.choices
                    ],
                    "identifies": field.identifies,
                    "handwritten": field.handwritten,
                    **self.cited(field),
                }
                for field in record.fields
            ],
        }

    def translated(self, frame: Frame) -> dict[str, Any]:
        """Return every used text in every language, and which of them no person has reviewed."""
        texts = {SOURCE_LANGUAGE: dict(self.used)}
        unreviewed: dict[str, list[str]] = {SOURCE_LANGUAGE: []}
        for code in self.languages:
            catalog = self.report.catalogs[code]
            texts[code] = {name: catalog.text(english) for name, english in self.used.items()}
            unreviewed[code] = sorted(
                name for name, english in self.used.items() if not catalog.is_reviewed(english)
            )
        names = {SOURCE_LANGUAGE: (ENGLISH, "ltr")} | {
            code: (frame.languages[code].name, frame.languages[code].direction) for code in self.languages
        }
        return {
            "languages": [
                {"code": code, "name": name, "direction": direction, "unreviewed": len(unreviewed[code])}
                for code, (name, direction) in names.items()
            ],
            "texts": texts,
            "unreviewed": unreviewed,
            "public": sorted(m.id for m in self.report.messages if m.is_public and m.id in self.used),
        }


def _digest(value: object) -> str:
    raw = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(raw).hexdigest()

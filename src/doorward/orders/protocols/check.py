"""Everything `doorward protocol check` finds out about a pack's protocols, as a value. Pure.

In this order, each only where what it needs has no fault: form, shape, ways, citations, contacts, words, translations,
and whether the screens tell what the order answers.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from datetime import datetime
from functools import lru_cache

from doorward.errors import Finding, PolicyCheckError
from doorward.orders.pack import Pack
from doorward.orders.protocols.against_order import Comparison, compare_with_order
from doorward.orders.protocols.catalog import Catalog, read_catalog
from doorward.orders.protocols.messages import Message, collect_messages
from doorward.orders.protocols.model import (
    BEGUN,
    SOURCE_LANGUAGE,
    Field,
    Protocols,
    RecordForm,
    Showing,
    Step,
)
from doorward.orders.protocols.read import read_protocols
from doorward.orders.protocols.ways import find_shape_faults, find_way_faults, reachable_steps
from doorward.orders.protocols.wording import (
    SCREEN_PIXELS,
    find_wording_faults,
    is_one_sentence,
    screen_height,
)

NEEDED_WORDS = (
    "call", "back", "say", "do", "never", "record", "file", "unreviewed", "drill", "unsent", "sent", "update",
    "offline", "language", "place", "start-again", "other-contact", "dont-know", "sample", "trained", "version",
    "where-to-wait", "open-on-phone", "receipt", "by-hand", "yes-or-no", "mark-all",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found.

    Args:
        protocols: None where they do not load.
        messages: Every text.
        catalogs: By language; English has none.
        comparison: None where the protocols cannot be walked.
    """

    protocols: Protocols | None
    findings: tuple[Finding, ...]
    messages: tuple[Message, ...] = ()
    catalogs: Mapping[str, Catalog] = attribute(default_factory=dict)
    comparison: Comparison | None = None

    def unreviewed(self, language: str) -> int:
        """Return how many texts of a language no person has reviewed."""
        catalog = self.catalogs[language]
        return sum(not catalog.is_reviewed(message.text) for message in self.messages)


def check_protocols(pack: Pack, *, now: datetime, languages: Sequence[str] | None = None) -> Report:
    """Return what is wrong with the protocols of a pack.

    Args:
        pack: The order that they are held to.
        now: The time of each request to it.
        languages: Look at these besides English; all of the frame where None.

    Raises:
        ConfigError: PyYAML or polib is not installed.
    """
    return _check(pack, now, None if languages is None else tuple(languages))


@lru_cache(maxsize=4)  # a desk compiles the protocols of each tenant from one check
def _check(pack: Pack, now: datetime, languages: tuple[str, ...] | None) -> Report:
    try:
        protocols = read_protocols(pack.files, pack.contacts)
    except PolicyCheckError as error:
        return Report(None, error.findings)
    shape = [fault for protocol in protocols.protocols.values() for fault in find_shape_faults(protocol)]
    messages = collect_messages(protocols)
    looked_at = protocols.frame.languages if languages is None else languages
    catalogs = {name: read_catalog(name, messages, pack.files) for name in looked_at}
    findings = [
        *_orphans(protocols),
        *_citations(protocols, pack),
        *_fills(protocols),
        *_frame_words(protocols),
        *_contacts(protocols),
        *_words(protocols, messages, catalogs),
    ]
    comparison = None
    if not shape:
        ways = [fault for protocol in protocols.protocols.values() for fault in find_way_faults(protocol)]
        comparison = compare_with_order(pack, protocols, now=now)
        findings = [*ways, *comparison.findings, *findings]
    for catalog in catalogs.values():
        findings += catalog.findings
    return Report(protocols, _once([*shape, *findings]), messages, catalogs, comparison)


def _once(findings: list[Finding]) -> tuple[Finding, ...]:
    """Return the findings without those that a shared step brings again."""
    return tuple({(finding.message, finding.span): finding for finding in findings}.values())


def _steps(protocols: Protocols) -> Iterator[Step]:
    for steps in protocols.fragments.values():
        yield from steps.values()
    for protocol in protocols.protocols.values():
        yield from (step for step in protocol.steps.values() if step.home == protocol.id)


def _orphans(protocols: Protocols) -> Iterator[Finding]:
    """Yield the steps of fragments that no protocol reaches, and protocols that no tenant sees."""
    reached = {id(step) for protocol in protocols.protocols.values() for step in reachable_steps(protocol)}
    for name, steps in protocols.fragments.items():
        for step in steps.values():
            if id(step) not in reached:
                yield Finding(f"no protocol reaches the step `{step.id}` of the fragment `{name}`", step.span)
    shown = {showing.protocol.id for showing in protocols.every_showing()}
    for protocol in protocols.protocols.values():
        if protocol.place is not None and protocol.id not in shown:
            yield Finding(f"no tenant has adopted `{protocol.id}`, so nobody sees it", protocol.span)


def _citations(protocols: Protocols, pack: Pack) -> Iterator[Finding]:
    """Yield steps and fields that rest on nothing, and clauses and sources that are none."""
    cited: list[tuple[str, Step | Field | RecordForm]] = [
        (f"the step `{step.id}`", step) for step in _steps(protocols)
    ]
    records = protocols.frame.records.values()
    fields = [(f"the field `{item.id}` of `{form.id}`", item) for form in records for item in form.fields]
    forms = [(f"the record `{form.id}`", form) for form in records]
    for name, thing in [*cited, *fields, *forms]:
        if not thing.cite and not thing.guidance:
            yield Finding(
                f"{name} cites nothing", thing.span, "a clause of order.toml, or a source of frame.yaml"
            )
        for clause in thing.cite:
            if clause not in pack.clauses:
                yield Finding(f"{name} cites `{clause[:80]}`, which is no clause of the order", thing.span)
        for source in thing.guidance:
            if source not in protocols.frame.guidance:
                yield Finding(f"{name} cites `{source[:80]}`, which is no guidance of frame.yaml", thing.span)


def _fills(protocols: Protocols) -> Iterator[Finding]:
    """Yield answers that would fill what a place's record has not."""
    for showing in protocols.every_showing():
        for step in reachable_steps(showing.protocol):
            for option in step.options:
                for name, value in option.fills.items():
                    said = _fill_fault(showing.record, name, value)
                    if said is not None:
                        yield Finding(f"`{step.id}` fills `{name}`, {said}", option.span)


def _fill_fault(record: RecordForm, name: str, value: str) -> str | None:
    item = record.field(name)
    if item is None:
        return f"which the record `{record.id}` has not"
    if value not in {choice.id for choice in item.choices}:
        return f"of which `{value[:80]}` is no choice in the record `{record.id}`"
    return None


def _frame_words(protocols: Protocols) -> Iterator[Finding]:
    frame = protocols.frame
    for name in NEEDED_WORDS:
        if name not in frame.words:
            yield Finding(f"the frame has no word `{name}`", frame.span)
    for record in frame.records.values():
        begun = record.field(BEGUN)
        if begun is not None and begun.kind != "choice":
            yield Finding(f"the field `{BEGUN}` must be a choice", begun.span)


def _contacts(protocols: Protocols) -> Iterator[Finding]:
    for showing in protocols.every_showing():
        first = showing.protocol.first
        yield from _calls(showing, first.call, f"the first screen of `{showing.protocol.id}`", protocols)
        if not first.call:
            said = f"the first screen of `{showing.protocol.id}` calls nobody"
            yield Finding(said, showing.protocol.span)
        for step in reachable_steps(showing.protocol):
            if step.call:
                yield from _calls(showing, step.call, f"`{step.id}`", protocols, step)


def _calls(
    showing: Showing, call: tuple[str, ...], name: str, protocols: Protocols, step: Step | None = None
) -> Iterator[Finding]:
    span = step.span if step is not None else showing.protocol.span
    for contact in call:
        if contact not in protocols.frame.contacts:
            yield Finding(f"{name} calls `{contact[:80]}`, which is no contact of frame.yaml", span)
    last = protocols.frame.contacts.get(call[-1]) if call else None
    answering = showing.tenant.contacts.get(call[-1]) if call else None
    if last is not None and not (last.phone or (answering is not None and answering.phone)):
        said = f"{name} calls `{last.id}` last, which has no number at {showing.tenant.id}"
        yield Finding(said, span, "the number stands in frame.yaml, or in order.toml under [contacts]")


def _words(
    protocols: Protocols, messages: tuple[Message, ...], catalogs: Mapping[str, Catalog]
) -> Iterator[Finding]:
    """Yield texts in any language that say what nobody says, or that a phone does not show."""
    for message in messages:
        yield from find_wording_faults(message, message.text, SOURCE_LANGUAGE, protocols.bans)
    for name, catalog in catalogs.items():
        for message in messages:
            text = catalog.text(message.text)
            if text != message.text:
                yield from find_wording_faults(message, text, name, protocols.bans)
    yield from _first_sentences(protocols, catalogs)
    for language in (SOURCE_LANGUAGE, *catalogs):
        at = "" if language == SOURCE_LANGUAGE else f"{language}, "
        texts = (
            {message.text: catalogs[language].text(message.text) for message in messages}
            if language in catalogs
            else {}
        )
        for step in _steps(protocols):
            height = screen_height(step, texts)
            if height > SCREEN_PIXELS:
                said = (
                    f"{at}`{step.id}` is longer than a phone screen: about {height} of {SCREEN_PIXELS} pixels"
                )
                yield Finding(said, step.span, "fewer or shorter lines, or one more step")


def _first_sentences(protocols: Protocols, catalogs: Mapping[str, Catalog]) -> Iterator[Finding]:
    for protocol in protocols.protocols.values():
        said = protocol.first.sentence
        for name, text in (
            (SOURCE_LANGUAGE, said.text),
            *((code, catalog.text(said.text)) for code, catalog in catalogs.items()),
        ):
            if not is_one_sentence(text):
                at = "" if name == SOURCE_LANGUAGE else f"{name}, "
                yield Finding(
                    f"{at}the first screen of `{protocol.id}` says more than one sentence", said.span
                )

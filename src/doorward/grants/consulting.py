"""What the registers say of a request that a person brought to a desk, fact by fact, with what it rests on: pure.

Whoever asks names a case or a place and says which agency they are of. That a writing of that agency is on file, what
kind of place it is and whose, which rule its tenant adopted, whether the City person is a member of a task force, and
what the law department has determined or verified, the registers say, and nobody else.

1. A register that cannot be read says nothing: its facts stay unknown, which opens nothing, and it is named.
2. A register that was read and has nothing on file is an answer; it is not the same as one that cannot be read.
3. A number counts as attested only where the one who states it was identified by a recorded act: an agreement is with
   an agency, and a claim to be of it is no fact (DESIGN.md, law 6).
4. `none` and `unknown` are no agencies that a writing can be of. The writing of a person about themselves is no entry
   of a register, and is not looked for here.
5. A determination sets only facts that are the law department's to say. That a purpose is another one than was stated
   is kept apart: whoever decides lets it close (MCC 2-173-030(b)) and never open.
6. Of a paper the latest word counts, whoever said it; a record that ended or was taken back is a word too.

Facts are set through `doorward.orders.intake.Act`, so each is set only by its own resolver of the pack.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from doorward.grants.adoptions import BY_ORDER, OrderAdoption, find_adoption
from doorward.grants.on_file import BY_ORDER as BY_ORDERS_WORD
from doorward.grants.on_file import find_agreement, find_declaration
from doorward.grants.people import Directory
from doorward.grants.places import Place, find_place
from doorward.grants.records import Record, RecordKind, find_in_force, is_revoked
from doorward.orders.intake import Act, verify_paper
from doorward.orders.intake.acts import SEALED
from doorward.policy.request import Fact, FactSpec

PURPOSE: Final = "context.purpose"
NOBODY: Final = frozenset({"none", "unknown", ""})
PAPERS: Final = "context.papers"
DESK: Final = "desk"
DETERMINED: Final = frozenset({"law-department"})
TRUTHS: Final[Mapping[str, bool]] = {"true": True, "false": False}


class Register(StrEnum):
    """A register, by its word in the pack's resolvers."""

    DECLARATIONS = "register-of-declarations"
    CASES = "register-of-cases"
    PEOPLE = "directory"
    PLACES = "register-of-places"
    ADOPTIONS = "register-of-adoptions"
    DETERMINATIONS = "law-department"
    PAPERS = "desk"


FACTS: Final[Mapping[Register, tuple[str, ...]]] = {
    Register.DECLARATIONS: ("context.declaration",),
    Register.CASES: ("context.register.standing", "context.register.kind"),
    Register.PEOPLE: (
        "context.task_force.member", "context.task_force.civil_excluded", "context.task_force.attested",
    ),
    Register.PLACES: (
        "resource.kind", "resource.tenant", "resource.city_controlled", "resource.sign_posted", "resource.public",
    ),
    Register.ADOPTIONS: ("resource.adopted",),
}  # fmt: skip
"""What each register may say, where the pack has the fact and names the register as its resolver."""


@dataclass(frozen=True, slots=True)
class OrderWord:
    """What the order itself says of agencies and tenants, where no record does.

    Args:
        declared: Agencies whose declaration is on file.
        own: The City's own agencies; their numbers stand in the register of cases or not at all.
        adopted: By tenant and kind of place.
    """

    declared: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    adopted: Mapping[tuple[str, str], OrderAdoption] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Registers:
    """What could be read; a part is None where it could not, and `why` says so by the part's name."""

    records: Sequence[Record] | None
    directory: Directory | None
    places: Mapping[str, Place] | None
    order: OrderWord = field(default_factory=OrderWord)
    why: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked about.

    Args:
        login: The City person who would act.
        specs: Every fact of the request, by path.
        facts: As the form and recorded acts set them.
        named: What the answers name, by register: a case, a place.
        number: Of the matter, or empty before it has one.
        happened: When it came, aware, on the city's own clock; hours, signs and adoptions are of that moment.
        now: Aware.
    """

    login: str
    specs: Mapping[str, FactSpec]
    facts: Mapping[str, Fact]
    named: Mapping[str, str]
    happened: datetime
    now: datetime
    number: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """One thing that a register said.

    Args:
        source: The id under which it is on file; empty where nothing is on file.
        facts: What it sets; nothing where nothing is on file.
        says: For a person, without a name.
        until: The end of what is on file, or None.
        is_sealed: It is shown to nobody; what rests on it is found all the same.
    """

    register: Register
    source: str
    facts: Mapping[str, Fact]
    says: str
    until: datetime | None = None
    is_sealed: bool = False


@dataclass(frozen=True, slots=True)
class Silent:
    """A register that said nothing, and the facts that stay unknown.

    Args:
        is_unread: It could not be read; otherwise it has no such entry, or was not asked.
    """

    register: Register
    why: str
    facts: tuple[str, ...]
    is_unread: bool = False


@dataclass(frozen=True, slots=True)
class PaperWord:
    """What somebody said of a paper, and when; the latest word of each counts."""

    paper: str
    at: datetime
    act: Act


@dataclass(frozen=True, slots=True)
class Consulted:
    """What all registers said of one request."""

    read: tuple[Read, ...] = ()
    silent: tuple[Silent, ...] = ()
    papers: tuple[PaperWord, ...] = ()

    @property
    def acts(self) -> tuple[Act, ...]:
        """What they set, papers and a determined purpose apart."""
        found = ((one, {path: one.facts[path] for path in one.facts if path != PURPOSE}) for one in self.read)
        return tuple(Act(one.register.value, one.source, sets) for one, sets in found if one.source and sets)

    @property
    def purpose(self) -> str | None:
        """What the law department has determined the purpose to be, whatever was stated; the last of several."""
        found = [one.facts[PURPOSE] for one in self.read if PURPOSE in one.facts]
        return str(found[-1]) if found else None

    @property
    def sources(self) -> tuple[str, ...]:
        """The ids of all that the answer rests on."""
        return tuple(sorted({one.source for one in self.read if one.source}))


def consult(asking: Asking, registers: Registers) -> Consulted:
    """Return what the registers say; total over whatever a form may hold."""
    found: list[Read | Silent] = []
    for ask in (_declaration, _cases, _people, _place, _determinations):
        found += ask(asking, registers)
    papers = tuple(_papers(asking, registers))
    found += [_of_paper(word) for word in papers]
    return Consulted(
        tuple(one for one in found if isinstance(one, Read)),
        tuple(one for one in found if isinstance(one, Silent)),
        papers,
    )


def _speaks(asking: Asking, register: Register) -> tuple[str, ...]:
    """Return the facts of the request that are this register's to say."""
    paths = FACTS[register]
    return tuple(path for path in paths if path in asking.specs and asking.specs[path].resolver == register)


def _silent(registers: Registers, part: str, register: Register, facts: tuple[str, ...]) -> Silent:
    return Silent(register, registers.why.get(part, "it cannot be read"), facts, is_unread=True)


def _declaration(asking: Asking, registers: Registers) -> Iterator[Read | Silent]:
    facts = _speaks(asking, Register.DECLARATIONS)
    agency = str(asking.facts.get("context.requester.agency", ""))
    if not facts or agency in NOBODY:
        return
    if registers.records is None:
        yield _silent(registers, "records", Register.DECLARATIONS, facts)
        return
    says = agency in registers.order.declared
    found = find_declaration(agency, registers.records, order_says=says, now=asking.now)
    if found is None:
        yield Read(Register.DECLARATIONS, "", {}, f"no written declaration of {agency} is on file")
        return
    record = find_in_force(registers.records, RecordKind.DECLARATION, agency, now=asking.now)
    source = record.id if record is not None else BY_ORDER
    by = f"record {source}" if record is not None else BY_ORDERS_WORD
    told = f"a written declaration of {agency} is on file: {by}"
    yield Read(Register.DECLARATIONS, source, {facts[0]: True}, told, found.until)


def _cases(asking: Asking, registers: Registers) -> Iterator[Read | Silent]:
    """Say whether a stated number counts as attested; whether the City's own number is open, no desk asks yet."""
    facts = _speaks(asking, Register.CASES)
    agency, number = (
        str(asking.facts.get("context.requester.agency", "")),
        asking.named.get(Register.CASES, ""),
    )
    if len(facts) != len(FACTS[Register.CASES]) or not number:
        return
    if agency in NOBODY or agency in registers.order.own:
        yield Silent(Register.CASES, "the desk does not ask it yet: the number is not verified", facts)
        return
    if registers.records is None or registers.directory is None:
        yield _silent(registers, "records" if registers.records is None else "people", Register.CASES, facts)
        return
    agreement = find_agreement(agency, registers.directory, registers.records, now=asking.now)
    if agreement is None:
        yield Read(Register.CASES, "", {}, f"no attestation agreement with {agency} is in force")
        return
    record = find_in_force(registers.records, RecordKind.AGREEMENT, agency, now=asking.now)
    source = record.id if record is not None else agreement.evidence
    told = f"an attestation agreement with {agency} is in force: {f'record {source}' if record else source}"
    if asking.facts.get("context.requester.identified") != "verified":
        yield Read(
            Register.CASES, "", {}, f"{told}; who asks was not identified, so the number is not attested"
        )
        return
    until = None if record is None else record.until
    yield Read(Register.CASES, source, {facts[0]: "attested", facts[1]: "criminal"}, told, until)


def _people(asking: Asking, registers: Registers) -> Iterator[Read | Silent]:
    facts = _speaks(asking, Register.PEOPLE)
    if len(facts) != len(FACTS[Register.PEOPLE]):
        return
    if registers.directory is None:
        yield _silent(registers, "people", Register.PEOPLE, facts)
        return
    person = registers.directory.find(asking.login)
    if person is None:
        why = "whoever files this is not in it, and so counts as a member of a task force"
        yield Silent(Register.PEOPLE, why, facts)
        return
    values = (person.task_force, person.task_force_civil_excluded, person.task_force_attested)
    told = "a member of a task force" if person.task_force else "no member of a task force"
    yield Read(
        Register.PEOPLE,
        "directory of people",
        dict(zip(facts, values, strict=True)),
        f"whoever files this is {told}",
    )


def _place(asking: Asking, registers: Registers) -> Iterator[Read | Silent]:
    facts = _speaks(asking, Register.PLACES)
    adopted = _speaks(asking, Register.ADOPTIONS)
    if not facts:
        return
    said = asking.named.get(Register.PLACES, "")
    if not said:
        yield Silent(Register.PLACES, "no place was named", (*facts, *adopted))
        return
    if registers.places is None:
        yield _silent(registers, "places", Register.PLACES, (*facts, *adopted))
        return
    place, area = find_place(registers.places, said)
    if place is None:
        yield Silent(Register.PLACES, "it has no such place", (*facts, *adopted))
        return
    known: dict[str, Fact] = {
        "resource.kind": place.kind, "resource.tenant": place.tenant,
        "resource.city_controlled": place.city_controlled,
        "resource.sign_posted": place.has_sign(asking.happened),
    }  # fmt: skip
    if area is not None:
        known["resource.public"] = area.is_public(asking.happened)
    else:
        yield Silent(Register.PLACES, "it has no such part of the place", ("resource.public",))
    sets = {
        path: value for path, value in known.items() if path in facts and asking.specs[path].allows(value)
    }
    yield Read(Register.PLACES, place.evidence, sets, _place_in_words(place, known))
    yield from _adopted(asking, registers, place, adopted)


def _place_in_words(place: Place, known: Mapping[str, Fact]) -> str:
    part = {True: "a part that is open to everybody", False: "a part that is not open to everybody"}
    where = (
        part.get(known["resource.public"] is True, "") if "resource.public" in known else "an unknown part"
    )
    return f"{place.name}: {place.kind}, tenant {place.tenant}, {where}"


def _adopted(
    asking: Asking, registers: Registers, place: Place, facts: tuple[str, ...]
) -> Iterator[Read | Silent]:
    if not facts:
        return
    if registers.records is None:
        yield _silent(registers, "records", Register.ADOPTIONS, facts)
        return
    found = find_adoption(
        place.tenant, place.kind, registers.records, by_order=registers.order.adopted, moment=asking.happened
    )
    rule = f"tenant {place.tenant} has{'' if found else ' not'} adopted the rule for a {place.kind}"
    if found is None:
        yield Read(Register.ADOPTIONS, "", {}, rule)
        return
    by = BY_ORDERS_WORD if found.source == BY_ORDER else f"record {found.source}"
    yield Read(Register.ADOPTIONS, found.source, {facts[0]: True}, f"{rule}: {by}", found.until)


def _determinations(asking: Asking, registers: Registers) -> Iterator[Read | Silent]:
    if registers.records is None or not asking.number:
        return
    for record in registers.records:
        if record.kind is not RecordKind.DETERMINATION or dict(record.more)["matter"] != asking.number:
            continue
        if find_in_force(
            [record, *_revocations(registers.records)], record.kind, record.about, now=asking.now
        ):
            told = f"the law department has determined under {record.about}: record {record.id}"
            sets = _determined(dict(record.more)["says"], asking.specs)
            yield Read(Register.DETERMINATIONS, record.id, sets, told, record.until)


def _determined(says: str, specs: Mapping[str, FactSpec]) -> dict[str, Fact]:
    """Return what a determination of the form ``PATH = true`` sets; any other is for people to read."""
    path, _, word = (part.strip() for part in says.partition("="))
    spec = specs.get(path)
    if spec is None or spec.definition is not None or (spec.resolver not in DETERMINED and path != PURPOSE):
        return {}
    value: Fact = TRUTHS.get(word, word)
    return {path: value} if spec.allows(value) else {}


def _papers(asking: Asking, registers: Registers) -> Iterator[PaperWord]:
    """Yield what signed records say of this matter's papers: verified, run out, or taken back."""
    if registers.records is None or not asking.number:
        return
    for record in registers.records:
        if record.kind is not RecordKind.PAPER or dict(record.more)["matter"] != asking.number:
            continue
        path = f"{PAPERS}.{record.about}"
        if f"{path}.verified" not in asking.specs or record.begins > asking.now:
            continue
        gone = [one for one in _revocations(registers.records) if one.about == record.id]
        taken_back = is_revoked(record, registers.records, now=asking.now) or not record.by
        at = max([record.begins, *(one.begins for one in gone if one.begins <= asking.now)])
        over = asking.now >= record.until
        act = verify_paper(
            path, resolver=DESK, evidence=record.id, verified=not taken_back, current=not (over or taken_back),
            scope=dict(record.more)["scope"], sealed=record.is_sealed,
        )  # fmt: skip
        yield PaperWord(record.about, record.until if over and not taken_back else at, act)


def _of_paper(word: PaperWord) -> Read:
    """Return a paper as something read; what it is stays unsaid."""
    sealed = word.act.facts[f"{PAPERS}.{word.paper}.{SEALED}"] is True
    says = "a paper that a named official has read is on file"
    return Read(Register.PAPERS, word.act.evidence, {}, says, is_sealed=sealed)


def _revocations(records: Sequence[Record]) -> list[Record]:
    return [one for one in records if one.kind is RecordKind.REVOCATION]


def latest_papers(words: Sequence[PaperWord]) -> tuple[Act, ...]:
    """Return one word of each paper, the latest; of two of one moment the later in the list."""
    latest: dict[str, PaperWord] = {}
    for word in words:
        if word.paper not in latest or latest[word.paper].at <= word.at:
            latest[word.paper] = word
    return tuple(word.act for word in latest.values())

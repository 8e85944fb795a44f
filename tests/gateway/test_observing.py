"""The door while clauses are observed: who answers, until when a session rests on it, and how it ends."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from doorward.cli.assembly import GatewayParts, check_in_force
from doorward.cli.folders import Folders
from doorward.cli.observation import open_observing, read_observation
from doorward.cli.sample import AGREEMENTS, CASE, PEOPLE, as_people
from doorward.errors import ConfigError
from doorward.gateway.answer import Answer
from doorward.gateway.dial import Place
from doorward.gateway.door import Door, Stated
from doorward.gateway.observing import Observing
from doorward.grants.ends import GRANT_HOURS
from doorward.grants.people import Directory, Person
from doorward.grants.referral_files import Referrals
from doorward.grants.registers import Word
from doorward.install.install import digest_scopes
from doorward.notes.note import Signer, cosign_note, format_verifier, sign_note
from doorward.orders.load import Pack, load_pack
from doorward.orders.observe import Observation, format_observation
from doorward.orders.observed import Would, join_scopes, parse_mode
from doorward.policy.scopes import ScopeBook
from doorward.record.entry import NO_SESSION, Field

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
UNTIL = NOW + timedelta(hours=2)
LAW = [Signer.make(f"law/{name}", sha256(name.encode()).digest()) for name in ("a", "b")]
OPTIONS = {"doorward.purpose": "criminal-investigation", "doorward.case": CASE, "doorward.for": "CPD"}


def ask(door: Door, person: Person, options: Mapping[str, str], *, now: datetime) -> Answer:
    """Ask at the door, where the register has one open case, the detective's."""
    says = (options.get("doorward.case"), person.login) == (CASE, "detective")
    return door.answer(Stated(person, options), Word(says, now), now=now, session="")


@pytest.fixture(name="pack", scope="module")
def pack_fixture() -> Pack:
    return load_pack("chicago")


@pytest.fixture(name="book", scope="module")
def book_fixture(pack: Pack) -> ScopeBook:
    return pack.scope_book()


def write(file: Path, pack: Pack, *clauses: str, until: datetime = UNTIL) -> bytes:
    made = Observation(pack.name, pack.digest, NOW - timedelta(hours=1), until, clauses, "beside what exists")
    raw = cosign_note(sign_note(format_observation(made), LAW[0]), LAW[1])
    file.write_bytes(raw)
    return raw


@pytest.fixture(name="make_book", scope="module")
def make_book_fixture() -> Callable[[Pack], ScopeBook]:
    """Compiles the scopes of an order once, as the gateway keeps them from one start to the next."""
    made: dict[tuple[str, ...], ScopeBook] = {}

    def make(pack: Pack) -> ScopeBook:
        which = tuple(policy.id for policy in pack.policies)
        if which not in made:
            made[which] = pack.scope_book()
        return made[which]

    return make


@pytest.fixture(name="observe")
def observe_fixture(
    pack: Pack, book: ScopeBook, make_book: Callable[[Pack], ScopeBook], tmp_path: Path
) -> Callable[..., Observing]:
    def observe(*clauses: str) -> Observing:
        file = tmp_path / "observe.note"
        write(file, pack, *clauses)
        found = read_observation(file, [signer.verifier for signer in LAW], pack, now=NOW)
        return open_observing(found, pack, book, make_book)

    return observe


@pytest.fixture(name="door")
def door_fixture(pack: Pack, book: ScopeBook, tmp_path: Path) -> Door:
    people = as_people(
        {person.login: "" for person in PEOPLE} | dict.fromkeys(("atf.agent", "other.detective"), "")
    )
    return Door(
        pack=pack, book=book, directory=Directory({p.login: p for p in people}, {a.agency: a for a in AGREEMENTS}),
        register=None, logins=None, database="clear",  # type: ignore[arg-type]  # neither is asked here
        referrals=Referrals(tmp_path / "asks.json", tmp_path / "answers.json", list),
    )  # fmt: skip


def detective(door: Door) -> Person:
    person = door.directory.find("detective")
    assert person is not None
    return person


def member(door: Door) -> Person:
    """Return the same, of a task force that is not attested."""
    return replace(detective(door), task_force=True)


def mode_of(answer: Answer) -> Would | None:
    return answer.mode.would if answer.mode is not None else None


def test_nothing_is_observed_unless_a_note_says_so(door: Door) -> None:
    answer = ask(door, member(door), OPTIONS, now=NOW)
    assert (answer.scope, answer.mode, answer.observed_until is not None) == (None, None, False)


def test_who_is_let_in_on_an_observation_is_in_no_longer_than_it(
    door: Door, observe: Callable[..., Observing]
) -> None:
    door.observing = observe("B6")
    answer = ask(door, member(door), OPTIONS, now=NOW)
    assert (mode_of(answer), answer.observed_until is not None) == (Would.REFER, True)
    assert answer.binding is not None
    assert answer.binding.until == UNTIL
    assert answer.notices == (
        "observed and not enforced until 2026-03-01 14:00 UTC: clause B6, which would refuse this session",
    )


def test_what_the_order_in_full_permits_is_as_it_is_and_as_long(
    door: Door, observe: Callable[..., Observing], book: ScopeBook
) -> None:
    before = ask(door, detective(door), OPTIONS, now=NOW)
    door.observing = observe("B6")
    answer = ask(door, detective(door), OPTIONS, now=NOW)
    assert (mode_of(answer), answer.observed_until is not None, answer.notices) == (Would.SAME, False, ())
    assert answer.binding == before.binding
    assert answer.scope == before.scope
    assert answer.binding is not None
    assert answer.binding.until == NOW + timedelta(hours=GRANT_HOURS)
    assert answer.scope is not None
    assert answer.scope.id in book.scopes


def test_at_its_end_the_order_in_full_answers(door: Door, observe: Callable[..., Observing]) -> None:
    door.observing = observe("B6")
    for moment, let_in in ((UNTIL - timedelta(microseconds=1), True), (UNTIL, False)):
        assert (ask(door, member(door), OPTIONS, now=moment).scope is not None) is let_in
    assert door.observing.find_end(UNTIL)
    assert not door.observing.find_end(UNTIL)  # told once


@pytest.mark.parametrize("spoil", [Path.unlink, lambda file: file.write_bytes(file.read_bytes() + b"\n")])
def test_whoever_changes_the_note_ends_it(
    door: Door, observe: Callable[..., Observing], tmp_path: Path, spoil: Callable[[Path], Any]
) -> None:
    door.observing = observe("B6")
    assert not door.observing.find_end(NOW)
    spoil(tmp_path / "observe.note")
    assert door.observing.find_end(NOW)
    assert "changed or taken away" in door.observing.why_over
    answer = ask(door, member(door), OPTIONS, now=NOW)
    assert (answer.scope, answer.mode) == (None, None)
    end = dict(door.observing.draft_end().fields)
    assert parse_mode(end[Field.MODE]).would is Would.OVER


def test_the_same_note_written_again_changes_nothing(
    door: Door, observe: Callable[..., Observing], pack: Pack, tmp_path: Path
) -> None:
    door.observing = observe("B6")
    write(tmp_path / "again.note", pack, "B6")
    (tmp_path / "again.note").replace(tmp_path / "observe.note")
    assert not door.observing.find_end(NOW)


def test_the_record_says_what_is_observed_until_when_and_by_whom(observe: Callable[..., Observing]) -> None:
    draft = observe("B6", "B2").draft_beginning()
    said = dict(draft.fields)
    assert draft.session == NO_SESSION
    assert parse_mode(said[Field.MODE]).clauses == ("B6", "B2")
    public = [format_verifier(signer.verifier).rsplit("+", 1)[0] for signer in LAW]
    assert (said[Field.LOGIN], said[Field.REASON]) == (", ".join(public).encode(), b"beside what exists")
    assert said[Field.UNTIL] == UNTIL.isoformat().encode()


def test_an_outsider_reads_one_clause_and_the_record_has_all(
    door: Door, observe: Callable[..., Observing]
) -> None:
    door.observing = observe("T15h6", "T15h7")
    agent = door.directory.find("fbi.agent")
    assert agent is not None
    stated = OPTIONS | {"doorward.case": "FBI-2026-0042", "doorward.for": "FBI"}
    answer = ask(door, agent, stated, now=NOW)
    assert answer.mode is not None
    assert (answer.mode.would, answer.mode.clauses) == (Would.WITHHOLD, ("T15h6", "T15h7"))
    (notice,) = answer.notices
    assert notice.endswith("clause T15h6, which would withhold rows or columns from this session")
    assert answer.scope is not None
    assert answer.observed_until is not None


def test_what_an_enforced_clause_refers_is_still_referred_and_waits(
    door: Door, observe: Callable[..., Observing]
) -> None:
    door.observing = observe("B6")
    answer = ask(door, member(door), OPTIONS | {"doorward.case": "JH999999"}, now=NOW)
    assert (mode_of(answer), answer.scope, answer.observed_until is not None) == (Would.REFER, None, False)
    assert answer.refusal is not None
    assert "no open case" in answer.refusal.message
    assert "this ask is on file" in (answer.refusal.detail or "")


class Holding:
    """A database in which one order is installed."""

    def __init__(self, row: tuple[str, str]) -> None:
        self.row = row
        self.answers: list[Any] = []

    @contextmanager
    def borrow(self) -> Iterator["Holding"]:
        self.answers = [(True,), self.row]
        yield self

    def execute(self, _statement: str) -> "Holding":
        return self

    def fetchone(self) -> Any:
        return self.answers.pop(0)


def test_a_database_without_the_scopes_of_the_observation_starts_no_door(
    observe: Callable[..., Observing], pack: Pack, book: ScopeBook, tmp_path: Path
) -> None:
    parts = GatewayParts(
        Folders(tmp_path), pack, book, Place("", 0, "clear", None), "", None, "clear", "clear"
    )
    observing = observe("B6")
    both = digest_scopes(join_scopes(book, observing.book))
    check_in_force(Holding((pack.digest, both)), parts, observing)  # type: ignore[arg-type]  # a database
    with pytest.raises(ConfigError, match=r"does not hold the scopes of `observe\.note`"):
        check_in_force(Holding((pack.digest, digest_scopes(replace(book, scopes={})))), parts, observing)  # type: ignore[arg-type]  # as above

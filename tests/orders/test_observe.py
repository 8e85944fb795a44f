"""Clauses that are observed: what may be, what opens by it, and that no promise of the order is observed away."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from doorward.cli.main import app
from doorward.errors import ConfigError, DoorwardError, LogError, MalformedError, VerificationError
from doorward.notes.note import Signer, cosign_note, sign_note
from doorward.orders.assemble import assemble_pack
from doorward.orders.load import Pack, find_pack
from doorward.orders.observe import (
    MAX_DAYS,
    NOTE,
    Observation,
    format_observation,
    parse_observation,
    verify_observation,
)
from doorward.orders.observed import (
    Mode,
    Would,
    check_promises,
    compare,
    enforcing_again,
    find_observed,
    find_withholding,
    format_mode,
    join_scopes,
    parse_mode,
    shows_other,
)
from doorward.orders.opened import find_opened
from doorward.policy.decision import Outcome
from doorward.policy.request import Fact, Request, Resource

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DIGEST = sha256(b"pack").hexdigest()
FIRST, SECOND, STRANGER = (
    Signer.make(f"law/{name}", sha256(name.encode()).digest()) for name in ("a", "b", "x")
)
TWIN = Signer.make("law/other", FIRST.seed)
KEYS = [FIRST.verifier, SECOND.verifier]
OBSERVATION = Observation(
    "chicago", DIGEST, NOW - timedelta(days=1), NOW + timedelta(days=1), ("B2", "B6"), "beside what exists"
)
CIVIL = ("C30b", "T15h5", "C20a0", "T15h1", "T15h4", "A130b", "T15hx")
Change = Callable[..., dict[str, bytes]]

# Access as a city may have had it before: everybody with a login, for whatever they state.
EXISTING = """
@id("existing-access")
@clauses("B1")
@says("access as it was before")
permit (principal, action == Action::"query", resource in Collection::"clear")
when { context.for_agency != Agency::"unknown" && !context.process };
"""

ANY_CASE = """
@id("investigator-any-case")
@clauses("B1")
@says("a detective's search on the case that is stated, as it was before")
permit (principal in Duty::"investigator", action == Action::"query", resource in Collection::"clear")
when {
  principal in Group::"city" && context.requester.agency in Group::"city" && context.for_agency in Group::"city" &&
  context.purpose == "criminal-investigation"
};
"""

TASK_FORCE: dict[str, Fact] = {
    "principal.role": "detective", "principal.agency": "CPD", "context.requester.agency": "CPD",
    "context.requester.identified": "verified", "context.initiative": "own-motion", "context.for_agency": "CPD",
    "context.purpose": "criminal-investigation", "context.task_force.member": True,
    "context.task_force.civil_excluded": False, "context.task_force.attested": False,
    "context.register.kind": "criminal", "context.register.standing": "verified", "context.declaration": False,
    "context.channel": "database", "context.grant.case_no": "JH1",
}  # fmt: skip
CLERK = TASK_FORCE | {
    "principal.role": "records-clerk", "context.purpose": "records-service", "context.task_force.member": False,
    "context.register.kind": "unknown", "context.register.standing": "unverified", "context.grant.case_no": "",
}  # fmt: skip
ICE = TASK_FORCE | dict.fromkeys(
    ("principal.agency", "context.requester.agency", "context.for_agency"), "ICE-ERO"
) | {"principal.role": "outside-agent", "context.task_force.member": False}  # fmt: skip


def ask(pack: Pack, facts: dict[str, Fact]) -> Request:
    known = {path: value for path, value in facts.items() if path in pack.requests.facts}
    return pack.request(known, resource=Resource("Collection", "clear"), now=NOW)


def signed(observation: Observation, *signers: Signer) -> bytes:
    raw = sign_note(format_observation(observation), signers[0])
    for signer in signers[1:]:
        raw = cosign_note(raw, signer)
    return raw


@pytest.fixture(name="wide")
def wide_fixture(changed: Change) -> Pack:
    """An order whose base access is as wide as the access that exists: only its forbids close."""
    mark = '@id("investigator-own-case")'
    return assemble_pack(changed("database.cedar", mark, EXISTING + mark))


# the note


observations = st.builds(
    Observation,
    order=st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,2}", fullmatch=True),
    digest=st.binary().map(lambda raw: sha256(raw).hexdigest()),
    begins=st.just(NOW),
    until=st.integers(1, MAX_DAYS).map(lambda days: NOW + timedelta(days=days)),
    clauses=st.lists(
        st.from_regex(r"[A-Za-z0-9][A-Za-z0-9.-]{0,8}", fullmatch=True), min_size=1, max_size=9, unique=True
    ).map(tuple),
    reason=st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=200),
)


@given(observations)
def test_an_observation_is_read_as_it_was_written(observation: Observation) -> None:
    text = format_observation(observation)
    assert parse_observation(text) == observation
    assert format_observation(parse_observation(text)) == text


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_are_an_observation_or_refused(text: bytes) -> None:
    try:
        assert format_observation(parse_observation(text)) == text
    except MalformedError:
        return


def test_two_people_let_clauses_be_observed() -> None:
    found = verify_observation(signed(OBSERVATION, FIRST, SECOND), KEYS, digest=DIGEST, now=NOW)
    assert (found.observation, found.signers) == (OBSERVATION, ("law/a", "law/b"))


@pytest.mark.parametrize(
    "signers", [(FIRST,), (FIRST, TWIN), (FIRST, STRANGER)], ids=["one", "one twice", "a stranger"]
)
def test_one_person_does_not(signers: tuple[Signer, ...]) -> None:
    with pytest.raises(VerificationError, match="expected 2 signatures"):
        verify_observation(signed(OBSERVATION, *signers), [*KEYS, TWIN.verifier], digest=DIGEST, now=NOW)


@given(st.data())
def test_one_byte_changed_is_refused(data: st.DataObject) -> None:
    raw = signed(OBSERVATION, FIRST, SECOND)
    at = data.draw(st.integers(0, len(raw) - 1))
    other = bytearray(raw)
    other[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(LogError):
        verify_observation(bytes(other), KEYS, digest=DIGEST, now=NOW)


@pytest.mark.parametrize(
    ("digest", "now", "says"),
    [
        (sha256(b"other").hexdigest(), NOW, "about the pack"),
        (DIGEST, OBSERVATION.until, "nothing is observed since"),
        (DIGEST, OBSERVATION.begins - timedelta(seconds=1), "nothing is observed before"),
    ],
    ids=["another order", "over", "not yet"],
)
def test_it_holds_for_its_order_and_its_time_alone(digest: str, now: datetime, says: str) -> None:
    with pytest.raises(VerificationError, match=says):
        verify_observation(signed(OBSERVATION, FIRST, SECOND), KEYS, digest=digest, now=now)


@pytest.mark.parametrize(
    "wrong",
    [
        {"until": OBSERVATION.begins},
        {"until": OBSERVATION.begins + timedelta(days=MAX_DAYS, seconds=1)},
        {"clauses": ()},
        {"clauses": ("B2", "B2")},
        {"clauses": ("B2; DROP",)},
        {"reason": " "},
        {"reason": "two\nlines"},
        {"reason": "x" * 201},
        {"order": "no order"},
    ],
)
def test_what_is_no_observation_is_none(wrong: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        parse_observation(format_observation(replace(OBSERVATION, **wrong)))


# what is taken out


def test_only_forbids_of_the_database_that_cite_nothing_else_are_taken_out(pack: Pack) -> None:
    observed = find_observed(pack, ["B2", "B6"])
    assert set(observed.policies) == {
        "clerk-birth", "clerk-contact", "clerk-narrative", "clerk-custody", "clerk-plate", "clerk-location",
        "task-force-not-attested",
    }  # fmt: skip
    left = {policy.id for policy in observed.pack.policies}
    assert "records-clerk" in left  # a permit of the same clause is base access, and is never observed
    assert left == {policy.id for policy in pack.policies} - set(observed.policies)
    assert observed.pack.digest == pack.digest


@pytest.mark.parametrize(
    ("clauses", "says"),
    [
        (["NO-SUCH"], "has no clause `NO-SUCH`"),
        (["C20c"], "closes nothing at the database"),
        (["B1"], "closes nothing at the database"),
        (["T15h6"], "only together with T15h7: name them too"),
    ],
)
def test_a_clause_that_closes_nothing_there_is_not_observed(
    pack: Pack, clauses: list[str], says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        find_observed(pack, clauses)


@pytest.mark.parametrize(
    ("clauses", "theorem"),
    [(["CO1"], "court-process-goes-through"), (["B6", "CO1"], "court-process-goes-through")],
)
def test_a_promise_of_the_order_is_not_observed_away(pack: Pack, clauses: list[str], theorem: str) -> None:
    with pytest.raises(ConfigError, match=theorem):
        check_promises(pack, find_observed(pack, clauses))


@pytest.mark.parametrize("clauses", [("C30b", "T15h5"), CIVIL], ids=["its own clauses", "all of them"])
def test_who_enforces_civil_immigration_law_is_not_let_in_by_observing_over_existing_access(
    wide: Pack, clauses: tuple[str, ...]
) -> None:
    assert wide.decide(ask(wide, ICE)).outcome is not Outcome.PERMIT
    with pytest.raises(ConfigError, match="no-civil-agency-at-the-database") as error:
        check_promises(wide, find_observed(wide, clauses))
    assert "given no search and no account" in str(error.value)


def test_nor_over_the_orders_own_permits_where_every_promise_holds_and_nothing_opens(pack: Pack) -> None:
    observed = find_observed(pack, CIVIL)
    check_promises(pack, observed)
    assert observed.pack.decide(ask(pack, ICE)).outcome is not Outcome.PERMIT
    assert find_opened(pack, observed) == []


def test_who_signs_sees_what_opens(pack: Pack) -> None:
    opened = find_opened(pack, find_observed(pack, ["B6"]))
    assert opened
    for was, request in opened:
        assert (was, pack.decide(request).outcome) == (Outcome.REFER, Outcome.REFER)


def test_the_scopes_of_both_orders_are_installed(pack: Pack) -> None:
    book, other = pack.scope_book(), find_observed(pack, ["B2"]).pack.scope_book()
    joined = join_scopes(book, other)
    assert set(joined.scopes) == set(book.scopes) | set(other.scopes)
    assert joined.find(ask(pack, CLERK)) == book.find(ask(pack, CLERK))


# what would have been


def test_who_is_let_in_is_told_apart_from_who_is_refused_anyway(pack: Pack) -> None:
    observed = find_observed(pack, ["B6"])
    request = ask(pack, TASK_FORCE)
    found = compare(pack, observed, request, pack.decide(request))
    assert (found.would, found.decision.outcome, found.clauses, found.policies, found.rests) == (
        Would.REFER, Outcome.PERMIT, ("B6",), ("task-force-not-attested",), True,
    )  # fmt: skip
    nothing = ask(pack, TASK_FORCE | {"context.register.standing": "unverified"})
    found = compare(pack, observed, nothing, pack.decide(nothing))
    assert (found.would, found.decision.outcome, found.decision.policies, found.rests) == (
        Would.REFER, Outcome.REFER, ("case-not-verified",), True,
    )  # fmt: skip


def test_the_order_in_full_answers_where_nothing_applies_without_the_clause(pack: Pack) -> None:
    observed = find_observed(pack, CIVIL)
    request = ask(pack, ICE | {"context.purpose": "civil-immigration-enforcement"})
    full = pack.decide(request)
    found = compare(pack, observed, request, full)
    assert (found.would, found.decision, found.rests) == (Would.DENY, full, False)
    assert set(found.clauses) <= set(CIVIL)


def test_what_no_observed_clause_is_about_is_as_enforced(pack: Pack) -> None:
    observed = find_observed(pack, ["B6"])
    request = ask(pack, CLERK)
    assert compare(pack, observed, request, pack.decide(request)).would is Would.SAME


def test_columns_and_rows_that_would_be_withheld_are_told_by_clause(pack: Pack) -> None:
    observed = find_observed(pack, ["B2", "B4", "B6"])
    book, request = observed.pack.scope_book(), ask(pack, CLERK)
    shown = book.find(request)
    assert shows_other(pack.scope_book().find(request), shown)
    enforcing = {clause: enforcing_again(pack, observed, clause).scope_book() for clause in observed.clauses}
    assert find_withholding(observed, request, shown, enforcing) == ("B2", "B4")


def test_enforcing_one_clause_again_leaves_the_others_observed(pack: Pack) -> None:
    observed = find_observed(pack, ["T15h6", "T15h7"])
    left = {policy.id for policy in enforcing_again(pack, observed, "T15h6").policies}
    assert ("custody-to-outsiders" in left, "contact-to-outsiders" in left) == (True, False)


WORDS: dict[str, list[Fact]] = {
    "principal.role": ["detective", "records-clerk", "outside-agent"],
    "principal.agency": ["CPD", "FBI", "ICE-ERO", "HSI", "ATF"],
    "context.requester.agency": ["CPD", "FBI", "ICE-ERO", "HSI"],
    "context.for_agency": ["CPD", "FBI", "ICE-ERO", "HSI", "unknown", "none"],
    "context.purpose": [
        "criminal-investigation", "civil-immigration-enforcement", "records-service", "border-security", "unknown",
    ],
    "context.register.standing": ["verified", "attested", "unverified"],
    "context.task_force.member": [True, False],
    "context.task_force.attested": [True, False],
    "context.declaration": [True, False],
}  # fmt: skip


@settings(deadline=None)
@given(
    facts=st.fixed_dictionaries({path: st.sampled_from(words) for path, words in WORDS.items()}),
    clauses=st.lists(st.sampled_from(["B2", "B3", "B4", "B5", "B6", *CIVIL]), min_size=1, unique=True),
)
def test_observing_opens_and_never_closes_and_never_opens_what_is_promised(
    pack: Pack, facts: dict[str, Fact], clauses: list[str]
) -> None:
    try:
        observed = find_observed(pack, clauses)
    except ConfigError:
        return
    request = ask(pack, TASK_FORCE | facts)
    full, found = pack.decide(request), observed.pack.decide(request)
    if full.outcome is Outcome.PERMIT:
        assert found.outcome is Outcome.PERMIT
    compared = compare(pack, observed, request, full)
    if compared.decision.outcome is Outcome.PERMIT and full.outcome is not Outcome.PERMIT:
        assert compared.rests
        assert compared.clauses
        assert set(compared.clauses) <= set(clauses)
        assert request.facts["context.requester.agency"] != "ICE-ERO"
        assert request.facts["context.for_agency"] not in {"ICE-ERO", "unknown"}


def test_access_that_exists_is_base_access_and_what_narrows_it_is_observed(changed: Change) -> None:
    """A city whose detectives search on any case number wants to know who would be refused without an open one."""
    mark = '@id("investigator-own-case")'
    order = assemble_pack(changed("database.cedar", mark, ANY_CASE + mark))
    observed = find_observed(order, ["local-policy"])
    check_promises(order, observed)
    unknown = TASK_FORCE | {"context.task_force.member": False, "context.register.standing": "unverified"}
    request = ask(order, unknown)
    assert order.decide(request).outcome is Outcome.REFER
    found = compare(order, observed, request, order.decide(request))
    assert (found.would, found.decision.outcome, found.policies) == (
        Would.REFER, Outcome.PERMIT, ("case-not-verified",),
    )  # fmt: skip
    assert observed.pack.scope_book().find(request) is not None
    side_door = ask(order, unknown | {"context.for_agency": "ICE-ERO"})
    assert observed.pack.decide(side_door).outcome is Outcome.DENY


# the record's words


modes = st.builds(
    Mode,
    observation=st.binary().map(lambda raw: sha256(raw).hexdigest()[:12]),
    would=st.sampled_from(Would),
    clauses=st.lists(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9.-]{0,8}", fullmatch=True)).map(tuple),
    policies=st.lists(st.from_regex(r"[a-z0-9][a-z0-9-]{0,9}", fullmatch=True)).map(tuple),
)


@given(modes)
def test_a_mode_is_read_as_it_was_written(mode: Mode) -> None:
    assert parse_mode(format_mode(mode)) == mode


@given(st.binary(max_size=80) | st.text("observe 0a;:wuldny", max_size=40).map(str.encode))
def test_any_bytes_are_a_mode_or_refused(raw: bytes) -> None:
    try:
        assert format_mode(parse_mode(raw)) == raw
    except MalformedError:
        return


# the command


@pytest.fixture(name="keys")
def keys_fixture(tmp_path: Path) -> Path:
    lines = []
    for name in ("a", "b"):
        done = CliRunner().invoke(
            app, ["order", "key", f"law/{name}", "--out", str(tmp_path / f"{name}.key")]
        )
        lines.append(done.stdout)
    (tmp_path / "law.keys").write_text("".join(lines))
    return tmp_path


def run(keys: Path, *arguments: str, key: str = "") -> Result:
    given = ("--key", str(keys / f"{key}.key")) if key else ()
    return CliRunner().invoke(
        app, ["order", "observe", "chicago", "--note", str(keys / "observe.note"), *given, *arguments]
    )


def tomorrow() -> str:
    return f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"  # noqa: TID251  # a note ends


def test_the_first_makes_the_note_the_second_signs_it_and_anybody_checks_it(keys: Path) -> None:
    stated = ("--clause", "B6", "--until", tomorrow(), "--reason", "beside what exists")
    first = run(keys, *stated, key="a")
    assert (first.exit_code, "signed by one" in first.stdout) == (1, True)
    assert "not enforced meanwhile, at the database: task-force-not-attested" in first.stdout
    assert "enforced: refer; observed: permitted; for example:" in first.stdout
    checked = ("--keys", str(keys / "law.keys"))
    assert run(keys, *checked).exit_code == 1
    second = run(keys, key="b")
    assert (second.exit_code, "signed by law/b" in second.stdout) == (0, True)
    told = json.loads(run(keys, *checked, "--json").stdout)
    assert (told["verified"], told["observed"], told["signed"]) == (True, ["B6"], ["law/a", "law/b"])


@pytest.mark.parametrize(
    ("arguments", "key", "says"),
    [
        (("--clause", "B6"), "a", "names its clauses, its end and why"),
        (("--clause", "CO1", "--until", "2099-01-01", "--reason", "x"), "a", "within 92 days"),
        (("--clause", "B6"), "", "give `--key` to sign"),
        (("--keys", "law.keys", "--clause", "B6"), "", "`--keys` goes with `--note` alone"),
    ],
)
def test_what_is_stated_wrongly_is_told_and_writes_nothing(
    keys: Path, arguments: tuple[str, ...], key: str, says: str
) -> None:
    done = run(keys, *arguments, key=key)
    assert isinstance(done.exception, DoorwardError)
    assert says in str(done.exception)
    assert not (keys / "observe.note").exists()


def test_a_promise_that_breaks_writes_no_note(keys: Path) -> None:
    done = run(keys, "--clause", "CO1", "--until", tomorrow(), "--reason", "x", key="a")
    assert "court-process-goes-through" in str(done.exception)
    assert not (keys / "observe.note").exists()


def test_the_check_of_an_order_says_what_its_note_does_not_enforce(tmp_path: Path, keys: Path) -> None:
    folder = tmp_path / "pack"
    shutil.copytree(find_pack("chicago"), folder)
    clean = CliRunner().invoke(app, ["order", "check", str(folder)])
    assert "observed: no note; every clause is meant to be enforced" in clean.stdout
    stated = ("--clause", "B6", "--until", tomorrow(), "--reason", "x", "--key", str(keys / "a.key"))
    made = CliRunner().invoke(app, ["order", "observe", str(folder), *stated])
    assert (made.exit_code, (folder / NOTE).exists()) == (1, True)
    done = CliRunner().invoke(app, ["order", "check", str(folder)])
    assert "observed: NOT ENFORCED until" in done.stdout
    assert ": B6, signed by law/a for the digest" in done.stdout
    (folder / NOTE).write_bytes(b"spoiled")
    assert isinstance(CliRunner().invoke(app, ["order", "check", str(folder)]).exception, ConfigError)

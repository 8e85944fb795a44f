"""A lead is opened by two people of one office, as it is, until a day; everything else opens nothing."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from doorward.cli.audit_lead import case, lead
from doorward.errors import ConfigError, DoorwardError, MalformedError, StoreError, VerificationError
from doorward.lookback.leads.cases import Case, check_case, format_case, parse_case, verify_case
from doorward.lookback.leads.opening import OPENED
from doorward.notes.key_files import write_key
from doorward.notes.note import Signer, cosign_note, format_verifier, sign_note
from lead_logs import Log

NOW = datetime(2026, 12, 2, tzinfo=UTC)
FIRST, SECOND, STRANGER = (
    Signer.make(f"ig.sample.invalid/{name}", bytes([seed]) * 32)
    for seed, name in enumerate(("first", "second", "stranger"))
)
KEYS = [FIRST.verifier, SECOND.verifier]
DIGEST = "ab" * 32
CASE = Case(
    "IG-2026-17", 4, DIGEST, NOW - timedelta(days=1), NOW + timedelta(days=27), "forty searches at once"
)

app = typer.Typer()
app.command("lead")(lead)
app.command("case")(case)


def signed(made: Case, *signers: Signer) -> bytes:
    raw = sign_note(format_case(made), signers[0])
    for signer in signers[1:]:
        raw = cosign_note(raw, signer)
    return raw


def test_two_signatures_of_the_office_open_the_lead() -> None:
    found = verify_case(signed(CASE, FIRST, SECOND), KEYS, lead=4, digest=DIGEST, now=NOW)
    assert found.case == CASE
    assert [key.partition("+")[0] for key in found.keys] == [FIRST.name, SECOND.name]


@pytest.mark.parametrize(
    ("raw", "lead_no", "digest", "now"),
    [
        (signed(CASE, FIRST), 4, DIGEST, NOW),
        (signed(CASE, FIRST, STRANGER), 4, DIGEST, NOW),
        (signed(CASE, FIRST, SECOND), 5, DIGEST, NOW),
        (signed(CASE, FIRST, SECOND), 4, "cd" * 32, NOW),
        (signed(CASE, FIRST, SECOND), 4, DIGEST, CASE.until),
        (signed(CASE, FIRST, SECOND), 4, DIGEST, CASE.begins - timedelta(seconds=1)),
        (signed(CASE, FIRST, SECOND).replace(b"IG-2026-17", b"IG-2026-18"), 4, DIGEST, NOW),
    ],
)
def test_anything_less_opens_nothing(raw: bytes, lead_no: int, digest: str, now: datetime) -> None:
    with pytest.raises(VerificationError):
        verify_case(raw, KEYS, lead=lead_no, digest=digest, now=now)


def test_one_key_under_two_names_is_one_person() -> None:
    twin = Signer.make("ig.sample.invalid/twin", FIRST.seed)
    with pytest.raises(VerificationError, match="expected 2 signatures"):
        verify_case(signed(CASE, FIRST, twin), [*KEYS, twin.verifier], lead=4, digest=DIGEST, now=NOW)


@given(
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,62}", fullmatch=True),
    st.integers(1, 10**18 - 1),
    st.integers(1, 92),
    st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=200),
)
def test_a_case_is_read_as_it_was_written(number: str, lead_no: int, days: int, reason: str) -> None:
    made = Case(number, lead_no, DIGEST, NOW, NOW + timedelta(days=days), reason)
    assert parse_case(format_case(check_case(made))) == made


@given(st.binary(max_size=400))
def test_no_bytes_but_a_case_are_one(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_case(raw)


@pytest.mark.parametrize(
    "changed",
    [
        {"case": "two words"}, {"case": ""}, {"digest": "short"}, {"lead": 0}, {"reason": " "}, {"reason": "a\nb"},
        {"until": NOW - timedelta(days=1)}, {"until": NOW + timedelta(days=93)},
    ],
)  # fmt: skip
def test_a_case_without_a_number_an_end_or_a_reason_is_none(changed: dict[str, object]) -> None:
    values = {name: getattr(CASE, name) for name in Case.__dataclass_fields__} | changed
    with pytest.raises(MalformedError):
        check_case(Case(**values))


def audit(root: Path) -> Path:
    log = Log()
    elm = log.searcher("Elm PD")
    for n in range(60):
        log.search(
            elm, datetime(2025, 6, 2, 12) + timedelta(seconds=n), account=f"account-{n // 30}", id=f"x{n}"
        )
    log.look(root)
    (root / "audit.json").write_text(json.dumps({"files": [{"file": 0, "sha256": "00" * 32}]}))
    (root / "keys").write_text("".join(f"{format_verifier(key)}\n" for key in KEYS))
    for signer in (FIRST, SECOND):
        write_key(root / signer.name.rpartition("/")[2], signer)
    return root


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def make_case(root: Path) -> Path:
    note = root / "case.note"
    until = f"{datetime.now(UTC) + timedelta(days=7):%Y-%m-%d}"  # noqa: TID251  # as the command does
    more = ("--number", "IG-1", "--until", until, "--reason", "two bursts")
    assert run("case", root, 1, "--case", note, "--key", root / "first", *more).exit_code == 1
    assert run("case", root, 1, "--case", note, "--key", root / "second").exit_code == 0
    return note


def test_a_lead_shows_its_unit_and_no_account(tmp_path: Path) -> None:
    shown = run("lead", audit(tmp_path), 1)
    assert shown.exit_code == 0
    assert "unit       Elm PD, in the data of Sample City PD" in shown.stdout
    assert "account-" not in shown.stdout
    assert not (tmp_path / OPENED).exists()


def test_a_case_opens_the_rows_of_its_lead_and_that_is_written_down(tmp_path: Path) -> None:
    note = make_case(audit(tmp_path))
    shown = run("lead", tmp_path, 1, "--case", note, "--keys", tmp_path / "keys", "--json")
    told = json.loads(shown.stdout)
    assert [row["account"] for row in told["opened"]] == ["account-0"] * 30 + ["account-1"] * 30
    assert (
        run("lead", tmp_path, 1, "--case", note, "--keys", tmp_path / "keys").stdout.count("account-1") == 30
    )
    written = [json.loads(line) for line in (tmp_path / OPENED).read_text().splitlines()]
    assert [(one["case"], one["lead"], one["digest"], one["rows"]) for one in written] == [
        ("IG-1", 1, told["digest"], 60)
    ] * 2
    assert (tmp_path / OPENED).stat().st_mode & 0o077 == 0
    assert "account-" not in (tmp_path / OPENED).read_text()


def refused(*words: object) -> DoorwardError:
    result = run(*words)
    assert isinstance(result.exception, DoorwardError)
    assert "account-" not in result.output
    return result.exception


def test_a_lead_that_is_not_the_one_that_was_signed_stays_closed(tmp_path: Path) -> None:
    note = make_case(audit(tmp_path))
    (tmp_path / "audit.json").write_text(json.dumps({"files": [{"file": 0, "sha256": "11" * 32}]}))
    error = refused("lead", tmp_path, 1, "--case", note, "--keys", tmp_path / "keys")
    assert isinstance(error, VerificationError)
    assert not (tmp_path / OPENED).exists()


def test_where_it_cannot_be_written_down_nothing_is_opened(tmp_path: Path) -> None:
    note = make_case(audit(tmp_path))
    (tmp_path / OPENED).mkdir()
    assert isinstance(refused("lead", tmp_path, 1, "--case", note, "--keys", tmp_path / "keys"), StoreError)


def test_every_other_way_is_refused(tmp_path: Path) -> None:
    root = audit(tmp_path)
    note = make_case(root)
    keys = root / "keys"
    for words in (
        ("lead", root, 1, "--case", note),
        ("lead", root, 1, "--keys", keys),
        ("lead", root, 2),
        ("lead", root, 1, "--case", root / "none", "--keys", keys),
        ("lead", root, 1, "--case", keys, "--keys", keys),
        ("lead", root / "none", 1),
        ("case", root, 1, "--case", root / "new", "--key", root / "first"),
        ("case", root, 1, "--case", note, "--key", root / "first"),
        ("case", root, 1, "--case", note, "--key", root / "first", "--reason", "another"),
    ):
        assert isinstance(refused(*words), ConfigError), words
    assert not (root / OPENED).exists()

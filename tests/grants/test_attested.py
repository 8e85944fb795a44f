"""Attested numbers on file: drawn so that nobody chooses, answered by a signature, counted without a case."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import ConfigError, DoorwardError, MalformedError, StoreError, VerificationError
from doorward.grants.attested import (
    Admitted,
    Draw,
    Found,
    Tally,
    check_draw,
    decode_admitted,
    decode_draw,
    draw_sample,
    encode_admitted,
    encode_draw,
    find_failing,
    format_found,
    parse_found,
    tally,
    verify_found,
)
from doorward.grants.attested_files import AttestedFiles
from doorward.notes.note import Signer, sign_note

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FINN = Signer.make("law/finn.example", b"\1" * 32)


def session(number: int, *, agency: str = "FBI", at: datetime = NOW) -> Admitted:
    return Admitted(f"{number:032x}", at, agency, "fbi.agent", f"FBI-2026-{number}", "sample-agreement-1")


def found(number: int, *, is_confirmed: bool = True, at: datetime = NOW) -> Found:
    return Found(f"{number:032x}", is_confirmed, at, "FBI letter 2026-88")


def draw(*numbers: int, agency: str = "FBI") -> Draw:
    ids = tuple(f"{number:032x}" for number in numbers)
    return Draw(agency, NOW - timedelta(days=30), NOW, 5, "lottery 7-13-21", NOW, "ida", ids)


@pytest.fixture(name="files")
def files_fixture(tmp_path: Path) -> AttestedFiles:
    return AttestedFiles(tmp_path / "attested", lambda: [FINN.verifier])


@given(
    st.sets(st.integers(0, 2**64), max_size=60),
    st.integers(1, 100),
    st.text(min_size=1, max_size=20),
)
def test_the_same_list_and_seed_draw_the_same_whatever_the_order(
    numbers: set[int], percent: int, seed: str
) -> None:
    listed = [session(number) for number in numbers]
    drawn = draw_sample(listed, percent=percent, seed=seed)
    shuffled = sorted(listed, key=lambda one: one.id, reverse=True)
    assert draw_sample([*shuffled, *listed], percent=percent, seed=seed) == drawn
    assert len(drawn) == -(-len(listed) * percent // 100)


def test_another_seed_draws_others_and_each_session_has_its_chance() -> None:
    listed = [session(number) for number in range(100)]
    draws = [{one.id for one in draw_sample(listed, percent=5, seed=str(seed))} for seed in range(400)]
    assert len({frozenset(drawn) for drawn in draws}) == 400
    assert set.union(*draws) == {one.id for one in listed}


@pytest.mark.parametrize(
    "changed",
    [
        replace(draw(), percent=0),
        replace(draw(), percent=101),
        replace(draw(), seed=" "),
        replace(draw(), until=NOW + timedelta(days=1)),
        replace(draw(), begins=NOW),
    ],
    ids=range(5),
)
def test_what_is_no_draw_is_told(changed: Draw) -> None:
    with pytest.raises(MalformedError):
        check_draw(changed)


def test_what_is_kept_is_read_as_it_was() -> None:
    assert decode_admitted(json.loads(json.dumps(encode_admitted(session(1))))) == session(1)
    assert decode_draw(json.loads(json.dumps(encode_draw(draw(1, 2))))) == draw(1, 2)


@given(st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=50))
def test_an_answer_is_read_as_it_was_written(evidence: str) -> None:
    for is_confirmed in (True, False):
        made = Found("a" * 32, is_confirmed, NOW, evidence)
        assert parse_found(format_found(made)) == made


@given(st.binary(max_size=200) | st.just(format_found(found(1)).replace(b"confirmed", b"perhaps")))
def test_anything_else_is_one_documented_error(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_found(raw)


def test_sessions_are_kept_by_month_and_found_by_period_and_agency(files: AttestedFiles) -> None:
    for days in range(0, 100, 10):
        files.note(session(days, at=NOW + timedelta(days=days), agency="FBI" if days % 20 else "ATF"))
    until = NOW + timedelta(days=50)
    assert [one.id for one in files.admitted(NOW, until)] == [f"{days:032x}" for days in range(0, 50, 10)]
    assert [one.id for one in files.admitted(NOW, until, agency="ATF")] == [f"{n:032x}" for n in (0, 20, 40)]


def test_half_a_line_of_a_crash_is_no_session_and_is_taken_away(files: AttestedFiles, tmp_path: Path) -> None:
    files.note(session(1))
    file = tmp_path / "attested/2026-03.jsonl"
    whole = file.read_bytes()
    for size in range(len(whole)):
        file.write_bytes(whole + whole[:size])
        assert len(files.admitted(NOW, NOW + timedelta(seconds=1))) == 1
        files.note(session(2))
        assert [one.id[-1] for one in files.admitted(NOW, NOW + timedelta(seconds=1))] == ["1", "2"]


def test_a_file_that_is_none_is_told(files: AttestedFiles, tmp_path: Path) -> None:
    files.note(session(1))
    (tmp_path / "attested/2026-03.jsonl").write_text("{}\n")
    with pytest.raises(ConfigError):
        files.admitted(NOW, NOW + timedelta(days=1))


def test_a_folder_that_cannot_be_written_lets_nobody_in(tmp_path: Path) -> None:
    (tmp_path / "attested").write_text("a file")
    with pytest.raises(StoreError):
        AttestedFiles(tmp_path / "attested", list).note(session(1))


def test_only_what_was_drawn_is_answered_and_by_an_official(files: AttestedFiles) -> None:
    files.note(session(1))
    files.add_draw(draw(1))
    stranger = Signer.make("law/mallory.example", b"\7" * 32)
    with pytest.raises(VerificationError):
        files.answer(sign_note(format_found(found(1)), stranger))
    with pytest.raises(ConfigError, match="was not drawn"):
        files.answer(sign_note(format_found(found(2)), FINN))
    files.answer(sign_note(format_found(found(1)), FINN))
    assert [(one.is_confirmed, one.by) for one in files.answers()] == [(True, "law/finn.example")]


def test_an_answer_that_somebody_changed_makes_none_count(files: AttestedFiles, tmp_path: Path) -> None:
    files.note(session(1))
    files.add_draw(draw(1))
    files.answer(sign_note(format_found(found(1, is_confirmed=False)), FINN))
    file = tmp_path / "attested/answers.json"
    file.write_text(file.read_text().replace("not-found", "confirmed"))
    with pytest.raises(DoorwardError):
        files.answers()


def test_every_draw_counts_and_the_last_answer() -> None:
    sessions = [session(number) for number in range(10)] + [session(20, agency="ATF")]
    later = NOW + timedelta(days=1)
    answers = [found(1), found(2, is_confirmed=False), found(2, at=later), found(3, is_confirmed=False)]
    rows = tally(sessions, [draw(1, 2), draw(2, 3, 4)], answers)
    assert rows == [Tally("ATF", 1, 0, 0, 0), Tally("FBI", 10, 4, 2, 1)]
    assert (rows[1].open, round(rows[1].failing_percent)) == (1, 33)


def test_an_agency_whose_word_fails_too_often_is_a_finding_and_no_case_is_named() -> None:
    (said,) = find_failing(
        [Tally("FBI", 100, 20, 18, 2), Tally("ATF", 100, 20, 19, 1), Tally("DEA", 9, 0, 0, 0)]
    )
    assert said.startswith("FBI: 2 of 20 attested numbers")
    assert find_failing([Tally("FBI", 100, 20, 18, 2)], percent=10) == []


def test_verifying_names_the_official() -> None:
    assert verify_found(sign_note(format_found(found(1)), FINN), [FINN.verifier]).by == "law/finn.example"

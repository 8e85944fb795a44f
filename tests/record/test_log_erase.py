"""`doorward log seal` and `log erase`: in place, by two people, under an adopted item, never under a hold."""

import fcntl
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.rows import args_row

from doorward.cli import log_erase
from doorward.cli.seals import disclosures_of, find_seals
from doorward.errors import MalformedError, StoreError
from doorward.orders.load import load_pack, load_retention
from doorward.orders.retention import Item, Retention
from doorward.record.entry import Draft, Field, Kind, encode_fields
from doorward.record.erasing import CopyRule, Erasure, digest_units, find_reasons, parse_erasure, parse_rule
from doorward.record.openings import StoredEntry
from doorward.record.seal_keys import SealKeys
from doorward.record.sealing import open_row
from record.place import Done, Place
from record.samples import NOW, SECOND, conversation, open_spool, session_id

ITEM = Item(
    "accesses", "accesses", "98:001", ("record",), (), "ended", years=0, permanent=False, cite="cite",
    evidence="text", standing="adopted", adopted_by="law",
)  # fmt: skip
COPIES = ("--record-copies-days", "35", "--key-copies-days", "7")
ROWS = "SELECT salt, body FROM record.entries ORDER BY sequence"


def seal(place: Place, owner: str) -> Done:
    done = place.run("seal", "--dsn", owner, *COPIES)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done


def stopped(*_: object) -> Iterator[int]:
    yield 9
    raise psycopg.OperationalError("stopped")


def table_file(owner: str) -> object:
    with psycopg.connect(owner) as connection:
        return connection.execute("SELECT pg_relation_filenode('record.entries')").fetchone()


def rows(owner: str) -> list[tuple[bytes, bytes]]:
    with psycopg.connect(owner) as connection:
        return connection.execute(ROWS).fetchall()


@pytest.fixture
def sealed(
    place: Place, owner_conninfo: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[Place, Callable[..., Done]]:
    """A record whose second session states a case, sealed; under an item that an office has adopted and that is due."""
    spool = open_spool(place.folders.spool, now=NOW + SECOND)
    for number, case in ((8, b"HX123456"), (9, b"HX654321")):
        connect, decision, *rest = conversation(session_id(number))
        fields = (*decision.fields, (Field.CASE, case))
        spool.append([connect, Draft(Kind.DECISION, decision.session, 0, fields), *rest], now=NOW + SECOND)
    spool.close(now=NOW + SECOND)
    place.world.publish()
    seal(place, owner_conninfo)
    seal(place, owner_conninfo)
    schedule = load_retention(load_pack("chicago"))
    adopted = Retention(
        **{**{name: getattr(schedule, name) for name in schedule.__slots__}, "items": {"accesses": ITEM}}
    )
    monkeypatch.setattr(log_erase, "load_retention", lambda _: adopted)
    monkeypatch.setattr(log_erase, "_holds", lambda _: nullcontext(0))
    monkeypatch.setattr(log_erase, "_refuse", _refuse_later)
    asked = ("--item", "accesses", "--certificate", "2033-17")
    return place, lambda *more: place.run(
        "erase", *more, *(asked if "--case" in more or "--month" in more else ())
    )


_REFUSE = log_erase._refuse  # the sample's entries are of 2031, and the commands read the real clock


def _refuse_later(
    erasure: Erasure, pack: object, rule: CopyRule, holds: int, _today: date, *, is_used: bool
) -> None:
    _REFUSE(erasure, pack, rule, holds, date(2035, 1, 1), is_used=is_used)  # type: ignore[arg-type]  # passed on


def test_what_was_recorded_is_sealed_in_place_and_a_second_run_goes_on(
    place: Place, owner_conninfo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows(owner_conninfo)
    assert any(b"SELECT" in body for _, body in before)
    assert "27 rows sealed" in seal(place, owner_conninfo).stdout
    after = rows(owner_conninfo)
    assert not any(b"SELECT" in body or b"j.doe" in body for _, body in after)
    assert {salt for salt, _ in after} == {bytes(16)}
    assert place.run("verify").returncode == 0
    # Rows that came from a publisher which did not know of the keys yet are sealed by the next run.
    spool = open_spool(place.folders.spool, now=NOW + SECOND)
    spool.append(conversation(session_id(7)), now=NOW + SECOND)
    spool.close(now=NOW + SECOND)
    place.world.publish()
    assert "9 rows sealed" in seal(place, owner_conninfo).stdout
    assert "0 rows sealed" in seal(place, owner_conninfo).stdout
    assert after == rows(owner_conninfo)[:27]
    # One that was stopped has left plain rows in the table's files: not all is sealed before they are written anew.
    with monkeypatch.context() as patch:
        patch.setattr(log_erase, "_seal_portions", stopped)
        assert place.run("seal", "--dsn", owner_conninfo, *COPIES).returncode == 3
    rule, file = place.folders.data / "seals" / "rule", table_file(owner_conninfo)
    assert parse_rule(rule.read_bytes()).sealed_since is None
    assert "0 rows sealed" in seal(place, owner_conninfo).stdout
    assert parse_rule(rule.read_bytes()).sealed_since is not None
    assert table_file(owner_conninfo) != file
    file = table_file(owner_conninfo)
    assert "0 rows sealed" in seal(place, owner_conninfo).stdout
    assert table_file(owner_conninfo) == file
    assert place.run("verify").returncode == 0
    with disclosures_of(place.folders, place.folders.run.joinpath("record.dsn").read_text().strip()) as kept:
        assert len(list(kept.select([Kind.CONNECT], begins_us=0, ends_us=2**62))) == 4


def test_a_case_goes_by_two_people_and_its_proof_stays(
    sealed: tuple[Place, Callable[..., Done]], tmp_path: Path, owner_conninfo: str
) -> None:
    place, erase = sealed
    law, custodian = place.official("law/finn.example"), place.official("records-custodian/kim.example")
    note = tmp_path / "erasure.note"
    proposed = erase("--case", "HX123456", "--key", law, "--note", note)
    assert (proposed.returncode, proposed.stderr) == (0, ""), proposed
    assert "1 keys" in proposed.stdout
    assert "has signed this already" in erase("--key", law, "--note", note).stderr
    for other_key in ("records-custodian/finn.example", "law/Finn.Example"):  # one person, however many keys
        refused = erase("--key", place.official(other_key), "--note", note)
        assert (refused.returncode, "has signed this already" in refused.stderr) == (1, True), refused
    assert (
        "expected a key of law or records-custodian"
        in erase("--key", place.official("auditor/ada.example"), "--note", note).stderr
    )
    assert place.run("verify").stdout.count("erased") == 0
    done = erase("--key", custodian, "--note", note)
    assert (done.returncode, done.stderr) == (0, ""), done
    keys = find_seals(place.folders)
    assert keys is not None
    assert keys.erased == {session_id(8): "2033-17"}
    verified = place.run("verify")
    assert verified.returncode == 0
    assert "checked: 9 entries erased" in verified.stdout
    assert "note: entries were erased under certificate 2033-17; their leaves hold" in verified.stdout
    acts = [(entry.get(Field.ACT), entry.get(Field.SCOPE)) for entry in place.kept()]
    assert acts == [(b"propose-erasure", b"case"), (b"erase", b"case")]
    assert place.kept()[1].get(Field.ROWS) == b"9"
    assert b"HX123456" not in b"".join(value for entry in place.kept() for _, value in entry.fields)
    again = erase("--case", "HX123456", "--key", law, "--note", tmp_path / "again.note")
    assert "there is nothing to erase" in again.stderr
    used = erase("--case", "HX654321", "--key", law, "--note", tmp_path / "again.note")
    assert "certificate 2033-17 was used already" in used.stderr
    gone = place.run("disclose", "28", "--key", law, "--process", place.paper(law), "--for", "court")
    assert "entry 28 was erased" in gone.stderr
    # Another case is there still, and nothing is found of the one that went.
    auditor = place.folders.data.parent / "auditor-ada.example.key"
    when = ("--from", "2031-05-06", "--until", "2031-05-07", "--key", auditor)
    assert "0 entries" in place.run("search", *when, "--case", "HX123456").stdout
    assert "1 entries" in place.run("search", *when, "--case", "HX654321").stdout
    # Where the erasure's own entry goes with its month, the next one's entry says on how many rows went.
    month = f"{datetime.fromtimestamp(place.kept()[1].time_us / 1e6, UTC):%Y-%m}"
    place.world.publish()
    seal(place, owner_conninfo)
    about = (
        "--item",
        "accesses",
        "--certificate",
        "2033-18",
        "--month",
        month,
        "--note",
        tmp_path / "month.note",
    )
    assert place.run("erase", *about, "--key", law).returncode == 0
    done = erase("--key", custodian, "--note", tmp_path / "month.note")
    assert (done.returncode, done.stderr) == (0, ""), done
    first = place.kept()[1]
    keys_gone, rows_gone = (first.get(Field.DIGEST) or b"").decode().removeprefix("keys ").split(" rows ")
    assert keys_gone == digest_units([session_id(8)])
    assert place.kept()[-1].get(Field.TEXT) == f"2033-17|{keys_gone}|9|{rows_gone}".encode()
    verified = place.run("verify")
    assert (verified.returncode, "could not tell" in verified.stdout) == (0, False), verified.stdout
    assert "under certificate 2033-18" in verified.stdout


def test_a_month_goes_with_everything_that_began_in_it(
    sealed: tuple[Place, Callable[..., Done]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, erase = sealed
    law, other = place.official("law/finn.example"), place.official("law/erin.example")
    note = tmp_path / "erasure.note"
    assert erase("--month", "2031-05", "--key", law, "--note", note).returncode == 0
    # A note that cannot be written is seen before anything goes.
    draft = note.with_name("erasure.note.new")
    draft.mkdir()
    refused = erase("--key", other, "--note", note)
    assert (refused.returncode, "cannot be written" in refused.stderr) == (2, True), refused
    assert len(place.kept()) == 1
    draft.rmdir()
    # Nobody stores anything between the look at what goes and its going.
    held, look = [], log_erase._units

    def look_held(*given: Any) -> Any:
        with (place.folders.data / "seals" / "lock").open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                held.append(True)
        return look(*given)

    monkeypatch.setattr(log_erase, "_units", look_held)
    done = erase("--key", other, "--note", note)
    assert (done.returncode, done.stderr) == (0, "")
    assert (held, draft.exists(), note.read_bytes().count("\u2014 law/".encode())) == ([True], False, 2)
    assert "5 keys" in done.stdout
    gone_from = date.fromisoformat(done.stdout.strip().split("\n")[-1].split(" ")[-2])
    assert gone_from > date(2026, 1, 1) + timedelta(days=35)
    verified = place.run("verify")
    assert verified.returncode == 0
    assert "checked: 45 entries erased" in verified.stdout


def test_an_erasure_that_was_stopped_half_way_is_ended_by_its_note_and_counted_once(
    sealed: tuple[Place, Callable[..., Done]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, erase = sealed
    law, other = place.official("law/finn.example"), place.official("law/erin.example")
    note = tmp_path / "erasure.note"
    assert erase("--month", "2031-05", "--key", law, "--note", note).returncode == 0
    whole = SealKeys.erase

    def half(keys: SealKeys, units: Iterable[bytes], certificate: str) -> int:
        whole(keys, sorted(units)[:2], certificate)
        raise StoreError("the disk refused")

    with monkeypatch.context() as patch:
        patch.setattr(SealKeys, "erase", half)
        assert erase("--key", other, "--note", note).returncode == 3
    verified = place.run("verify")
    assert (verified.returncode, "other keys are gone than its entry names" in verified.stdout) == (1, True)
    done = erase("--key", other, "--note", note)
    assert (done.returncode, "3 keys, 45 entries" in done.stdout) == (0, True), done
    verified = place.run("verify")
    assert (verified.returncode, "checked: 45 entries erased" in verified.stdout) == (0, True), verified
    third = place.official("law/kim.example")
    assert "there is nothing to erase" in erase("--key", third, "--note", note).stderr


def test_more_that_came_after_the_proposal_is_not_erased_with_it(
    sealed: tuple[Place, Callable[..., Done]], tmp_path: Path, owner_conninfo: str
) -> None:
    place, erase = sealed
    law, other = place.official("law/finn.example"), place.official("law/erin.example")
    note = tmp_path / "erasure.note"
    assert erase("--month", "2031-05", "--key", law, "--note", note).returncode == 0
    # What a rule of the day before yesterday says of the rows is not believed.
    with psycopg.connect(owner_conninfo) as owner:
        kept = owner.execute("SELECT body FROM record.entries WHERE sequence = 3").fetchone()
        owner.execute("UPDATE record.entries SET body = '\\x0100' WHERE sequence = 3")
    assert "not every row is sealed" in erase("--key", other, "--note", note).stderr
    with psycopg.connect(owner_conninfo) as owner:
        owner.execute("UPDATE record.entries SET body = %s WHERE sequence = 3", kept)
    keys = find_seals(place.folders)
    assert keys is not None
    with keys.turn():
        keys.choose(b"N" * 16, "2031-05")
        keys.sync()
    assert "other entries than were proposed" in erase("--key", other, "--note", note).stderr
    note.write_bytes(note.read_bytes().replace(b"2033-17", b"2033-18"))
    assert erase("--key", other, "--note", note).returncode == 1
    assert find_seals(place.folders).erased == {}  # type: ignore[union-attr]  # it is there


VICTIM = session_id(9)


def _pass_off(owner: str, body: bytes, session: bytes = VICTIM) -> None:
    """Give the rows of a session another body, as whoever writes to the table may."""
    with psycopg.connect(owner) as connection:
        connection.execute(
            "UPDATE record.entries SET body = %s, salt = %s, session = %s WHERE session = %s",
            (body, bytes(16), session, VICTIM),
        )


def test_rows_that_were_planted_before_an_erasure_do_not_go_with_it(
    sealed: tuple[Place, Callable[..., Done]], tmp_path: Path, owner_conninfo: str
) -> None:
    place, erase = sealed
    law, other = place.official("law/finn.example"), place.official("law/erin.example")
    note, kept = tmp_path / "erasure.note", rows(owner_conninfo)
    assert erase("--case", "HX123456", "--key", law, "--note", note).returncode == 0
    for body in (b"\xff" + session_id(8), b"\xff", b"\xff" + session_id(8) + bytes(64)):
        _pass_off(owner_conninfo, body)
        refused = erase("--key", other, "--note", note)
        assert (refused.returncode, "was changed" in refused.stderr) == (1, True), (body, refused)
        refused = erase("--case", "HX123456", "--key", law, "--note", tmp_path / "another.note")
        assert (refused.returncode, "was changed" in refused.stderr) == (1, True), (body, refused)
    assert find_seals(place.folders).erased == {}  # type: ignore[union-attr]  # it is there
    with psycopg.connect(owner_conninfo) as owner:
        for sequence, (salt, body) in enumerate(kept):
            owner.execute(
                "UPDATE record.entries SET salt = %s, body = %s WHERE sequence = %s", (salt, body, sequence)
            )
    done = erase("--key", other, "--note", note)
    assert (done.returncode, "9 entries" in done.stdout) == (0, True), done
    said = [(entry.get(Field.ROWS), entry.get(Field.DIGEST)) for entry in place.kept()]
    assert said[0] == said[1]  # what was proposed is what went
    assert place.run("verify").returncode == 0
    _pass_off(owner_conninfo, b"\xff" + session_id(8) + bytes(64), session_id(8))
    assert place.run("verify").returncode == 1


def test_erased_rows_that_were_brought_back_are_said_though_as_many_others_are_gone(
    sealed: tuple[Place, Callable[..., Done]], tmp_path: Path, owner_conninfo: str
) -> None:
    place, erase = sealed
    law, other = place.official("law/finn.example"), place.official("law/erin.example")
    note, keys = tmp_path / "erasure.note", find_seals(place.folders)
    assert keys is not None
    with psycopg.connect(owner_conninfo) as owner, owner.cursor(row_factory=args_row(StoredEntry)) as cursor:
        found = cursor.execute(
            "SELECT sequence, leaf_index, kind, time_us, session, request, salt, body, commitment "
            "FROM record.entries WHERE session = %b", (session_id(8),), binary=True,
        ).fetchall()  # fmt: skip
    plain = [open_row(row, keys.look_up) for row in found]
    assert erase("--case", "HX123456", "--key", law, "--note", note).returncode == 0
    assert erase("--key", other, "--note", note).returncode == 0
    with psycopg.connect(owner_conninfo) as owner:  # from a copy of before they were sealed
        for row in plain:
            assert row is not None
            owner.execute(
                "UPDATE record.entries SET salt = %s, body = %s WHERE sequence = %s",
                (row.salt, row.body, row.sequence),
            )
    _pass_off(owner_conninfo, b"\xff" + session_id(8) + bytes(64), session_id(8))
    verified = place.run("verify")
    assert (verified.returncode, "other rows are erased than its entry names" in verified.stdout) == (1, True)
    assert "checked: 9 entries erased" in verified.stdout


def test_a_row_that_somebody_wrote_says_nothing_of_erasures(place: Place, owner_conninfo: str) -> None:
    one = (Field.ACT, b"erase"), (Field.EVIDENCE, b"accesses 2033-17")
    digests = (Field.DIGEST, b"keys %s rows %s" % (b"0" * 64, b"0" * 64))
    lines = b"\n".join([b"2033-18|%s|1|%s" % (b"0" * 64, b"0" * 64)] * 9)
    for rows_said, text in ((b"9" * 5_000, b"x"), (b"9", lines)):
        body = encode_fields(tuple(sorted((*one, digests, (Field.ROWS, rows_said), (Field.TEXT, text)))))
        with psycopg.connect(owner_conninfo) as owner:
            owner.execute(
                "UPDATE record.entries SET kind = %s, body = %s WHERE sequence = 3", (int(Kind.KEEPING), body)
            )
        verified = place.run("verify")
        assert (verified.returncode, "could not tell" in verified.stdout) == (1, False), verified
        assert "entry 3: the entry is not the one that was recorded" in verified.stdout


def test_an_erasure_in_a_leaf_that_another_row_spoils_still_counts(
    sealed: tuple[Place, Callable[..., Done]], tmp_path: Path, owner_conninfo: str
) -> None:
    place, erase = sealed
    law, other = place.official("law/finn.example"), place.official("law/erin.example")
    note = tmp_path / "erasure.note"
    assert erase("--case", "HX123456", "--key", law, "--note", note).returncode == 0
    assert erase("--key", other, "--note", note).returncode == 0
    place.world.publish()
    with psycopg.connect(owner_conninfo) as owner:
        (proposed, erased) = (
            row[0]
            for row in owner.execute(
                "SELECT sequence FROM record.entries WHERE kind = %s ORDER BY sequence", (int(Kind.KEEPING),)
            ).fetchall()
        )
        body = "UPDATE record.entries SET salt = %s, body = %s WHERE sequence = %s"
        owner.execute(body, (bytes(16), b"\x01", proposed))
    found = place.run("verify").stdout
    assert "under certificate 2033-17: " not in found
    with psycopg.connect(owner_conninfo) as owner:  # where it is the erasure's own, its leaf is what is false
        owner.execute(body, (bytes(16), b"\x01", erased))
    verified = place.run("verify")
    assert verified.returncode == 1
    assert "in a leaf that nothing opens" in verified.stdout


def test_under_a_hold_or_without_a_desk_to_ask_nothing_goes(
    sealed: tuple[Place, Callable[..., Done]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, erase = sealed
    law = place.official("law/finn.example")
    note = tmp_path / "erasure.note"
    monkeypatch.setattr(log_erase, "_holds", lambda _: nullcontext(2))
    refused = erase("--month", "2031-05", "--key", law, "--note", note)
    assert (refused.returncode, "2 legal holds at the desk" in refused.stderr) == (1, True)
    monkeypatch.undo()
    refused = erase("--month", "2031-05", "--key", law, "--note", note)
    assert "whether a legal hold stands is not known" in refused.stderr
    # Which desk is asked is not for the caller to say where the installation has one.
    own, another = place.folders.run / "desk.json", tmp_path / "another.json"
    for file in (own, another):
        file.write_text("{}", encoding="utf-8")
    refused = erase("--month", "2031-05", "--key", law, "--note", note, "--desk", another)
    assert (refused.returncode, "has a desk of its own" in refused.stderr) == (2, True), refused
    assert not note.exists()
    assert place.kept() == []


def test_without_its_keys_nothing_is_stored_or_read(place: Place, owner_conninfo: str) -> None:
    law = place.official("law/finn.example")
    unsealed = place.run("erase", "--month", "2031-05", "--key", law, "--note", place.folders.data / "n")
    assert "are not sealed" in unsealed.stderr
    (place.folders.data / "seals").mkdir()  # a first run that was stopped there is gone on with
    seal(place, owner_conninfo)
    (place.folders.data / "seals").rename(place.folders.data / "elsewhere")
    with pytest.raises(StoreError, match=r"`seals` or `keys/seal\.key` is not there"):
        find_seals(place.folders)
    assert place.run("verify").returncode == 3


TODAY = date(2035, 1, 1)
PROPOSED = Erasure("month 2031-05", "accesses", "2033-17", 3, "0" * 64, 27, "1" * 64, date(2031, 5, 31))


def test_everything_that_keeps_it_is_said_at_once() -> None:
    free = {"due": TODAY, "keeps": "", "holds": 0, "is_sealed": True, "today": TODAY}
    assert find_reasons(PROPOSED, **free) == ()  # type: ignore[arg-type]  # of several types
    assert find_reasons(PROPOSED, **free, is_used=True) == (  # type: ignore[arg-type]  # as above
        "certificate 2033-17 was used already, and each erasure has one of its own",
    )
    bad = replace(PROPOSED, count=0, certificate="")
    kept = {"due": None, "keeps": "it needs counsel", "holds": 1, "is_sealed": False, "today": TODAY}
    assert len(find_reasons(bad, **kept)) == 5  # type: ignore[arg-type]  # as above
    early = find_reasons(PROPOSED, **{**free, "due": TODAY + timedelta(days=1)})  # type: ignore[arg-type]  # as above
    assert early == ("item `accesses` keeps it until 2035-01-02",)


@given(
    st.dates(max_value=date(2200, 1, 1)),
    st.dates(max_value=date(2200, 1, 1)),
    st.integers(0, 999),
    st.integers(0, 999),
)
def test_from_when_no_copy_restores_it(since: date, erased: date, record: int, key: int) -> None:
    rule = CopyRule(since, record, key)
    assert parse_rule(rule.format()) == rule
    gone = rule.gone_from(erased)
    # The last copy of the keys that holds them is of the day of erasure; the last of plain rows of the day of sealing.
    assert gone > erased + timedelta(days=key)
    assert gone > since + timedelta(days=record)
    assert gone - timedelta(days=1) in {erased + timedelta(days=key), since + timedelta(days=record)}


def test_an_erasure_is_written_in_one_way() -> None:
    assert parse_erasure(PROPOSED.format()) == PROPOSED
    assert parse_rule(CopyRule(None, 1, 2).format()) == CopyRule(None, 1, 2)
    assert digest_units([b"a", b"b"]) == digest_units([b"b", b"a"])
    for old, new in (
        (b"month 2031-05", b"year 2031"),
        (b"2033-17", b"?"),
        (b": 3\n", b": 03\n"),
        (b": 27\n", b": +27\n"),
        (b"1" * 64, b"1" * 63),
        (b"2031-05-31", b"x"),
    ):
        with pytest.raises(MalformedError):
            parse_erasure(PROPOSED.format().replace(old, new))
    with pytest.raises(MalformedError):
        parse_rule(b"doorward seals v1\nsealed-since: x\nrecord-copies-days: 1\nkey-copies-days: 1\n")

"""Journal lines out and back, and opening balances in: equal to what was signed, or said not to be."""

import csv
import io
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.errors import MalformedError, VerificationError
from doorward.fund.ledger.decide import Posted, decide
from doorward.fund.ledger.export import COLUMNS, Written, format_csv
from doorward.fund.ledger.journal import check_journal, parse_journal
from doorward.fund.ledger.operations import Submission
from doorward.fund.ledger.state import State
from doorward.fund.openings import (
    HEAD,
    Openings,
    check_opened,
    check_statement,
    format_statement,
    read_openings,
)
from doorward.notes.key_files import write_key
from doorward.notes.note import Signer, format_verifier
from fund.test_export import whole_life, write
from fund.test_fund_command import Run, must, run_fixture
from tests_support.fund import DAYS, OPERATIONS, PEOPLE, RULES, open_year, submission

__all__ = ["run_fixture"]  # the fixture `run`
AUDITOR = Signer.make("auditor.test.invalid/one", b"\x09" * 32)
DAY = date(2026, 3, 1)
ROWS = (
    "2026,general,1000.00,SO-1,north,grantee-of-north,2026-01-01,2026-12-31,300.00,200.00",
    "2026,general,50.00,SO-1,,,,,,",
    "2026,courtroom,500.00,SO-2,south,grantee-of-south,2026-01-01,2026-12-31,500.00,",
)


def file_of(*rows: str) -> bytes:
    return "\n".join((",".join(HEAD), *rows, "")).encode()


def opened(*rows: str) -> Openings:
    found, refused = read_openings(file_of(*rows))
    assert found is not None, refused
    return found


@settings(max_examples=10, deadline=None)
@given(st.lists(st.builds(submission, OPERATIONS, PEOPLE, DAYS), min_size=10, max_size=60), st.randoms())
def test_a_journal_comes_back_as_it_went_in_any_order_and_quoting(
    submissions: list[Submission], random: object
) -> None:
    _, written = write(submissions)
    rows = list(parse_journal(format_csv(written).encode()))
    random.shuffle(rows)  # type: ignore[attr-defined]  # hypothesis's own
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows([COLUMNS, *rows])
    back = parse_journal(b"\xef\xbb\xbf" + out.getvalue().encode())
    assert check_journal(back, written) == ()
    assert sorted(back) == sorted(rows)


def test_a_journal_that_was_changed_dropped_or_doubled_is_said_without_a_cell_of_it() -> None:
    _, written = write(whole_life())
    rows = parse_journal(format_csv(written).encode())
    assert check_journal(rows[1:], written) == ("transaction 3: 1 of its lines are missing or were changed",)
    assert check_journal((*rows, rows[0]), written) == ("1 lines are not the ledger's",)
    changed = (*rows[0][:-2], "zqxj", rows[0][-1])
    found = check_journal((changed, *rows[1:]), written)
    assert len(found) == 2
    assert not any("zqxj" in line for line in found)
    assert check_journal((), []) == ()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"a,b\n",
        b"\xff\n",
        b'"x',
        format_csv([]).encode() + b"1,2\n",
        format_csv([]).encode() + b"\0\n",
        b"\xff" * 9,
    ],
)
def test_what_is_no_journal_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedError) as raised:
        parse_journal(raw)
    assert "\n" not in str(raised.value)


def posted(found: Openings, *more: Submission) -> list[Written]:
    state, written = State(RULES), list[Written]()
    for one in (submission(open_year(2026)), *found.submissions("manager", DAY), *more):
        answer = decide(state, one)
        assert isinstance(answer, Posted), answer
        state = answer.state
        written.append(Written(len(written) + 1, len(written), one, answer.postings))
    return written


def test_opening_balances_that_are_posted_equal_the_signed_file() -> None:
    found = opened(*ROWS)
    assert found.sums == {"authority-cents": 1550_00, "encumbered-cents": 800_00, "expended-cents": 200_00}
    check_statement(format_statement(found), found)
    assert check_opened(found, posted(found)) == ()
    assert check_opened(found, posted(found)[:-1])[0] == "row 3 is not posted"
    other = opened(ROWS[0].replace("1000.00", "1000.01"), *ROWS[1:])
    with pytest.raises(VerificationError):
        check_statement(format_statement(found), other)
    with pytest.raises(MalformedError):
        check_statement(format_statement(found).replace(b"155000", b"155001"), found)
    assert len(check_opened(other, posted(found))) > 3
    more = opened(ROWS[1].replace("50.00", "60.00")).submissions("manager", DAY)
    assert check_opened(found, posted(found, *more))[-1].endswith("is an opening that the file does not have")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (ROWS[1].replace("50.00", "50"), "line 2, column C"),
        (ROWS[1].replace("50.00", "-50.00"), "line 2, column C"),
        (ROWS[1].replace("SO-1", "=1+1"), "line 2, column D"),
        (ROWS[1].replace("SO-1", "A123456789"), "line 2, column D: it looks like"),
        (ROWS[1].replace("2026", "26"), "line 2, column A"),
        (ROWS[1].replace("2026", "2" * 5000), "line 2, column A"),
        (ROWS[0].replace("2026-12-31", "12/31/2026"), "line 2, column H"),
        (ROWS[0] + ",zqxj", "line 2, column K"),
    ],
)
def test_a_file_of_openings_is_refused_by_line_and_column(row: str, says: str) -> None:
    found, refused = read_openings(file_of(row))
    assert found is None
    assert str(refused[0]).startswith(says)
    assert not any("zqxj" in str(one) for one in refused)
    assert read_openings(b"x,y\n1,2\n")[1][0].kind == "heading"
    assert read_openings(b"\xff")[1][0].kind == "bytes"


@pytest.mark.pg
def test_openings_are_posted_once_and_proved_and_the_journal_comes_back(run: Run, tmp_path: Path) -> None:
    must(run, "install")
    must(run, "open-year", "2026", "--by", "manager", "--on", "2026-02-01")
    file, note, keys, key = (tmp_path / name for name in ("openings.csv", "note", "keys", "key"))
    file.write_bytes(
        file_of(*(row.replace("general", "legal").replace("courtroom", "outreach") for row in ROWS))
    )
    write_key(key, AUDITOR)
    keys.write_text(format_verifier(AUDITOR.verifier), encoding="utf-8")
    signed = must(run, "openings", "sign", str(file), "--key", str(key), where=False).out
    note.write_text(signed[signed.index("doorward fund") :], encoding="utf-8")
    of = (str(file), "--note", str(note), "--keys", str(keys))
    assert run("openings", "check", *of).code == 1
    by = ("--by", "manager", "--on", "2026-02-01")
    assert must(run, "openings", "post", *of, *by, "--json").json["wrong"] == []
    must(run, "openings", "post", *of, *by)  # a second time nothing is posted
    assert must(run, "openings", "check", *of, "--json").json["authority-cents"] == 1550_00
    journal = tmp_path / "journal.csv"
    journal.write_text(must(run, "export", "csv").out, encoding="utf-8")
    assert must(run, "journal-check", str(journal), "--json").json["wrong"] == []
    journal.write_text(journal.read_text(encoding="utf-8").replace("20000", "20001"), encoding="utf-8")
    assert run("journal-check", str(journal)).code == 1
    file.write_bytes(file.read_bytes().replace(b"300.00", b"300.01"))
    assert run("openings", "post", *of, *by).code == 1

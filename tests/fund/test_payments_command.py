"""`doorward fund payments`, as a fund manager runs it; nothing of a refused file is said."""

from pathlib import Path

import pytest

from fund.test_fund_command import Run, a_year, bill, must, run_fixture
from tests_support.payments import FORM_TEXT, file_of, row

pytestmark = pytest.mark.pg
__all__ = ["run_fixture"]  # the fixture `run`


def test_a_payment_file_from_import_to_posted(run: Run, tmp_path: Path) -> None:
    a_year(run)
    assert bill(run, "c-1", "250.00").code == 0
    on = ("--on", "2026-02-02")
    for by in ("manager", "director"):
        must(run, "approve", "c-1", "--by", by, *on)
    form, file = tmp_path / "form.toml", tmp_path / "payments.csv"
    form.write_text(FORM_TEXT.replace("grantee-of-north", "north-legal"), encoding="utf-8")
    file.write_bytes(file_of(row("PV-77", "N-c-1", "250.00"), row("PV-78", "zqxj", "9.00", vendor="V9")))
    words = (str(file), "--form", str(form), "--by", "clerk")
    told = must(run, "payments", "import", *words, "--json").json
    assert (told["lines"], told["fresh"], told["of_other_payees"]) == (1, 1, 1)
    assert "read before" in must(run, "payments", "import", *words).out
    (line,) = must(run, "payments", "match", "--json").json
    assert (line["standing"], line["proposals"][0]["claims"]) == ("exact", ["c-1"])
    assert line["proposals"][0]["id"] in must(run, "payments", "match").out
    assert run("payments", "confirm", "--by", "manager").code == 2
    assert run("payments", "confirm", "--exact", "--by", "clerk").code == 1  # who filed it
    must(run, "payments", "confirm", "--exact", "--by", "manager")
    listed = must(run, "payments", "list", "--json").json
    assert listed["counts"] == {"posted": 1}
    assert "PV-77" in must(run, "payments", "list").out
    assert must(run, "payments", "match", "--json").json == []
    assert must(run, "payments", "confirm", "--exact", "--by", "manager", "--json").json == {}
    assert must(run, "verify", "--json").json["wrong"] == []
    assert "zqxj" not in must(run, "payments", "list").out


def test_a_refused_file_says_line_and_column_and_no_word_of_it(run: Run, tmp_path: Path) -> None:
    must(run, "install")
    file = tmp_path / "zqxj.csv"
    file.write_bytes(
        b"Payment,Line,Voucher,Vendor,Amount,Paid On,Status,Reverses\nP1,,=zqxj(),V1001,1,2026-01-01,PAID,\n"
    )
    done = run("payments", "import", str(file), "--by", "clerk")
    assert (done.code, done.out) == (1, "refused: line 2, column C: the cell begins as a formula does\n")
    done = run("payments", "import", str(file), "--by", "clerk", "--json")
    assert done.code == 1
    assert "zqxj" not in done.out
    assert run("payments", "import", str(tmp_path / "none.csv"), "--by", "clerk").code == 2
    assert run("payments", "import", str(file), "--by", "Not A Login").code == 2
    must(run, "payments", "list")

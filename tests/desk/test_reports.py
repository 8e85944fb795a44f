"""Reports from the desk's own database, against a year that is counted by hand here."""

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from doorward.desk.deadlines.periods import Period
from doorward.notes.key_files import write_key
from doorward.notes.note import Signer, format_verifier
from doorward.record.entry import Entry, Field, Kind
from tests_support.desk_year import (
    CIVIL,
    SEEN,
    SEEN_ADMINISTRATIVE,
    at,
    empty_desk,
    put_matter,
    put_visit,
)

Recording = Callable[[], list[Entry]]
NOW = at("2027-02-01T12:00")
SIGNER = Signer.make("law/finn.example", bytes(32))
CUSTODY = (
    "event,paper,what,at,agency,corrects\n"
    "B-1,2026-000001,bail-posted,2026-10-03T08:00:00-05:00,,\n"
    "B-2,2026-000001,transferred,2026-10-04T09:30:00-05:00,USMS,\n"
    "B-3,2026-000002,released,2026-12-31T23:30:00-06:00,,\n"
)


@pytest.fixture
def year(desk: Any, recording: Recording) -> Iterator[dict[str, Any]]:
    """The last quarter of 2026: what is in which table stands in the tests."""
    from doorward.desk.models import Account
    from doorward.desk.roles import Role

    assert recording() is not None
    empty_desk()
    people = {
        name: Account.objects.filter(login=f"{name}.year.example").first()
        or desk.account(f"{name}.year.example", role, unit=unit)
        for name, role, unit in (
            ("law", Role.LAW, ""), ("auditor", Role.AUDITOR, ""), ("officer", Role.OFFICER, "lock-up-1"),
            ("custodian", Role.CUSTODIAN, "records"),
        )
    }  # fmt: skip
    by, civil = people["officer"], {**SEEN, "context.purpose": CIVIL}
    found = {
        "civil": put_matter(by, "2026-000001", "detainer", "2026-10-01T00:00", facts=civil),
        "open": put_matter(by, "2026-000002", "administrative-paper", "2026-12-31T23:00", facts=SEEN_ADMINISTRATIVE),
        "early": put_matter(by, "2026-000003", "detainer", "2026-09-30T23:59", facts=civil),
        "library": put_matter(
            by, "2026-000004", "detainer", "2026-11-01T10:00", facts={**SEEN, "principal.agency": "CHICAGO"}
        ),
        "perimeter": put_matter(
            by, "2026-000005", "assistance-call", "2026-11-10T10:00", facts={"context.purpose": CIVIL},
            answers={"of-call": ["perimeter"]}, obligations=["count", "oemc-notice"],
        ),
        "interview": put_matter(
            by, "2026-000006", "interview", "2026-11-11T10:00",
            facts={"context.requester.agency": "HSI", "context.purpose": "criminal-investigation"},
            outcome="permit", posture="perform",
        ),
        "said": put_matter(
            by, "2026-000007", "assistance-call", "2026-11-12T10:00",
            facts={"context.papers.detainer.presented": True, "context.purpose": CIVIL},
            answers={"of-call": ["join-operation"]}, outcome="refer", state="waiting", addressee="law",
        ),
        "victim": put_matter(
            by, "2026-000008", "victim-certification", "2026-11-13T10:00", facts={"context.requester.agency": "none"}
        ),
        "fbi": put_matter(
            by, "2026-000009", "assistance-call", "2026-11-14T10:00",
            facts={"context.requester.agency": "FBI", "context.purpose": CIVIL},
        ),
        "contractor": put_matter(
            by, "2026-000012", "assistance-call", "2026-11-14T11:00",
            facts={"context.requester.agency": "ICE-CONTRACTOR", "context.for_agency": "ICE-ERO"},
        ),
        "police": put_matter(
            by, "2026-000010", "records-request", "2026-11-15T10:00", facts={"context.requester.agency": "IL-PD"}
        ),
    }  # fmt: skip
    yield {**people, **found}
    empty_desk()


def actor(account: Any, now: datetime = NOW) -> Any:
    from doorward.desk.access import find_actor
    from doorward.desk.models import Assignment

    until = max(now, account.assignments.get().until) + timedelta(days=1)
    begins = min(now, account.assignments.get().begins) - timedelta(days=1)
    Assignment.objects.filter(account=account).update(begins=begins, until=until)
    return find_actor(account, is_strong=True, now=now)


def tables(name: str, period: Period, now: datetime = NOW) -> tuple[dict[str, list[tuple[str, ...]]], Any]:
    from doorward.desk.reporting.gather import report_now

    report, _ = report_now(name, period, now)
    return {table.id: [row.cells for row in table.rows] for table in report.tables}, report


def blocks(report: Any) -> list[tuple[str, tuple[str, ...]]]:
    return [(gap.says, gap.behind) for gap in report.gaps if gap.blocks]


def say(year: dict[str, Any], name: str, **says: str) -> Any:
    from doorward.desk.reporting.lines import say as record

    return record(actor(year["law"]), year[name], says)


# --- counted by hand


def test_a_quarter_has_what_was_received_in_it_and_waits_for_what_nobody_has_determined(
    year: dict[str, Any],
) -> None:
    found, report = tables("quarterly", Period(2026, 4))
    # The first and the last minute of the quarter in the city are in it; the minute before and a library's are not.
    assert found["papers"] == [("1", "immigration detainer", "2026-10-01", "not known", "")]
    assert found["oemc-notices"] == []
    assert blocks(report) == [
        ("nobody has determined whether a paper relates to civil enforcement", ("2026-000002",)),
        (
            "the order asks for a notice to OEMC, and nobody has said whether and when it was made",
            ("2026-000005",),
        ),
    ]
    say(year, "open", civil="yes")
    say(year, "perimeter", notified="2026-11-10")
    found, report = tables("quarterly", Period(2026, 4))
    assert blocks(report) == []
    assert found["oemc-notices"] == [("1", "2026-11-10", "traffic perimeter or support on site")]
    assert found["papers"] == [
        ("1", "immigration detainer", "2026-10-01", "not known", ""),
        ("2", "administrative warrant", "2026-12-31", "not known", ""),
    ]
    assert [row.behind for row in report.tables[1].rows] == [("2026-000001",), ("2026-000002",)]
    say(year, "open", civil="no")
    assert len(tables("quarterly", Period(2026, 4))[0]["papers"]) == 1


def test_a_year_has_every_paper_and_each_request_with_how_it_was_handled(year: dict[str, Any]) -> None:
    found, report = tables("trust", Period(2026))
    assert [row[1:3] for row in found["detainers"]] == [
        ("immigration detainer", "2026-09-30"), ("immigration detainer", "2026-10-01"),
        ("administrative warrant", "2026-12-31"),
    ]  # fmt: skip
    ero = "Immigration and Customs Enforcement, Enforcement and Removal Operations"
    assert found["requests"] == [
        ("1", "2026-11-10", ero, "traffic perimeter or support on site", "declined", ""),
        ("2", "2026-11-12", ero, "part in an operation", "referred to the law department; open", ""),
    ]
    # Homeland Security's own word that it is about a crime takes nothing out of a report.
    assert blocks(report) == [
        ("nobody has determined whether a request relates to civil enforcement", ("2026-000006",))
    ]
    assert (
        "a paper was said to exist and nobody looked at it; it is in no table",
        ("2026-000007",),
        False,
    ) in [(gap.says, gap.behind, gap.blocks) for gap in report.gaps]
    say(year, "interview", civil="yes")
    report = tables("trust", Period(2026))[1]
    assert blocks(report) == [("nobody has said how a request was handled", ("2026-000006",))]
    say(year, "interview", handled="complied-as-law-requires", documents="DOC-2026-0001, DOC-2026-0002")
    found, report = tables("trust", Period(2026))
    assert blocks(report) == []
    assert found["requests"][1] == (
        "2", "2026-11-11", "Homeland Security Investigations", "interview or access to a person in custody",
        "complied as federal law requires", "DOC-2026-0001; DOC-2026-0002",
    )  # fmt: skip


def test_what_is_in_no_table_is_listed_with_its_reason(year: dict[str, Any]) -> None:
    from doorward.desk.reporting.gather import gather

    say(year, "interview", civil="no")
    left_out = {one.number: one.why for one in gather(NOW).left_out}
    assert left_out == {
        "2026-000004": "not of an agency that the report is about",
        "2026-000006": "somebody determined that it does not relate to civil enforcement",
        "2026-000009": "asked by an agency that is none of the Department of Homeland Security, and with no paper",
        "2026-000012": "asked by an agency that is none of the Department of Homeland Security, and with no paper",
    }
    # Who asks for a component may count as it, on the law department's word.
    say(year, "contractor", component="ICE-ERO", civil="yes", asked="other")
    assert "2026-000012" in {one.id for one in gather(NOW).held.requests}


def test_a_certification_stands_in_the_year_of_its_answer(year: dict[str, Any]) -> None:
    assert tables("voices", Period(2026))[0]["certifications"] == [("1", "2026-11-13", "", "")]
    say(year, "victim", form_given="2027-01-20")
    assert tables("voices", Period(2026))[0]["certifications"] == [("1", "2026-11-13", "", "")]
    assert tables("voices", Period(2027))[0]["certifications"] == [("1", "2026-11-13", "2027-01-20", "")]


def test_a_visit_is_in_no_report_unless_somebody_counts_it_and_a_drill_never(year: dict[str, Any]) -> None:
    from doorward.desk.history import NotAllowedError

    year["visit"] = put_visit("V-2026-000001", "2026-11-20T10:00")
    year["drill"] = put_visit("V-2026-000002", "2026-11-21T10:00", drill=True)
    before = tables("trust", Period(2026))[0]["requests"]
    words = {"counts": "request", "component": "ICE-ERO", "asked": "use-facility", "handled": "declined"}
    say(year, "visit", **words)
    after = tables("trust", Period(2026))[0]["requests"]
    assert [row[1:] for row in after if row[1:] not in [one[1:] for one in before]] == [
        (
            "2026-11-20", "Immigration and Customs Enforcement, Enforcement and Removal Operations",
            "use of a facility or equipment", "declined", "",
        )
    ]  # fmt: skip
    with pytest.raises(NotAllowedError):
        say(year, "drill", **words)
    assert tables("trust", Period(2026))[0]["requests"] == after


def test_what_is_sealed_is_nowhere_until_its_day(desk: Any, year: dict[str, Any]) -> None:
    before = tables("quarterly", Period(2026, 4))
    assert [row[2] for row in before[0]["papers"]] == ["2026-10-01"]
    year["civil"].sealed_until = NOW + timedelta(days=3)
    year["civil"].save()
    found, report = tables("quarterly", Period(2026, 4))
    assert found["papers"] == []
    assert "2026-000001" not in repr(report)
    from doorward.desk.reporting.gather import gather

    assert "2026-000001" not in repr(gather(NOW))
    late, report = tables("quarterly", Period(2026, 4), NOW + timedelta(days=3))
    assert late["papers"] == before[0]["papers"]
    year["civil"].sealed_until = at("2999-01-01T00:00")
    year["civil"].save()
    client = desk.client(year["law"])
    assert "2026-000001" not in client.get("/reports/quarterly/2026-Q4/").content.decode()
    assert client.get(f"/reports/line/{year['civil'].pk}/").status_code == 404
    year["civil"].counsel.add(year["law"])  # its own counsel sees the matter, and in a report nobody does
    assert client.get(f"/matters/{year['civil'].pk}/").status_code == 200
    assert "2026-000001" not in client.get("/reports/quarterly/2026-Q4/").content.decode()
    assert client.get(f"/reports/line/{year['civil'].pk}/").status_code == 404


def test_what_is_sealed_after_it_was_reported_stays_as_it_was_reported(year: dict[str, Any]) -> None:
    from doorward.desk.reporting.preview import changed_since
    from doorward.desk.reporting.reports import make_report
    from doorward.errors import ConfigError

    law = actor(year["law"])
    ready(year)
    first = make_report(law, "quarterly", Period(2026, 4), certifies=True)
    year["civil"].sealed_until = NOW + timedelta(days=3)
    year["civil"].save()
    report = tables("quarterly", Period(2026, 4))[1]
    assert changed_since(report, first) == ()
    with pytest.raises(ConfigError, match="nothing has changed"):
        make_report(law, "quarterly", Period(2026, 4), certifies=True)
    put_matter(
        year["officer"],
        "2026-000011",
        "detainer",
        "2026-10-15T10:00",
        facts={**SEEN, "context.purpose": CIVIL},
    )
    second = make_report(law, "quarterly", Period(2026, 4), certifies=True)
    assert [line[1][:3] for line in second.lines] == [
        ["1", "immigration detainer", "2026-10-01"], ["2", "immigration detainer", "2026-10-15"],
        ["3", "administrative warrant", "2026-12-31"],
    ]  # fmt: skip


# --- custody events


def sent(text: str) -> dict[str, Any]:
    from django.core.files.uploadedfile import SimpleUploadedFile

    return {"file": SimpleUploadedFile("events.csv", text.encode(), "text/csv")}


def test_custody_events_are_looked_at_then_imported_and_found_again(
    desk: Any, year: dict[str, Any], recording: Recording
) -> None:
    from doorward.desk.models import CustodyRow, CustodyUpload

    client = desk.client(year["custodian"])
    count = len(recording())
    text = (
        CUSTODY + "B-4,2026-000099,released,2026-12-31T23:30:00-06:00,,\nB-5,2026-000002,freed,2026-12-31,,\n"
    )
    page = client.post("/custody/", sent(text)).content.decode()
    assert "3 new, 0 corrections, 0 held already, 2 refused" in page
    assert "`paper`: the desk has no paper of this number" in page
    assert re.search(r'<th scope="row">6</th><td>`what`: none of', page)
    assert (CustodyRow.objects.count(), len(recording())) == (0, count)
    held = re.search(r'name="text" value="([^"]*)"', page)
    assert held is not None
    done = client.post("/custody/", {"text": held[1], "import": "1"}, follow=True).content.decode()
    assert "imported: 3 new, 0 corrections, 0 held already, 2 refused" in done
    assert CustodyRow.objects.count() == 3
    entry = recording()[-1]
    upload = CustodyUpload.objects.get()
    assert (entry.kind, entry.get(Field.ACT), entry.sequence) == (Kind.ACT, b"import-custody", upload.entry)
    assert entry.get(Field.DIGEST) == upload.digest.encode()
    again = client.post("/custody/", sent(text.replace("\n", "\r\n"))).content.decode()
    assert "This file was imported on" in again
    assert "It brings nothing new" in again
    client.post("/custody/", {"text": text, "import": "1"})
    assert (CustodyUpload.objects.count(), len(recording())) == (1, count + 1)
    found = tables("trust", Period(2026))[0]["detainers"]
    assert found[1][3:] == ("2026-10-03 08:00", "transferred", "2026-10-04 09:30", "Marshals Service")
    assert found[2][3:] == ("", "released", "2026-12-31 23:30", "")
    fixed = "event,paper,what,at,agency,corrects\nB-9,2026-000001,released,2026-10-04T09:40:00-05:00,,B-2\n"
    client.post("/custody/", {"text": fixed, "import": "1"})
    assert tables("trust", Period(2026))[0]["detainers"][1][4:] == ("released", "2026-10-04 09:40", "")


def test_a_file_with_another_column_leaves_nothing(
    desk: Any, year: dict[str, Any], recording: Recording
) -> None:
    from doorward.desk.models import CustodyRow

    count = len(recording())
    bad = CUSTODY.replace("corrects\n", "corrects,name\n").replace(",,\n", ",,,JANE ROE\n")
    answer = desk.client(year["custodian"]).post("/custody/", sent(bad))
    assert answer.status_code == 422
    assert "JANE ROE" not in answer.content.decode()
    assert "column 7 of the file is none of" in answer.content.decode()
    for raw in (b"\xff\xfe", b"", b"x" * 900_001):
        from django.core.files.uploadedfile import SimpleUploadedFile

        answer = desk.client(year["custodian"]).post("/custody/", {"file": SimpleUploadedFile("e.csv", raw)})
        assert answer.status_code == 422
    assert (CustodyRow.objects.count(), len(recording())) == (0, count)


def test_a_row_of_a_sealed_paper_is_like_one_of_a_paper_that_never_was(year: dict[str, Any]) -> None:
    from doorward.desk.reporting.custody import import_file, look

    year["civil"].sealed_until = NOW + timedelta(days=3)
    year["civil"].save()
    custodian = actor(year["custodian"])
    looked = look(custodian, CUSTODY)
    assert [(row.line, row.why) for row in looked.refused] == [
        (2, "`paper`: the desk has no paper of this number"), (3, "`paper`: the desk has no paper of this number"),
    ]  # fmt: skip
    import_file(custodian, CUSTODY)
    later = actor(year["custodian"], NOW + timedelta(days=3))
    made, _ = import_file(later, CUSTODY)
    assert made is not None
    assert (made.new, made.held, made.refused) == (2, 1, 0)


# --- made, replaced, signed


def ready(year: dict[str, Any]) -> None:
    say(year, "open", civil="yes")
    say(year, "perimeter", notified="none")


def test_a_report_is_made_once_and_its_correction_says_what_it_replaces(
    year: dict[str, Any], recording: Recording
) -> None:
    from doorward.desk.reporting.reports import make_report
    from doorward.errors import ConfigError

    law = actor(year["law"])
    with pytest.raises(ConfigError, match="does not leave"):
        make_report(law, "quarterly", Period(2026, 4), certifies=True)
    ready(year)
    with pytest.raises(ConfigError, match="certifies that there was nothing"):
        make_report(law, "quarterly", Period(2026, 4), certifies=False)
    count = len(recording())
    first = make_report(law, "quarterly", Period(2026, 4), certifies=True)
    entry = recording()[-1]
    assert (entry.kind, entry.get(Field.ACT)) == (Kind.ACT, b"file-report")
    assert entry.get(Field.DIGEST) == first.digest.encode()
    assert entry.get(Field.WHAT) == b"quarterly 2026-Q4"
    assert first.certified == ["No such notice was made in the period."]
    with pytest.raises(ConfigError, match="nothing has changed since version 1"):
        make_report(law, "quarterly", Period(2026, 4), certifies=True)
    assert len(recording()) == count + 1
    say(year, "open", civil="no")
    second = make_report(law, "quarterly", Period(2026, 4), certifies=True)
    assert (second.version, second.replaces) == (2, first)
    assert f"version: 2\nreplaces: {first.digest}\n" in bytes(second.statement).decode()
    names = [one.name for one in second.files.all()]
    assert names == [
        "quarterly-2026-Q4-none.txt", "quarterly-2026-Q4-oemc-notices.csv", "quarterly-2026-Q4-papers.csv",
        "quarterly-2026-Q4.pdf",
    ]  # fmt: skip
    for one in second.files.all():
        assert b"2026-0000" not in bytes(one.body)


def test_a_period_that_runs_is_not_reported(year: dict[str, Any]) -> None:
    from doorward.desk.reporting.reports import make_report
    from doorward.errors import ConfigError

    with pytest.raises(ConfigError, match="the period is not over before 2027-04-01"):
        make_report(actor(year["law"]), "quarterly", Period(2027, 1), certifies=True)


def test_an_official_signs_elsewhere_and_the_desk_takes_the_note_in(
    desk: Any, year: dict[str, Any], recording: Recording, tmp_path: Path
) -> None:
    from doorward.cli.main import app
    from doorward.desk.models import ReportSignature
    from doorward.desk.reporting.reports import make_report

    ready(year)
    made = make_report(actor(year["law"]), "quarterly", Period(2026, 4), certifies=True)
    client = desk.client(year["law"])
    with zipfile.ZipFile(io.BytesIO(client.get(f"/reports/filed/{made.pk}/folder.zip").content)) as whole:
        whole.extractall(tmp_path / "report")
    write_key(tmp_path / "key", SIGNER)
    run = CliRunner().invoke(
        app, ["statutory", "sign", str(tmp_path / "report"), "--key", str(tmp_path / "key")]
    )
    assert run.exit_code == 0, run.output
    note = (tmp_path / "report" / "quarterly-2026-Q4.note").read_text()
    assert note in run.output
    address = f"/reports/filed/{made.pk}/"
    keys = desk.folder / "officials.keys"
    try:
        said = client.post(address, {"note": note}, follow=True).content.decode()
        assert "a key of the office `law` that is on file" in said
        stranger = Signer.make("supervisor/walt.example", bytes([1] * 32))
        keys.write_text(f"{format_verifier(SIGNER.verifier)}\n{format_verifier(stranger.verifier)}\n")
        from doorward.notes.note import sign_note

        other = sign_note(bytes(made.statement), stranger).decode()
        assert (
            "a key of the office `law`" in client.post(address, {"note": other}, follow=True).content.decode()
        )
        edited = sign_note(bytes(made.statement).replace(b"2026-Q4\n", b"2026-Q3\n", 1), SIGNER).decode()
        assert "another statement" in client.post(address, {"note": edited}, follow=True).content.decode()
        assert not ReportSignature.objects.exists()
        said = client.post(address, {"note": note.replace("\n", "\r\n")}, follow=True).content.decode()
        assert "on file: signed by law/finn.example" in said
        assert recording()[-1].get(Field.ACT) == b"take-signature"
        again = client.post(address, {"note": note}, follow=True).content.decode()
        assert "signed already" in again
        write = tmp_path / "keys"
        write.write_text(format_verifier(SIGNER.verifier) + "\n")
        verified = CliRunner().invoke(
            app, ["statutory", "verify", str(tmp_path / "report"), "--keys", str(write)]
        )
        assert verified.output == "quarterly 2026-Q4: signed, and its 4 files are as they were signed\n"
    finally:
        keys.unlink(missing_ok=True)


def test_what_is_made_is_never_changed(year: dict[str, Any]) -> None:
    from django.db import DatabaseError, connection, transaction

    from doorward.desk.reporting.reports import make_report

    ready(year)
    make_report(actor(year["law"]), "quarterly", Period(2026, 4), certifies=True)
    for table in (
        "filed_report",
        "report_file",
        "report_line",
        "custody_event",
        "publication",
        "records_review",
    ):
        for act in (f"DELETE FROM {table}", f"UPDATE {table} SET id = id", f"TRUNCATE {table} CASCADE"):
            with pytest.raises(DatabaseError, match="is only added to"), transaction.atomic():
                connection.cursor().execute(act)


def test_what_cannot_be_recorded_is_not_made_said_or_imported(
    year: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from doorward.desk.models import CustodyRow, FiledReport, ReportLine
    from doorward.desk.recorder import recorder
    from doorward.desk.reporting.custody import import_file
    from doorward.desk.reporting.reports import make_report
    from doorward.errors import StoreError

    ready(year)
    lines = ReportLine.objects.count()

    def refuse(*_: object, **__: object) -> int:
        raise StoreError("the disk is full")

    monkeypatch.setattr(recorder(), "record", refuse)
    for act in (
        lambda: make_report(actor(year["law"]), "quarterly", Period(2026, 4), certifies=True),
        lambda: say(year, "open", civil="no"),
        lambda: import_file(actor(year["custodian"]), CUSTODY),
    ):
        with pytest.raises(StoreError):
            act()
    assert (FiledReport.objects.count(), CustodyRow.objects.count()) == (0, 0)
    assert ReportLine.objects.count() == lines


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("interview", {"civil": "perhaps"}), ("interview", {"handled": "Jane Roe"}),
        ("interview", {"documents": "ROE-1"}),
        ("interview", {"documents": "DOC-2026-1 Jane"}), ("perimeter", {"notified": "soon"}),
        ("perimeter", {"notified": "2026-11-09"}), ("perimeter", {"notified": "2027-02-02"}),
        ("victim", {"form_given": "2026-12-01", "reasons_given": "2026-12-02"}), ("interview", {}),
        ("interview", {"birthplace": "x"}),
    ],
)  # fmt: skip
def test_nobodys_own_words_are_said_for_a_report(
    year: dict[str, Any], name: str, says: dict[str, str]
) -> None:
    from doorward.desk.models import ReportLine
    from doorward.errors import ConfigError

    with pytest.raises(ConfigError):
        say(year, name, **says)
    assert not ReportLine.objects.exists()


def test_pages_show_what_keeps_a_report_back_and_the_rows_behind_it(desk: Any, year: dict[str, Any]) -> None:
    client = desk.client(year["auditor"])
    assert "Annual report on victim certifications" in client.get("/reports/").content.decode()
    page = client.get("/reports/quarterly/2026-Q4/").content.decode()
    assert f'<a href="/matters/{year["open"].pk}/">2026-000002</a>' in page
    assert "nobody has determined whether a paper relates to civil enforcement" in page
    assert "Make the report" not in page
    assert "It certifies" not in page  # nothing is certified while somebody has to say something first
    assert (
        "It can be made once nothing keeps it back"
        in desk.client(year["law"]).get("/reports/quarterly/2026-Q4/").content.decode()
    )
    for wrong in (
        "/reports/quarterly/2026/",
        "/reports/trust/2026-Q4/",
        "/reports/secret/2026/",
        "/reports/trust/x/",
    ):
        assert client.get(wrong).status_code == 404
    assert desk.client(year["officer"]).get("/reports/quarterly/2026-Q4/").status_code == 404


def test_a_long_report_is_shown_in_pages_and_made_whole(desk: Any, year: dict[str, Any]) -> None:
    from doorward.desk.reporting.reports import make_report

    ready(year)
    for number in range(100, 460):
        put_matter(
            year["officer"],
            f"2026-{number:06d}",
            "detainer",
            "2026-10-20T10:00",
            facts={**SEEN, "context.purpose": CIVIL},
        )
    client = desk.client(year["law"])
    pages = [client.get(f"/reports/quarterly/2026-Q4/?page={page}").content.decode() for page in (1, 2, 3)]
    assert ["362 in all." in page for page in pages] == [True] * 3
    found = [re.findall(r"<tr><td>(\d+)</td>", page) for page in pages]
    assert [int(number) for some in found for number in some] == list(range(1, 363))
    assert "page 1 of 2" in pages[0]
    for wrong in ("0", "-1", "x", "9999999", "\u0663"):
        assert client.get("/reports/quarterly/2026-Q4/", {"page": wrong}).status_code == 200
    made = make_report(actor(year["law"]), "quarterly", Period(2026, 4), certifies=True)
    (papers,) = [one for one in made.files.all() if one.name.endswith("papers.csv")]
    assert bytes(papers.body).count(b"\r\n") == 363


def test_the_list_says_what_is_late_and_from_when(year: dict[str, Any]) -> None:
    from doorward.desk.reporting.reports import list_due

    found = {f"{one.report} {one.period}": one for one in list_due(actor(year["law"])) or ()}
    assert (str(found["quarterly 2026-Q4"].due), found["quarterly 2026-Q4"].state) == ("2027-01-29", "late")
    assert (str(found["trust 2026"].due), found["trust 2026"].state) == ("2027-03-01", "to be made")
    assert found["quarterly 2027-Q1"].state == "runs"
    # The desk's first request came in the third quarter of 2026: of what was before it nothing is late.
    assert set(found) == {
        "quarterly 2027-Q1", "quarterly 2026-Q4", "quarterly 2026-Q3", "trust 2027", "trust 2026", "voices 2027",
        "voices 2026",
    }  # fmt: skip
    assert list_due(actor(year["officer"])) is None


@pytest.mark.usefixtures("year")
def test_the_command_line_shows_what_the_page_shows(desk: Any) -> None:
    import json

    from doorward.cli.main import app
    from doorward.errors import ConfigError

    file = str(desk.folder / "desk.json")
    asked = ["statutory", "trust", "2026", "--desk", file, "--preview"]
    text = CliRunner().invoke(app, asked).output
    assert "requests: 2 rows  [2026-000005 2026-000007]" in text
    assert "stops the report: nobody has determined whether a request relates to civil enforcement" in text
    assert "in no table: not of an agency that the report is about  [2026-000004]" in text
    said = json.loads(CliRunner().invoke(app, [*asked, "--json"]).output)
    assert {one["row"] for one in said["left_out"]} == {"2026-000004", "2026-000009", "2026-000012"}
    for more in (["--on", "2999-01-01"], ["--custody", "x.csv"], ["--events", "x.json"]):
        assert isinstance(CliRunner().invoke(app, [*asked, *more]).exception, ConfigError)
    made = CliRunner().invoke(app, ["statutory", "trust", "2026", "--desk", file, "--out", "x"])
    assert "takes --preview" in str(made.exception)

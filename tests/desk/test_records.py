"""A public-records answer at the desk: chosen and decided by one office, reviewed by another, exported as reviewed."""

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from doorward.record.entry import Entry, Field
from tests_support.desk_year import at, empty_desk, put_matter, put_visit

Recording = Callable[[], list[Entry]]
NOW = at("2027-02-01T12:00")


@pytest.fixture
def people(desk: Any, recording: Recording) -> Iterator[dict[str, Any]]:
    from doorward.desk.models import Account
    from doorward.desk.roles import Role

    assert recording() is not None
    empty_desk()
    found = {
        name: Account.objects.filter(login=f"{name}.records.example").first()
        or desk.account(f"{name}.records.example", role, unit=unit, tenant=tenant)
        for name, role, unit, tenant in (
            ("custodian", Role.CUSTODIAN, "records", "city"), ("law", Role.LAW, "", "city"),
            ("auditor", Role.AUDITOR, "", "city"), ("officer", Role.OFFICER, "lock-up-1", "city"),
            ("park", Role.CUSTODIAN, "records", "park-district"),
        )
    }  # fmt: skip
    by = found["officer"]
    found["request"] = put_matter(by, "2026-000001", "records-request", "2026-11-20T10:00")
    found["first"] = put_matter(
        by, "2026-000002", "detainer", "2026-10-05T10:00", sentence="=cmd()",
        answers={"who-asks": ["ICE-ERO"], "note": ["JANE ROE called"]},
    )  # fmt: skip
    found["second"] = put_matter(by, "2026-000003", "detainer", "2026-10-31T23:59")
    found["park-matter"] = put_matter(
        by, "2026-000004", "detainer", "2026-10-06T10:00", tenant="park-district"
    )
    found["visit"] = put_visit(
        "V-2026-000001",
        "2026-10-07T10:00",
        values={"agency": "ICE", "leader": "AGENT SMITH"},
        sealed_fields=["leader"],
    )
    found["drill"] = put_visit("V-2026-000002", "2026-10-08T10:00", drill=True)
    yield found
    empty_desk()


def begun(desk: Any, people: dict[str, Any]) -> str:
    client = desk.client(people["custodian"])
    sent = {"first": "2026-10-01", "last": "2026-10-31"}
    answer = client.post(f"/records/begin/{people['request'].pk}/", sent)
    assert answer.status_code == 302
    return str(answer.headers["location"])


def choose(desk: Any, people: dict[str, Any], address: str, *names: str) -> str:
    every = [people[name].pk for name in ("first", "second", "visit", "drill", "park-matter", "request")]
    sent = {"asked": every, "responds": [people[name].pk for name in names]}
    return str(desk.client(people["custodian"]).post(address, sent, follow=True).content.decode())


def release_all(desk: Any, people: dict[str, Any], address: str, number: str, **redact: str) -> None:
    client = desk.client(people["custodian"])
    page = client.get(f"{address}{number}/").content.decode()
    names = set(re.findall(r'name="field:([^"]+)"', page))
    sent = {f"field:{name}": "release" for name in names}
    for name, code in redact.items():
        sent |= {f"field:{name}": "redact", f"code:{name}": code}
    assert client.post(f"{address}{number}/", sent).status_code == 302


def test_an_answer_is_decided_reviewed_and_exported_as_it_was_reviewed(
    desk: Any, people: dict[str, Any], recording: Recording
) -> None:
    address = begun(desk, people)
    page = desk.client(people["custodian"]).get(address).content.decode()
    assert all(number in page for number in ("2026-000002", "2026-000003", "V-2026-000001"))
    assert "2026-000004" not in page  # another tenant's
    assert "V-2026-000002" not in page  # a drill
    said = choose(desk, people, address, "first", "visit", "drill", "park-matter")
    assert "2 choices recorded" in said
    assert "nobody has decided record `2026-000002`" in said.replace("&#x27;", "'")
    release_all(desk, people, address, "2026-000002", note="7(1)(b)")
    release_all(desk, people, address, "V-2026-000001", leader="7(1)(b)")
    law = desk.client(people["law"])
    page = law.get(address).content.decode()
    assert "JANE ROE" not in page
    assert "AGENT SMITH" not in page
    assert "[redacted: 5 ILCS 140/7(1)(b)]" in page
    assert "the law department has not adopted the codes 7(1)(b)" in page
    custodian = desk.client(people["custodian"])
    refused = custodian.post(f"{address}export/", follow=True).content.decode()
    assert "has not agreed with what it is now" in refused
    digest = re.search(r'name="digest" value="([0-9a-f]{64})"', page)
    assert digest is not None
    assert (
        "has changed since"
        in law.post(address, {"review": "agree", "digest": "0" * 64}, follow=True).content.decode()
    )
    law.post(address, {"review": "agree", "digest": digest[1]})
    raw = custodian.post(f"{address}export/")
    assert raw.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(raw.content)) as whole:
        files = {name: whole.read(name) for name in whole.namelist()}
    assert set(files) == {f"draft-{name}.csv" for name in ("records", "redactions", "withheld", "codes")}
    text = files["draft-records.csv"].decode()
    assert "1,request,sentence,'=cmd(),\r\n" in text
    assert "1,request,note,[redacted: 5 ILCS 140/7(1)(b)],7(1)(b)\r\n" in text
    assert "Immigration and Customs Enforcement" in text
    whole_text = b"".join(files.values())
    assert b"JANE ROE" not in whole_text
    assert b"AGENT SMITH" not in whole_text
    entry = recording()[-1]
    assert (entry.get(Field.WHAT), entry.get(Field.DIGEST)) == (b"records exported", digest[1].encode())
    # Anything that changes needs another review.
    release_all(desk, people, address, "2026-000002", note="7(1)(c)")
    again = custodian.post(f"{address}export/", follow=True).content.decode()
    assert "has not agreed with what it is now" in again


def test_nobody_reviews_what_they_decided_and_only_its_office_does(desk: Any, people: dict[str, Any]) -> None:
    from doorward.desk.access import find_actor
    from doorward.desk.history import NotAllowedError
    from doorward.desk.models import Assignment, RecordsAnswer
    from doorward.desk.reporting.records import review, review_of
    from doorward.desk.roles import Role

    address = begun(desk, people)
    choose(desk, people, address, "second")
    release_all(desk, people, address, "2026-000003")
    answer = RecordsAnswer.objects.get()
    held = people["custodian"].assignments.get()
    both = Assignment.objects.create(
        account=people["custodian"], role=Role.LAW.value, order_role="law-department", agency="CHICAGO-LAW",
        begins=held.begins, until=held.until, given_by="test",
    )  # fmt: skip
    try:
        one = find_actor(people["custodian"], is_strong=True, now=held.begins + timedelta(days=1, hours=1))
        with pytest.raises(NotAllowedError, match="nobody reviews what they decided"):
            review(one, answer, review_of(answer, one.now).digest, agrees=True)
    finally:
        both.delete()
    for who in ("custodian", "auditor"):
        said = desk.client(people[who]).post(address, {"review": "agree", "digest": "x"}, follow=True)
        assert "not yours to do" in said.content.decode()
    for who in ("law", "auditor"):
        said = desk.client(people[who]).post(address, {"asked": [], "responds": []}, follow=True)
        assert "not yours to do" in said.content.decode()


def test_what_is_sealed_is_not_there_whatever_was_decided_about_it(desk: Any, people: dict[str, Any]) -> None:
    from doorward.desk.models import RecordsAnswer
    from doorward.desk.reporting.records import files, made

    address = begun(desk, people)
    choose(desk, people, address, "first", "second")
    release_all(desk, people, address, "2026-000002")
    release_all(desk, people, address, "2026-000003")
    answer = RecordsAnswer.objects.get()
    both = files(answer, NOW)
    people["first"].sealed_until = at("2999-01-01T00:00")
    people["first"].save()
    client = desk.client(people["custodian"])
    assert "2026-000002" not in client.get(address).content.decode()
    assert client.get(f"{address}2026-000002/").status_code == 404
    without = files(answer, NOW)
    assert b"JANE ROE" not in b"".join(without.values())
    assert {line.record for line in made(answer, NOW).lines} == {1}
    people["first"].sealed_until = None
    people["first"].save()
    assert files(answer, NOW) == both


def test_a_record_is_withheld_whole_and_taken_back(desk: Any, people: dict[str, Any]) -> None:
    address = begun(desk, people)
    choose(desk, people, address, "first")
    client = desk.client(people["custodian"])
    refused = client.post(f"{address}2026-000002/", {"whole": "withhold"}, follow=True).content.decode()
    assert "needs a code" in refused
    client.post(f"{address}2026-000002/", {"whole": "withhold", "code:*": "7(1)(m)"})
    page = client.get(address).content.decode()
    assert "Record 1 (request) is withheld whole: 7(1)(m)" in page
    release_all(desk, people, address, "2026-000002")
    assert "is withheld whole" not in client.get(address).content.decode()


def test_custodians_of_another_tenant_and_those_without_the_office_find_nothing(
    desk: Any, people: dict[str, Any]
) -> None:
    address = begun(desk, people)
    choose(desk, people, address, "first")
    codes = {
        who: (
            desk.client(people[who]).get("/records/").status_code,
            desk.client(people[who]).get(address).status_code,
            desk.client(people[who]).get(f"{address}2026-000002/").status_code,
            desk.client(people[who]).get(f"/records/begin/{people['request'].pk}/").status_code,
            desk.client(people[who]).post(f"{address}export/").status_code,
        )
        for who in ("custodian", "law", "auditor", "officer", "park")
    }
    assert codes == {
        "custodian": (200, 200, 200, 200, 302), "law": (200, 200, 200, 403, 302), "auditor": (200, 200, 200, 403, 302),
        "officer": (403, 404, 404, 404, 404), "park": (200, 404, 404, 404, 404),
    }  # fmt: skip
    # A custodian opens a matter of another unit within an answer, and nowhere else.
    assert desk.client(people["custodian"]).get(f"/matters/{people['first'].pk}/").status_code == 404


@pytest.mark.parametrize(
    "sent",
    [
        {"field:nothing": "release"}, {"field:number": "burn"}, {"field:number": "redact", "code:number": "9(9)"},
        {"field:number": "redact"}, {"whole": "withhold", "code:*": "x"},
    ],
)  # fmt: skip
def test_a_decision_that_is_none_is_refused_in_a_line(
    desk: Any, people: dict[str, Any], recording: Recording, sent: dict[str, str]
) -> None:
    from doorward.desk.models import RecordsDecision

    address = begun(desk, people)
    choose(desk, people, address, "first")
    count = len(recording())
    done = desk.client(people["custodian"]).post(f"{address}2026-000002/", sent, follow=True)
    assert "usa-alert--error" in done.content.decode()
    assert not RecordsDecision.objects.exists()
    assert len(recording()) == count


def test_a_period_that_is_none_begins_nothing(desk: Any, people: dict[str, Any]) -> None:
    from doorward.desk.models import RecordsAnswer

    client = desk.client(people["custodian"])
    for first, last in (
        ("2026-10-02", "2026-10-01"),
        ("", ""),
        ("x", "2026-10-01"),
        ("2000-01-01", "2026-01-01"),
    ):
        client.post(f"/records/begin/{people['request'].pk}/", {"first": first, "last": last})
    assert not RecordsAnswer.objects.exists()


def test_the_command_line_lists_answers_and_no_content(desk: Any, people: dict[str, Any]) -> None:
    import json

    from typer.testing import CliRunner

    from doorward.cli.main import app

    address = begun(desk, people)
    choose(desk, people, address, "first")
    asked = ["foia", "show", "--desk", str(desk.folder / "desk.json")]
    assert "2026-000001 2026-10-01 to 2026-10-31: 1 records, no code; nobody has decided" in (
        CliRunner().invoke(app, asked).output
    )
    release_all(desk, people, address, "2026-000002", note="7(1)(b)")
    (said,) = json.loads(CliRunner().invoke(app, [*asked, "--json"]).output)
    assert (said["state"], said["by_code"]) == ("waits for the law department", {"7(1)(b)": 1})
    assert "JANE ROE" not in json.dumps(said)

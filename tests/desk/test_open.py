"""The public page from the desk's database: the same for everybody, and attacked with everything that it gives out."""

import csv
import io
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from hashlib import sha256
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest
from typer.testing import CliRunner

from doorward.desk.transparency.chart import Bar, draw_bars
from doorward.notes.key_files import write_key
from doorward.notes.note import Signer, format_verifier, sign_note
from doorward.record.entry import Entry, Field
from tests_support.desk_year import CHICAGO, at, empty_desk, put_matter, put_visit

Recording = Callable[[], list[Entry]]
SIGNER = Signer.make("auditor/irma.example", bytes(32))
QUARTERS = ["2026-Q4", "2027-Q1", "2027-Q2", "2027-Q3", "2027-Q4"]
STARTS = dict(
    zip(QUARTERS, ["2026-10-01", "2027-01-01", "2027-04-01", "2027-07-01", "2027-10-01"], strict=True)
)
DAYS = dict(
    zip(QUARTERS, ["2027-01-30", "2027-04-30", "2027-07-30", "2027-10-30", "2028-01-30"], strict=True)
)
KINDS = {
    "papers-of-agencies": "detainer", "court-process": "subpoena", "records-and-systems": "records-request",
    "help-and-places": "interview", "other-matters": "hotlist",
}  # fmt: skip
OUTCOMES = {"declined": "deny", "referred": "refer", "went-through": "permit", "ordinary-rules": "outside"}


@pytest.fixture
def people(desk: Any, recording: Recording) -> Iterator[dict[str, Any]]:
    from doorward.desk.models import Account
    from doorward.desk.roles import Role

    assert recording() is not None
    empty_desk()
    keys = desk.folder / "officials.keys"
    other = Signer.make("law/finn.example", bytes([1] * 32))
    keys.write_text(f"{format_verifier(SIGNER.verifier)}\n{format_verifier(other.verifier)}\n")
    yield {
        name: Account.objects.filter(login=f"{name}.open.example").first()
        or desk.account(f"{name}.open.example", role, unit=unit)
        for name, role, unit in (
            ("law", Role.LAW, ""), ("auditor", Role.AUDITOR, ""), ("officer", Role.OFFICER, "lock-up-1"),
        )
    }  # fmt: skip
    keys.unlink(missing_ok=True)
    empty_desk()


def actor(account: Any, day: str) -> Any:
    from doorward.desk.access import find_actor
    from doorward.desk.models import Assignment

    Assignment.objects.filter(account=account).update(
        begins=at("2020-01-01T00:00"), until=at("2099-01-01T00:00")
    )
    return find_actor(account, is_strong=True, now=at(f"{day}T00:00"))


def publish(people: dict[str, Any], quarter: str, data: Path, day: str = "") -> Any:
    from doorward.desk.reporting.publications import make_next, take_signature

    made = make_next(actor(people["law"], day or DAYS[quarter]))
    assert made.quarter == quarter
    note = sign_note(bytes(made.totals), SIGNER).decode()
    take_signature(actor(people["auditor"], day or DAYS[quarter]), made, note, data)
    return made


def file(officer: Any, quarter: str, counts: dict[tuple[str, str], int], random: Random) -> None:
    """Put requests into a quarter, on days that nobody may find out."""
    from doorward.desk.models import Matter

    start = datetime.fromisoformat(STARTS[quarter])
    for (kind, outcome), count in counts.items():
        for _ in range(count):
            when = start + timedelta(minutes=random.randrange(90 * 24 * 60))
            number = f"{quarter[:4]}-{Matter.objects.count():06d}"
            put_matter(officer, number, KINDS[kind], when.isoformat(), outcome=OUTCOMES[outcome])


def files(desk: Any) -> dict[str, bytes]:
    """Return everything that the public can fetch, by address: from the page on, every link below it."""
    client = desk.client()
    found, waiting = {}, ["/open/"]
    while waiting:
        address = waiting.pop()
        answer = client.get(address)
        assert answer.status_code == 200, address
        found[address] = answer.content
        if address == "/open/":
            links = re.findall(r'href="([^":]+\.(?:csv|note|atom))"', answer.content.decode())
            waiting += sorted({f"/open/{link}" for link in links})
    return found


# --- an attacker who knows algebra, and has every file


class Known:
    """Everything that is a combination of the rows so far, by fractions."""

    def __init__(self, rows: list[list[int]]) -> None:
        self.pivots: list[tuple[int, list[Fraction]]] = []
        for row in rows:
            left = self.reduce(row)
            pivot = next((at for at, value in enumerate(left) if value), None)
            if pivot is not None:
                self.pivots.append((pivot, [value / left[pivot] for value in left]))

    def reduce(self, row: list[int]) -> list[Fraction]:
        left = [Fraction(value) for value in row]
        for pivot, by in self.pivots:
            if factor := left[pivot]:
                left = [one - factor * other if other else one for one, other in zip(left, by, strict=True)]
        return left

    def holds(self, row: list[int]) -> bool:
        return not any(self.reduce(row))


def attack(public: dict[str, bytes], truth: Counter[tuple[str, str, str]]) -> list[str]:
    """Return every small number that can be worked out from all public files together."""
    rows = [
        row for name, raw in public.items() if name.endswith(".csv")
        for row in list(csv.reader(io.StringIO(raw.decode())))[1:]
    ]  # fmt: skip
    kinds = [*KINDS, "front-desk-visits"]
    cells = list(product(QUARTERS, kinds, OUTCOMES))

    def of(row: list[str]) -> set[tuple[str, str, str]]:
        period, kind, outcome, _ = row
        quarters = [period] if "-" in period else [f"{period}-Q{number}" for number in range(1, 5)]
        return set(
            product(quarters, kinds if kind == "all" else [kind], OUTCOMES if outcome == "all" else [outcome])
        )

    known = Known([[int(cell in of(row)) for cell in cells] for row in rows if row[3] != "withheld"])
    for row in rows:
        real = sum(truth[cell] for cell in of(row))
        assert row[3] == "withheld" or int(row[3]) == real
        assert row[3] == "withheld" or real == 0 or real >= 10
    return [
        " ".join(row[:3]) for row in rows
        if row[3] == "withheld" and 0 < sum(truth[cell] for cell in of(row)) < 10
        and known.holds([int(cell in of(row)) for cell in cells])
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_no_small_number_is_worked_out_from_all_public_files_of_five_quarters(
    desk: Any, people: dict[str, Any], seed: int
) -> None:
    random = Random(seed)  # noqa: S311  # a made-up city
    truth: Counter[tuple[str, str, str]] = Counter()
    for quarter in QUARTERS:
        counts = {cell: random.choice([0, 0, 1, 3, 12, 15]) for cell in product(KINDS, OUTCOMES)}
        file(people["officer"], quarter, counts, random)
        truth.update({(quarter, *cell): count for cell, count in counts.items()})
        publish(people, quarter, desk.folder)
        assert attack(files(desk), truth) == []
    assert len([name for name in files(desk) if name.endswith(".csv")]) == 5


def test_the_attack_finds_a_number_that_is_given_away() -> None:
    head, small = "period,kind,outcome,count\r\n", {("2026-Q4", "court-process", "declined"): 3}
    lines = [f"2026-Q4,court-process,{one},0\r\n" for one in OUTCOMES if one != "declined"]
    careless = head + "2026-Q4,court-process,declined,withheld\r\n" + "".join(lines)
    truth = Counter(small)
    assert attack({"a.csv": careless.encode()}, truth) == []
    truth["2026-Q4", "court-process", "referred"] = 20
    more = careless.replace("referred,0", "referred,20") + "2026-Q4,court-process,all,23\r\n"
    assert attack({"a.csv": more.encode()}, truth) == ["2026-Q4 court-process declined"]


# --- when


def test_nothing_public_tells_of_the_last_thirty_days_or_the_day_within_a_quarter(
    desk: Any, people: dict[str, Any]
) -> None:
    """Two worlds, one file in each: what lies within 30 days, or elsewhere in its quarter, changes no byte."""
    worlds = []
    for early in (True, False):
        empty_desk()
        for number in range(40):
            when = "2026-10-01T00:00" if early else "2026-12-31T23:59"
            put_matter(people["officer"], f"2026-{number:06d}", "detainer", when)
        if not early:  # the thirty days before the publication, and the day itself
            for number in range(40, 80):
                put_matter(people["officer"], f"2026-{number:06d}", "subpoena", "2027-01-01T00:00")
                put_visit(f"V-2026-{number:06d}", "2027-01-29T23:59")
        publish(people, "2026-Q4", desk.folder)
        worlds.append(files(desk))
    assert worlds[0] == worlds[1]


def test_a_quarter_is_not_made_before_its_day_and_not_public_before_it_is_signed(
    desk: Any, people: dict[str, Any], recording: Recording
) -> None:
    from doorward.desk.reporting.publications import make_next, take_signature
    from doorward.errors import ConfigError, VerificationError

    for number in range(12):
        put_matter(people["officer"], f"2026-{number:06d}", "detainer", "2026-12-31T12:00")
    with pytest.raises(ConfigError, match="2026-Q4 is published on 2027-01-30 and not before"):
        make_next(actor(people["law"], "2027-01-29"))
    made = make_next(actor(people["law"], "2027-01-30"))
    entry = recording()[-1]
    assert entry.get(Field.ACT) == b"publish"
    assert entry.get(Field.DIGEST) == sha256(bytes(made.table)).hexdigest().encode()
    assert entry.get(Field.EVIDENCE) == sha256(bytes(made.totals)).hexdigest().encode()
    client = desk.client()
    assert "Nothing is published yet" in client.get("/open/").content.decode()
    for name in ("2026-Q4.csv", "2026-Q4.note", "feed.atom", "2027-Q1.csv", "nothing.csv"):
        assert client.get(f"/open/{name}").status_code == 404
    auditor = actor(people["auditor"], "2027-01-30")
    finn = Signer.make("law/finn.example", bytes([1] * 32))
    with pytest.raises(VerificationError, match="office `auditor`"):
        take_signature(auditor, made, sign_note(bytes(made.totals), finn).decode(), desk.folder)
    changed = sign_note(bytes(made.totals).replace(b"withheld: ", b"withheld: 1"), SIGNER).decode()
    with pytest.raises(ConfigError, match="another statement"):
        take_signature(auditor, made, changed, desk.folder)
    take_signature(auditor, made, sign_note(bytes(made.totals), SIGNER).decode(), desk.folder)
    assert client.get("/open/2026-Q4.csv").content == bytes(made.table)


def test_what_is_done_later_changes_no_number_and_nothing_counts_twice(
    desk: Any, people: dict[str, Any]
) -> None:
    made = [put_matter(people["officer"], f"2026-{n:06d}", "detainer", "2026-10-05T10:00") for n in range(30)]
    publish(people, "2026-Q4", desk.folder)
    before = desk.client().get("/open/2026-Q4.csv").content
    for one in made[:25]:
        one.outcome = "permit"
        one.save()
    made[26].sealed_until = at("2099-01-01T00:00")
    made[26].save()
    publish(people, "2027-Q1", desk.folder)
    public = files(desk)
    assert public["/open/2026-Q4.csv"] == before
    assert b"2026-Q4,papers-of-agencies,declined,30\r\n" in before
    assert b"2027-Q1,all,all,0\r\n" in public["/open/2027-Q1.csv"]


def test_what_is_sealed_counts_in_the_first_quarter_after_its_seal_and_a_drill_in_none(
    desk: Any, people: dict[str, Any]
) -> None:
    for number in range(12):
        put_matter(
            people["officer"],
            f"2026-{number:06d}",
            "subpoena",
            "2026-10-05T10:00",
            sealed_until=at("2027-02-01T00:00"),
        )
        put_visit(f"V-2026-{number:06d}", "2026-10-05T10:00", drill=True)
    publish(people, "2026-Q4", desk.folder)
    publish(people, "2027-Q1", desk.folder)
    public = files(desk)
    assert b"2026-Q4,all,all,0\r\n" in public["/open/2026-Q4.csv"]
    assert b"2027-Q1,court-process,declined,12\r\n" in public["/open/2027-Q1.csv"]
    assert b"2027-Q1,front-desk-visits,all,0\r\n" in public["/open/2027-Q1.csv"]


def test_sister_agencies_are_counted_elsewhere_and_another_list_makes_no_quarter(
    desk: Any, people: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from doorward.desk.models import Place
    from doorward.desk.reporting import publications
    from doorward.errors import ConfigError

    for number in range(12):
        put_matter(
            people["officer"], f"2026-{number:06d}", "subpoena", "2026-10-05T10:00", tenant="park-district"
        )
        put_visit(f"V-2026-{number:06d}", "2026-10-05T10:00")
    Place.objects.filter(slug="branch-year").update(tenant="cps")
    try:
        publish(people, "2026-Q4", desk.folder)
        assert b"2026-Q4,all,all,0\r\n" in files(desk)["/open/2026-Q4.csv"]
    finally:
        Place.objects.filter(slug="branch-year").update(tenant="city")
    words = publications.counted()
    for other in (replace(words, threshold=12), replace(words, tenants=("city", "cps"))):
        monkeypatch.setattr(publications, "counted", lambda other=other: other)
        with pytest.raises(ConfigError, match="counts something else"):
            publications.make_next(actor(people["law"], DAYS["2027-Q1"]))


def test_a_database_that_was_changed_makes_no_further_quarter(desk: Any, people: dict[str, Any]) -> None:
    from django.db import connection

    from doorward.desk.reporting.publications import make_next
    from doorward.errors import StoreError

    for number in range(12):
        put_matter(people["officer"], f"2026-{number:06d}", "subpoena", "2026-10-05T10:00")
    publish(people, "2026-Q4", desk.folder)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE publication_count DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM publication_count WHERE id = (SELECT min(id) FROM publication_count)")
        cursor.execute("ALTER TABLE publication_count ENABLE TRIGGER USER")
    with pytest.raises(StoreError, match="cannot be made again"):
        make_next(actor(people["law"], DAYS["2027-Q1"]))


# --- the same for everybody


def test_everybody_gets_the_same_bytes_and_no_cookie(desk: Any, people: dict[str, Any]) -> None:
    from django.test import Client

    publish(people, "2026-Q4", desk.folder)
    marked = Client(
        headers={"host": "127.0.0.1", "cookie": "sessionid=x; csrftoken=y", "accept-language": "pl"}
    )
    clients = [desk.client(), desk.client(people["law"]), desk.client(people["officer"]), marked]
    for address in (
        "/open/",
        "/open/2026-Q4.csv",
        "/open/2026-Q4.note",
        "/open/feed.atom",
        "/open/2031-Q1.csv",
    ):
        answers = [client.get(f"{address}?who={number}") for number, client in enumerate(clients)]
        assert len({answer.content for answer in answers}) == 1
        for answer in answers:
            assert not answer.cookies
            assert "cookie" not in answer.headers.get("vary", "").lower()
            assert answer.headers["cache-control"] == "public, max-age=3600"
            assert "default-src 'none'" in answer.headers["content-security-policy"]
        again = clients[0].get(address, headers={"if-none-match": answers[0].headers["etag"]})
        assert again.status_code == (304 if answers[0].status_code == 200 else 404)
        assert clients[0].post(address).status_code == 405


def test_the_page_works_without_script_and_names_no_person(desk: Any, people: dict[str, Any]) -> None:
    for number in range(12):
        put_matter(people["officer"], f"2026-{number:06d}", "subpoena", "2026-10-05T10:00")
    publish(people, "2026-Q4", desk.folder)
    text = desk.client().get("/open/").content.decode()
    assert "<script" not in text
    assert "style=" not in text
    assert text.count("<svg ") == 7
    assert "Court process and subpoenas: 2026-Q4 12" in text
    for word in ("irma", "finn", "open.example", "2026-000001", "lock-up"):
        assert word not in text


def test_the_feed_is_atom_that_a_parser_takes(desk: Any, people: dict[str, Any]) -> None:
    publish(people, "2026-Q4", desk.folder)
    publish(people, "2027-Q1", desk.folder)
    raw = files(desk)["/open/feed.atom"]
    feed = ET.fromstring(raw)  # noqa: S314  # the desk's own
    space = {"a": "http://www.w3.org/2005/Atom"}
    assert feed.tag == "{http://www.w3.org/2005/Atom}feed"
    # RFC 4287: a feed and each entry have exactly one id, title and updated; an author; a link to itself.
    for node in (feed, *feed.findall("a:entry", space)):
        for tag in ("id", "title", "updated"):
            (one,) = node.findall(f"a:{tag}", space)
            assert one.text
        moment = datetime.fromisoformat(str(node.findtext("a:updated", namespaces=space)))
        assert (moment.hour, moment.minute, moment.second) == (0, 0, 0)
    assert feed.findtext("a:author/a:name", namespaces=space) == "Law department"
    relations = [link.get("rel") for link in feed.findall("a:link", space)]
    assert relations == ["self", "alternate"]
    ids = [entry.findtext("a:id", namespaces=space) for entry in feed.findall("a:entry", space)]
    assert ids == [f"tag:desk.sample.invalid,2027-01-30:transparency/{one}" for one in ("2027-Q1", "2026-Q4")]


def test_an_auditor_signs_elsewhere_and_anybody_verifies(
    desk: Any, people: dict[str, Any], tmp_path: Path
) -> None:
    from doorward.cli.main import app
    from doorward.desk.reporting.publications import make_next
    from doorward.errors import VerificationError

    made = make_next(actor(people["law"], DAYS["2026-Q4"]))
    write_key(tmp_path / "key", SIGNER)
    (tmp_path / "totals.txt").write_bytes(bytes(made.totals))
    (tmp_path / "table.csv").write_bytes(bytes(made.table))
    (tmp_path / "keys").write_text(format_verifier(SIGNER.verifier) + "\n")

    def run(*args: object) -> Any:
        return CliRunner().invoke(app, ["transparency", *map(str, args)])

    sign = ("sign", tmp_path / "totals.txt", "--table", tmp_path / "table.csv", "--key", tmp_path / "key")
    note = run(*sign).stdout
    client = desk.client(people["auditor"])
    assert "public now" in client.post("/public/2026-Q4/", {"note": note}, follow=True).content.decode()
    (tmp_path / "totals.note").write_bytes(desk.client().get("/open/2026-Q4.note").content)
    (tmp_path / "table.csv").write_bytes(desk.client().get("/open/2026-Q4.csv").content)
    check = (
        "verify",
        tmp_path / "totals.note",
        "--table",
        tmp_path / "table.csv",
        "--keys",
        tmp_path / "keys",
    )
    assert run(*check).output == (
        "2026-Q4: signed, and the table is the one that was signed\n"
        "not checked: whether it is in the log (--proof and --log-key)\n"
    )
    (tmp_path / "table.csv").write_bytes(bytes(made.table).replace(b",0\r\n", b",10\r\n", 1))
    assert isinstance(run(*check).exception, VerificationError)
    assert isinstance(run(*sign).exception, VerificationError)


def test_those_who_make_it_see_what_is_withheld_and_what_was_counted(
    desk: Any, people: dict[str, Any]
) -> None:
    first = put_matter(people["officer"], "2026-000001", "detainer", "2026-10-05T10:00")
    publish(people, "2026-Q4", desk.folder)
    page = desk.client(people["auditor"]).get("/public/2026-Q4/").content.decode()
    assert '(1)<span class="usa-sr-only"> withheld</span>' in page
    assert f'<a href="/matters/{first.pk}/">2026-000001</a>' in page
    listing = desk.client(people["law"]).get("/public/").content.decode()
    assert "2027-Q1" in listing


# --- charts


def drawn(values: Sequence[int | None]) -> ET.Element:
    bars = [Bar(f"2026-Q{at}", value) for at, value in enumerate(values, start=1)]
    return ET.fromstring(draw_bars('a <title> & "more"', bars))  # noqa: S314  # made here


def test_a_chart_has_a_bar_for_each_number_and_none_for_what_is_withheld() -> None:
    root = drawn([0, 10, None, 40])
    bars = [one for one in root.iter("{http://www.w3.org/2000/svg}rect") if one.get("fill") != "none"]
    assert [int(str(one.get("height"))) for one in bars] == [0, 35, 140]
    label = str(root.get("aria-label"))
    assert label == 'a <title> & "more": 2026-Q1 0, 2026-Q2 10, 2026-Q3 withheld, 2026-Q4 40'
    hidden = [one for one in root.iter("{http://www.w3.org/2000/svg}rect") if one.get("fill") == "none"]
    assert [one.get("height") for one in hidden] == ["140"]
    assert draw_bars("x", []).startswith("<svg ")
    assert len(list(drawn([1] * 30).iter("{http://www.w3.org/2000/svg}rect"))) == 12


def test_days_of_the_tests_are_those_of_the_schedule() -> None:
    for quarter, start in STARTS.items():
        year, number = int(quarter[:4]), int(quarter[-1])
        assert date.fromisoformat(start) == date(year, 3 * number - 2, 1)
    assert CHICAGO.key == "America/Chicago"

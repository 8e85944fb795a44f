"""Every address of the desk, asked as everybody: what is not in the table is a fault of the table."""

import html
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

import doorward.desk
from doorward.desk.recorder import Recorder, hold
from doorward.fund.ledger.refusal import Refusal
from doorward.fund.sample import AGREEMENT, sample_submissions
from doorward.fund.store import Store
from doorward.record.entry import Entry
from tests_support.fund_published import edition, put_months

Recording = Callable[[], list[Entry]]
WHO = ("nobody", "owner", "colleague", "stranger", "supervisor", "counsel", "auditor", "security")
HERE, SENT, GONE, NOT, REFUSED, NO_TOKEN = 200, 302, 404, 403, 409, 401
# Changing a factor wants a fresh sign-in; the rest are files, sheets that typst sets, and another program.
OTHERWISE = re.compile(r"/(account/factor/.|static/|front/|paper/.|open/.*\.|new/.+/)")
ALL_BUT_NOBODY = (SENT, *[HERE] * 7)
THEIRS = (SENT, HERE, HERE, GONE, GONE, HERE, HERE, GONE)
# A form's answer to somebody who may see the matter is the page again, with what was done or why not.
DONE = (SENT, SENT, SENT, GONE, GONE, SENT, SENT, GONE)
# A letter that has not been sent is there for those who answer, and for auditors.
DRAFT = (SENT, GONE, GONE, GONE, GONE, HERE, HERE, GONE)
DRAFT_DONE = (SENT, GONE, GONE, GONE, GONE, SENT, SENT, GONE)
TABLE: dict[str, tuple[str, tuple[int, ...]]] = {
    "home": ("get", ALL_BUT_NOBODY),
    "new": ("get", (SENT, HERE, HERE, HERE, HERE, HERE, NOT, NOT)),
    "new-kind": ("get", (SENT, HERE, HERE, HERE, HERE, HERE, NOT, NOT)),
    "message": ("get", (SENT, HERE, HERE, HERE, HERE, HERE, NOT, NOT)),
    "matters": ("get", ALL_BUT_NOBODY),
    "matter": ("get", THEIRS),
    "verify": ("post", DONE),
    "answer": ("post", DONE),
    "seal": ("post", DONE),
    "letter": ("get", (SENT, NOT, NOT, GONE, GONE, HERE, NOT, GONE)),
    "papers": ("get", THEIRS),
    "paper": ("get", THEIRS),
    "paper-delete": ("post", (SENT, REFUSED, REFUSED, GONE, GONE, REFUSED, REFUSED, GONE)),
    "disposal-step": ("post", DONE),
    "holds": ("get", (SENT, NOT, NOT, NOT, NOT, HERE, HERE, NOT)),
    "disposal": ("get", (SENT, NOT, NOT, NOT, NOT, HERE, HERE, NOT)),
    "letter-page": ("get", DRAFT),
    "letter-pdf": ("get", DRAFT),
    "letter-note": ("get", DRAFT),
    "letter-sign": ("post", DRAFT_DONE),
    "letter-object": ("post", DRAFT_DONE),
    "letter-send": ("post", DRAFT_DONE),
    "clock": ("post", (SENT, NOT, NOT, GONE, GONE, SENT, NOT, GONE)),
    "date": ("post", DONE),
    "ask-again": ("post", DONE),
    "close": ("post", DONE),
    "correct": ("get", (SENT, HERE, NOT, GONE, GONE, HERE, NOT, GONE)),
    "determine": ("get", (SENT, NOT, NOT, GONE, GONE, HERE, NOT, GONE)),
    "visits": ("get", ALL_BUT_NOBODY),
    "visit": ("get", (SENT, GONE, GONE, GONE, GONE, GONE, GONE, GONE)),
    "delete-drill-visit": ("post", (SENT, GONE, GONE, GONE, GONE, GONE, GONE, GONE)),
    "phones": ("get", (SENT, NOT, NOT, NOT, NOT, HERE, NOT, HERE)),
    "registers": ("get", (SENT, NOT, NOT, NOT, NOT, HERE, HERE, HERE)),
    "reports": ("get", (SENT, NOT, NOT, NOT, NOT, HERE, HERE, NOT)),
    "report": ("get", (SENT, GONE, GONE, GONE, GONE, HERE, HERE, GONE)),
    "filed-report": ("get", (SENT, *[GONE] * 4, HERE, HERE, GONE)),
    "report-folder": ("get", (SENT, *[GONE] * 4, HERE, HERE, GONE)),
    "report-file": ("get", (SENT, *[GONE] * 4, HERE, HERE, GONE)),
    "report-line": ("get", (SENT, *[GONE] * 4, HERE, HERE, GONE)),
    "records": ("get", (SENT, NOT, NOT, NOT, NOT, HERE, HERE, NOT)),
    "records-begin": ("get", (SENT, *[GONE] * 4, NOT, NOT, GONE)),
    "records-answer": ("get", (SENT, *[GONE] * 4, HERE, HERE, GONE)),
    "records-record": ("get", (SENT, *[GONE] * 4, HERE, HERE, GONE)),
    "records-export": ("post", (SENT, *[GONE] * 4, SENT, SENT, GONE)),
    "publications": ("get", (SENT, NOT, NOT, NOT, NOT, HERE, HERE, NOT)),
    "publication": ("get", (SENT, *[GONE] * 4, HERE, HERE, GONE)),
    "publication-folder": ("get", (SENT, *[GONE] * 4, HERE, HERE, GONE)),
    "open": ("get", (HERE,) * 8),
    "open-feed": ("get", (HERE,) * 8),
    "open-table": ("get", (HERE,) * 8),
    "open-totals": ("get", (HERE,) * 8),
    # The council's page of the fund is for everybody too: two audiences with two tables could be subtracted.
    "open-fund": ("get", (HERE,) * 8),
    "open-fund-lines": ("get", (HERE,) * 8),
    "open-fund-feed": ("get", (HERE,) * 8),
    "open-fund-history": ("get", (HERE,) * 8),
    "open-fund-file": ("get", (HERE,) * 8),
    "custody": ("get", (SENT, NOT, NOT, NOT, NOT, HERE, HERE, NOT)),
    # As those who keep the fund: tests/desk/fund/test_fund_pages.py.
    "fund": ("get", (SENT, *[GONE] * 5, HERE, GONE)),
    "fund-year": ("get", (SENT, *[GONE] * 5, HERE, GONE)),
    "fund-agreement": ("get", (SENT, *[GONE] * 5, HERE, GONE)),
    "fund-terms": ("get", (SENT, *[GONE] * 5, NOT, GONE)),
    "fund-claim": ("get", (SENT, *[GONE] * 5, HERE, GONE)),
    "fund-act": ("get", (SENT, *[GONE] * 5, NOT, GONE)),
    "fund-act-on": ("get", (SENT, *[GONE] * 5, NOT, GONE)),
    # Grantees, reviewers and the City on their reports: tests/desk/fund/test_grantee.py.
    "grantee": ("get", (SENT, *[GONE] * 7)),
    "grantee-report": ("get", (SENT, *[GONE] * 7)),
    "grantee-table": ("get", (SENT, *[GONE] * 7)),
    "grantee-template": ("get", (SENT, *[GONE] * 7)),
    "grantee-filed": ("get", (SENT, *[GONE] * 7)),
    "grantee-act": ("post", (SENT, *[GONE] * 7)),
    "fund-reports": ("get", (SENT, *[GONE] * 5, HERE, GONE)),
    "fund-report": ("get", (SENT, *[GONE] * 7)),  # there is none in this fund
    "fund-reviews": ("get", (SENT, *[GONE] * 7)),
    "fund-review": ("get", (SENT, *[GONE] * 7)),
    "overview": ("get", (SENT, NOT, NOT, NOT, NOT, HERE, HERE, HERE)),
    "queue": ("get", ALL_BUT_NOBODY),
    "live": ("get", ALL_BUT_NOBODY),
    "training": ("get", ALL_BUT_NOBODY),
    "training-csv": ("get", (SENT, NOT, NOT, NOT, HERE, HERE, HERE, NOT)),
    "sheets": ("get", ALL_BUT_NOBODY),
    "sheet": ("get", ALL_BUT_NOBODY),
    "delete-drill": ("post", DONE),
    "notices-again": ("post", (SENT, NOT, NOT, NOT, NOT, SENT, NOT, SENT)),
    "play": ("get", (HERE,) * 8),
    # Programs come by a token and nobody by a session: tests/desk/test_api.py asks as clients.
    "api-kinds": ("get", (NO_TOKEN,) * 8),
    "api-kind": ("get", (NO_TOKEN,) * 8),
    "api-matters": ("post", (NO_TOKEN,) * 8),
    "api-matter": ("get", (NO_TOKEN,) * 8),
    "api-description": ("get", (NO_TOKEN,) * 8),
    "api-nothing": ("get", (NO_TOKEN,) * 8),
}


NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)
PAPER = ("paper", "paper-delete", "disposal-step")


def add_paper(owner: Any, matter: uuid.UUID) -> Any:
    """Return the id of a paper that the owner added."""
    from doorward.desk.models import Paper

    form = {"paper_class": "detainer", "standing": "evidence", "whole": "1"}
    file = SimpleUploadedFile("scan.pdf", b"%PDF-1.7\n%%EOF\n")
    assert owner.post(f"/matters/{matter}/papers/", {**form, "file": file}).status_code == 302
    return Paper.objects.get(matter=matter).pk


@pytest.fixture
def kept(ledger: None, recording: Recording) -> None:
    """The sample's fund in the ledger that the desk reaches."""
    assert ledger is None
    from django.conf import settings

    from doorward.desk.recorder import recorder

    assert recording() is not None
    assert settings.DESK.fund is not None
    with closing(Store(settings.DESK.fund.conninfo, recorder())) as store:
        made = sample_submissions(
            date(2026, 2, 1), (date(2026, 1, 1), date(2026, 12, 31)), year=2026, line="legal",
            services=("screening", "representation"), source="ordinance",
        )  # fmt: skip
        assert not [one for one in made if isinstance(store.submit(one, now=NOW), Refusal)]


def names() -> Iterator[str]:
    """The names of the desk's own addresses; allauth's have tests of their own project."""
    from doorward.desk.urls import urlpatterns

    for pattern in urlpatterns:
        name = getattr(pattern, "name", None)
        if name is not None:
            yield name


@pytest.fixture(scope="module")
def sessions(desk: Any, record: Recorder) -> dict[str, dict[str, Any]]:
    """What a session of each of them holds who is signed in."""
    from doorward.desk.roles import Role

    roles = {
        "owner": (Role.OFFICER, "lock-up-7"), "colleague": (Role.OFFICER, "lock-up-7"),
        "stranger": (Role.OFFICER, "lock-up-8"), "supervisor": (Role.SUPERVISOR, "area-9"),
        "counsel": (Role.LAW, ""), "auditor": (Role.AUDITOR, ""), "security": (Role.SECURITY, ""),
    }  # fmt: skip
    hold(record)
    made = {
        name: dict(desk.client(desk.account(f"matrix.{name}.example", role, unit=unit)).session.items())
        for name, (role, unit) in roles.items()
    }
    hold(None)
    return made


@pytest.fixture
def clients(desk: Any, recording: Recording, sessions: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A browser of each, with a session of its own that holds what it held at its beginning."""
    assert recording() is not None
    from django.conf import settings
    from django.contrib.sessions.backends.db import SessionStore

    made = {name: desk.client() for name in ("nobody", *sessions)}
    for name, held in sessions.items():
        session = SessionStore()
        session.update(held)
        session.save()
        made[name].cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    return made


def test_every_address_is_in_the_table(desk: Any) -> None:
    assert desk
    assert set(names()) == set(TABLE)


FORMS = {
    "correct",
    "determine",
    "new-kind",
    "message",
    "api-nothing",
    "play",
    "registers",
    "phones",
    "letter",
    "report",
    "filed-report",
    "report-line",
    "custody",
    "publications",
    "publication",
    "records-begin",
    "records-answer",
    "records-record",
    "papers",
    "holds",
    "training",
    "fund-act",
    "fund-act-on",
    "fund-terms",
    "grantee-report",
    "grantee-table",
    "fund-reports",
    "fund-report",
    "fund-review",
}


@pytest.fixture
def made(clients: dict[str, Any]) -> uuid.UUID:
    """A version of a report that counsel made, on a year that is over and had nothing."""
    from doorward.desk.models import FiledReport

    clients["counsel"].post("/reports/trust/2024/", {"certifies": "yes"})
    return FiledReport.objects.get(report="trust", period="2024").pk


@pytest.fixture
def answered(desk: Any, clients: dict[str, Any]) -> dict[str, Any]:
    """A request for records, and an answer in which one matter responds."""
    from doorward.desk.models import Account, Matter, RecordsAnswer
    from doorward.desk.roles import Role

    login = "matrix.custodian.example"
    account = Account.objects.filter(login=login).first() or desk.account(
        login, Role.CUSTODIAN, unit="records-9"
    )
    custodian = desk.client(account)
    sent = {"who-asks": "none", "file": "1"}
    keys = [
        uuid.UUID(clients["stranger"].post(f"/new/{kind}/", more | sent).headers["location"].split("/")[2])
        for kind, more in (("records-request", {}), ("detainer", {"of-custody": "hold"}))
    ]
    begun = custodian.post(f"/records/begin/{keys[0]}/", {"first": "2026-01-01", "last": "2035-12-31"})
    answer = RecordsAnswer.objects.get(pk=begun.headers["location"].split("/")[2])
    custodian.post(f"/records/{answer.pk}/", {"asked": [keys[1]], "responds": [keys[1]]})
    return {"request": keys[0], "answer": answer.pk, "number": Matter.objects.get(pk=keys[1]).number}


@pytest.fixture
def published(clients: dict[str, Any]) -> None:
    """A quarter of the public table that an auditor signed; its day has come for nobody who looks at a clock."""
    from datetime import date

    from doorward.desk.models import Account, Publication, PublicationSignature
    from doorward.desk.reporting.publications import counted, scheme_of
    from doorward.desk.transparency.publication import make_publications
    from doorward.desk.transparency.release import format_all_totals, format_table

    assert clients
    scheme, by = scheme_of(counted()), Account.objects.get(login="matrix.counsel.example")
    (made,) = make_publications([], scheme, date(2027, 1, 30))
    done = {"at": "2027-01-30T00:00:00Z", "by": by, "office": "law", "entry": 1}
    stands, fresh = Publication.objects.get_or_create(
        quarter="2026-Q4",
        defaults={
            "day": made.on, "scheme": {"threshold": 10}, "table": format_table(made),
            "totals": format_all_totals([made], scheme)[0], **done,
        },
    )  # fmt: skip
    if fresh:
        PublicationSignature.objects.create(publication=stands, note=b"note\n", signer="auditor/x", **done)


@pytest.mark.usefixtures("ledger")
def test_nobody_is_offered_a_page_that_is_closed_to_them(
    clients: dict[str, Any], recording: Recording
) -> None:
    assert recording() is not None
    closed = []
    for who, client in clients.items():
        seen, waiting = {"/account/logout/"}, ["/"]
        while waiting and who != "nobody" and len(seen) < 60:
            path = waiting.pop(0)
            if path in seen:
                continue
            seen.add(path)
            page = client.get(path)
            if page.status_code >= 400:
                closed.append((who, path, page.status_code))
            if page.headers.get("Content-Type", "").startswith("text/html"):
                links = re.findall(r'href="(/[^"#]*)"', page.content.decode())
                waiting += [html.unescape(one) for one in links if not OTHERWISE.match(one)]
    assert closed == []


@pytest.fixture
def fund_months(desk: Any) -> Iterator[None]:
    """A month of the fund that is published."""
    folder = desk.folder / "fund-public"
    put_months(folder, [edition(0, ())])
    yield
    shutil.rmtree(folder)


# What stands where an address is asked, by its name or the first word of it.
NEEDS = {
    "open": ("published", "fund_months"), "publications": ("published",), "publication": ("published",),
    "filed-report": ("made",), "report": ("made",), "reports": ("made",), "records": ("answered",),
    "fund": ("kept",), "home": ("published", "made", "answered"), "matters": ("made", "answered"),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_who_gets_what(
    clients: dict[str, Any], recording: Recording, request: pytest.FixtureRequest, name: str
) -> None:
    from django.urls import reverse

    assert recording() is not None
    needs = NEEDS.get(name.partition("-")[0], ()) if name not in NEEDS else NEEDS[name]
    found = {one: request.getfixturevalue(one) for one in needs}
    made, answered = found.get("made"), found.get("answered", {})
    sent = {"of-custody": "hold", "who-asks": "ICE-ERO", "token": str(uuid.uuid4()), "file": "1"}  # noqa: TID251  # a form's
    filed = clients["owner"].post("/new/detainer/", sent).headers["location"]
    key = uuid.UUID(filed.split("/")[2])
    paper = add_paper(clients["owner"], key) if name in PAPER else None
    method, expected = TABLE[name]
    needed: dict[str, dict[str, Any]] = {
        "matter": {"key": key},
        "visit": {"key": key},
        "delete-drill-visit": {"key": key},
        "verify": {"key": key},
        "answer": {"key": key},
        "seal": {"key": key},
        "letter": {"key": key},
        "report": {"name": "quarterly", "period": "2026-Q4"},
        "report-line": {"key": key},
        "records-begin": {"key": answered.get("request")},
        "records-answer": {"key": answered.get("answer")},
        "records-record": {"key": answered.get("answer"), "number": answered.get("number")},
        "records-export": {"key": answered.get("answer")},
        "publication": {"quarter": "2026-Q4"},
        "publication-folder": {"quarter": "2026-Q4"},
        "open-table": {"quarter": "2026-Q4"},
        "open-totals": {"quarter": "2026-Q4"},
        "open-fund-file": {"month": "2026-01", "name": "served.csv"},
        "filed-report": {"key": made},
        "report-folder": {"key": made},
        "report-file": {"key": made, "name": "trust-2024-none.txt"},
        "papers": {"key": key},
        **{one: {"key": paper} for one in PAPER},
        "delete-drill": {"key": key},
        "sheet": {"tenant": "city", "place": "library", "name": "poster", "language": "en"},
        **{act: {"key": key} for act in ("clock", "date", "ask-again", "close", "correct", "determine")},
        "api-matter": {"key": key},
        "api-nothing": {"rest": "nothing"},
        "api-kind": {"kind": "detainer"},
        "new-kind": {"kind": "detainer"},
        "fund-year": {"number": 2026},
        "fund-report": {"number": 1},
        "fund-review": {"number": 1},
        **{f"grantee-{one}": {"agreement": AGREEMENT} for one in ("report", "table")},
        "grantee-template": {"agreement": AGREEMENT, "name": "report.csv"},
        **{f"grantee-{one}": {"agreement": AGREEMENT, "number": 1} for one in ("filed", "act")},
        "fund-agreement": {"name": AGREEMENT},
        "fund-terms": {"name": AGREEMENT},
        "fund-claim": {"name": "river-2026-01"},
        "fund-act": {"word": "open-year"},
        "fund-act-on": {"word": "approve", "about": "river-2026-01"},
    }
    if name.startswith("letter-"):
        typed = {"to": "Sample Agency", "paper": "detainer", "paper-day": "2026-11-20", "keep": "1"}
        kept = clients["counsel"].post(f"{filed}letter/", typed).headers["location"]
        needed[name] = {"key": key, "letter": uuid.UUID(kept.split("/")[4])}
    assert None not in needed.get(name, {}).values()
    address = reverse(name, kwargs=needed.get(name, {}))
    got = {who: getattr(clients[who], method)(address).status_code for who in WHO}
    assert got == dict(zip(WHO, expected, strict=True))
    other = "post" if method == "get" and name not in FORMS else None
    if other is not None:
        assert clients["owner"].post(address).status_code == 405


@pytest.mark.parametrize("act", ["verify", "answer", "seal", "date", "again", "close"])
@pytest.mark.parametrize("who", ["owner", "colleague", "auditor"])
def test_who_may_not_act_changes_nothing(
    desk: Any, clients: dict[str, Any], recording: Recording, act: str, who: str
) -> None:
    assert desk
    sent = {"of-court": "enter", "who-asks": "FBI", "papers": ["court_criminal"]}
    sent |= {"token": str(uuid.uuid4()), "file": "1"}  # noqa: TID251  # a form's
    filed = clients["owner"].post("/new/court-paper/", sent).headers["location"]
    count = len(recording())
    form = {
        "paper": "court_criminal",
        "verified": "yes",
        "scope": "in",
        "current": "yes",
        "evidence": "clerk",
    }
    done = clients[who].post(
        f"{filed}{act}/",
        {**form, "until": "2999-01-01", "day": "2099-01-01", "seen": "1", "why": "withdrawn"},
        follow=True,
    )
    assert "not yours to do" in done.content.decode()
    assert len(recording()) == count


@pytest.mark.parametrize(
    "form",
    [
        {"paper": "no_such_paper", "verified": "yes", "scope": "in", "current": "yes", "evidence": "clerk"},
        {
            "paper": "court_criminal",
            "verified": "yes",
            "scope": "wide",
            "current": "yes",
            "evidence": "clerk",
        },
        {"paper": "court_criminal.verified'--", "evidence": "x"},
        {"paper": "court_criminal", "verified": "yes", "scope": "in", "current": "yes", "evidence": ""},
        {
            "paper": "court_criminal",
            "verified": "yes",
            "scope": "in",
            "current": "yes",
            "evidence": "x" * 121,
        },
        {
            "paper": "court_criminal",
            "verified": "yes",
            "scope": "in",
            "current": "yes",
            "evidence": "clerk\x00",
        },
        {
            "paper": "court_criminal",
            "verified": "yes",
            "scope": "in",
            "current": "yes",
            "evidence": "clerk\nof court",
        },
        {},
    ],
)
def test_what_the_order_does_not_know_is_refused_in_a_line(
    desk: Any, clients: dict[str, Any], recording: Recording, form: dict[str, str]
) -> None:
    assert desk
    sent = {"of-court": "enter", "who-asks": "FBI", "papers": ["court_criminal"]}
    sent |= {"token": str(uuid.uuid4()), "file": "1"}  # noqa: TID251  # a form's
    filed = clients["owner"].post("/new/court-paper/", sent).headers["location"]
    count = len(recording())
    done = clients["counsel"].post(f"{filed}verify/", form, follow=True)
    assert done.status_code == 200
    assert "usa-alert--error" in done.content.decode()
    assert len(recording()) == count


FIELDS = sorted(
    {
        name
        for file in (Path(templates) for templates in [doorward.desk.__path__[0]])
        for template in file.glob("templates/desk/**/*.html")
        for name in re.findall(r'name="([a-z_-]+)"', template.read_text(encoding="utf-8"))
    }
)


WORDS = ("\x00", "a\ud800b", "1" * 5000, "\u202e<b>")


@pytest.mark.parametrize(("name", "value"), [(name, WORDS[at % 4]) for at, name in enumerate(TABLE)])
def test_no_word_in_any_field_is_a_fault_of_ours(clients: dict[str, Any], name: str, value: str) -> None:
    """Each address with one of the words in turn; with the other three in the long run."""
    send_in_every_field(clients, name, value)


@pytest.mark.long
@pytest.mark.parametrize("name", TABLE)
def test_nor_is_any_other_word(clients: dict[str, Any], name: str) -> None:
    for value in WORDS:
        send_in_every_field(clients, name, value)


def send_in_every_field(clients: dict[str, Any], name: str, value: str) -> None:
    from django.urls import reverse
    from django.urls.converters import IntConverter, UUIDConverter

    assert {"paper", "number", "counsel"} <= set(FIELDS)
    sent = {"of-court": "enter", "who-asks": "FBI", "papers": ["court_criminal"]}
    sent |= {"token": str(uuid.uuid4()), "file": "1"}  # noqa: TID251  # a form's
    filed = clients["owner"].post("/new/court-paper/", sent).headers["location"]
    keyed = {"key": uuid.UUID(filed.split("/")[2])}
    pattern = next(one for one in urlpatterns() if one.name == name)
    needed = {
        word: keyed["key"]
        if isinstance(one, UUIDConverter)
        else 2023
        if isinstance(one, IntConverter)
        else "detainer"
        for word, one in pattern.pattern.converters.items()
    }
    address, words = reverse(name, kwargs=needed), dict.fromkeys(FIELDS, value)
    raw = urlencode(words, errors="surrogatepass")
    for who in ("counsel", "owner"):
        got = clients[who].get(f"{address}?{raw}")
        assert got.status_code < 500
        got = clients[who].post(address, raw, content_type="application/x-www-form-urlencoded")
        assert got.status_code < 500


def urlpatterns() -> list[Any]:
    from doorward.desk.urls import urlpatterns as patterns

    return patterns


@pytest.mark.parametrize("who", ["owner", "colleague", "stranger", "supervisor", "auditor", "security"])
def test_who_may_not_report_changes_nothing(
    desk: Any, clients: dict[str, Any], recording: Recording, made: uuid.UUID, who: str
) -> None:
    assert desk
    sent = {"of-custody": "hold", "who-asks": "ICE-ERO", "token": str(uuid.uuid4()), "file": "1"}  # noqa: TID251  # a form's
    filed = clients["owner"].post("/new/detainer/", sent).headers["location"]
    count = len(recording())
    for address, form in (
        ("/reports/trust/2023/", {"certifies": "yes"}),
        (f"/reports/filed/{made}/", {"note": "x"}),
        (f"/reports/line/{filed.split('/')[2]}/", {"civil": "no"}),
        ("/public/", {}),
        ("/public/2026-Q4/", {"note": "x"}),
        ("/custody/", {"text": "event,paper,what,at,agency,corrects\n", "import": "1"}),
    ):
        answer = clients[who].post(address, form, follow=True)
        said = answer.content.decode()
        # An auditor may publish: what is sent here is refused for what it is.
        assert (
            answer.status_code in {NOT, GONE, 422} or "not yours to do" in said or "usa-alert--error" in said
        )
    assert len(recording()) == count

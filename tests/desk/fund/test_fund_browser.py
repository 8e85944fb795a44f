"""The fund's pages in a real browser: by axe, at a desk and on a phone; a form that is refused and put right."""

import os
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from desk.test_browser import Person, address, browser  # noqa: F401  # fixtures of that file
from doorward.cli.folders import Folders
from doorward.cli.fund_record import fund_recorder
from doorward.fund.ledger.refusal import Refusal
from doorward.fund.sample import sample_submissions
from doorward.fund.store import Store

pytestmark = pytest.mark.pg
PAGES = (
    "/fund/",
    "/fund/2026/",
    "/fund/agreements/river-1/",
    "/fund/claims/river-2026-10/",
    "/fund/do/invoice/river-1/",
    "/fund/do/appropriate/",
)


@pytest.fixture(name="sample")
def sample_fixture(desk: Any, request: pytest.FixtureRequest) -> None:
    """The sample's fund as it stands in November."""
    from django.conf import settings

    request.getfixturevalue("ledger")
    assert settings.DESK.fund is not None
    now = datetime(2026, 11, 26, 12, tzinfo=UTC)
    made = sample_submissions(
        now.date(), (date(2026, 1, 1), date(2026, 12, 31)), year=2026, line="legal",
        services=("screening", "representation"), source="ordinance",
    )  # fmt: skip
    with (
        fund_recorder(Folders(desk.folder), now=now) as recorder,
        closing(Store(settings.DESK.fund.conninfo, recorder)) as store,
    ):
        assert not [one for one in made if isinstance(store.submit(one, now=now), Refusal)]


def look_at(person: Person, name: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    results = Axe().run(person.page)
    assert results.violations_count == 0, results.generate_report()
    shots = os.environ.get("DOORWARD_SHOTS")
    if shots:
        person.page.screenshot(path=str(Path(shots) / f"{name}.png"), full_page=True)


FEW = ((360, ("/fund/2026/",)), (1100, ("/fund/do/invoice/river-1/",)))
ALL = ((360, PAGES), (1100, PAGES))


@pytest.mark.usefixtures("sample")
@pytest.mark.parametrize("sizes", [FEW, pytest.param(ALL, marks=pytest.mark.long)], ids=["few", "all"])
def test_pages_are_whole_at_a_desk_and_on_a_phone(
    browser: Any,  # noqa: F811  # as above
    address: str,  # noqa: F811  # as above
    sizes: tuple[tuple[int, tuple[str, ...]], ...],
) -> None:
    for width, paths in sizes:
        person = Person(browser, address, width=width)
        person.play("fay.example")
        for path in paths:
            person.go(path)
            person.page.get_by_role("heading", level=1).wait_for()
            look_at(person, f"{path.strip('/').replace('/', '-')}-{width}")
            wide = person.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, path  # what is wider scrolls within its own frame
        assert person.complaints == []
        person.context.close()


@pytest.mark.usefixtures("sample")
def test_a_refused_form_is_put_right_and_the_second_person_ends_it(browser: Any, address: str) -> None:  # noqa: F811  # as above
    manager = Person(browser, address)
    manager.play("fay.example")
    manager.go("/fund/")
    page = manager.page
    page.get_by_role("link", name="New agreement").click()
    page.get_by_label("Id of the agreement").fill("lake-1")
    page.get_by_label("Id of the grantee").fill("lake-legal-example")
    page.get_by_label("First day of the agreement").fill("2026-11-01")
    page.get_by_label("Last day of the agreement").fill("2026-12-31")
    page.get_by_label("Dollars from Legal").fill("120,000.01")
    page.get_by_label("Dollars from Legal").press("Enter")
    page.get_by_text("There is not so much left that nobody holds").wait_for()
    page.get_by_text("120000.01 dollars in `legal` of 2026: only 120000.00 is available").wait_for()
    look_at(manager, "fund-refused")
    page.get_by_label("Dollars from Legal").fill("$120,000.00")
    page.get_by_role("button", name="Set it aside").click()
    page.get_by_text("Done: agree").wait_for()
    assert page.get_by_text("writer 15, entry").count() >= 1
    director = Person(browser, address)
    director.play("dora.example")
    director.go("/fund/do/post/lake-1/")
    director.page.get_by_role("button", name="Post it").click()
    director.page.get_by_text("Done: post").wait_for()
    assert [one for one in manager.complaints if "409" not in one] == director.complaints == []
    for one in (manager, director):
        one.context.close()

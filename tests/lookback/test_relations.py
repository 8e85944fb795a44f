"""The front door and the back door are told apart by the owner's list of partners."""

from datetime import date
from pathlib import Path
from typing import Any, Literal

import pytest

from doorward.lookback.agencies.searchers import SearcherMatcher, make_order
from doorward.lookback.audit import Audit, Plan, audit
from doorward.lookback.folder import AuditFolder
from doorward.lookback.published.relations import find_partners, shares_with
from doorward.lookback.published.sharing_files import Shared, SharingList
from doorward.orders.load import load_pack
from tests_support.access_logs import AUDIT_13, audit_row, write

FBI, HSI = (
    "[Federal] Federal Bureau of Investigation (FBI)",
    "[Federal] Homeland Security Investigations (HSI)",
)

ERO = "[Federal] ICE Enforcement and Removal Operations"


def silent(stage: str, done: int, total: int) -> None:
    """Take no note."""
    del stage, done, total


def matcher() -> SearcherMatcher:
    return SearcherMatcher(order=make_order(load_pack("chicago")))


@pytest.mark.parametrize(
    ("partners", "searcher", "expected"),
    [
        ([HSI], HSI, True),
        (["Homeland Security Investigations"], HSI, True),  # another writing of the same agency
        ([FBI], HSI, False),
        (["[Federal] Some Bureau"], HSI, None),  # nobody can tell which one that is
        (["Elmton Police Department (WI)"], HSI, False),
        ([FBI], "Elmton Police Department (WI)", None),  # no list of agencies was given
        (["Elmton Police Department (WI)"], "Elmton Police Department (WI)", True),
    ],
)
def test_who_is_a_partner_and_who_is_not(
    partners: list[str], searcher: str, expected: Literal[True, False] | None
) -> None:
    known = matcher()
    assert shares_with(known, find_partners(known, partners), known.match(searcher)) is expected


def test_a_searcher_that_nobody_names_may_be_anybody() -> None:
    known = matcher()
    assert shares_with(known, find_partners(known, [HSI]), known.match(None, "masked")) is None


@pytest.mark.parametrize(
    ("listed", "paths"),
    [
        ((), {"cannot-tell": 2}),
        ((ERO,), {"front": 2}),
        (
            (FBI,),
            {"back": 1, "cannot-tell": 1},
        ),  # one network that the list has not: list and log do not agree
    ],
)
def test_the_list_of_an_owner_tells_the_way(
    engine: Any, folder: AuditFolder, tmp_path: Path, listed: tuple[str, ...], paths: dict[str, int]
) -> None:
    rows = [
        audit_row(1, **{"Org Name": ERO}),
        audit_row(2, **{"Org Name": ERO, "Total Networks Searched": "1"}),
    ]
    log = write(tmp_path / "elmton-il-pd__2026-04-19.csv", [AUDIT_13, *rows])
    of = SharingList(
        "elmton-il-pd",
        "Elmton IL PD",
        date(2026, 4, 1),
        tuple(Shared(name) for name in listed),
        {},
        "list.csv",
    )
    plan = Plan(orders=[load_pack("chicago")], shared=[of])
    audit(Audit(engine, folder, plan, silent), [log])
    found = engine.execute(
        f"SELECT path, CAST(sum(n) AS BIGINT) FROM read_parquet('{folder.counts}') GROUP BY ALL"
    ).fetchall()
    assert dict(found) == paths

"""An audit from files to findings, counted by hand: what each row is under the sample order and under published words.

Every agency, number and reason is invented. What a row must come to stands beside it, worked out from the order's text
(`orders/chicago/database.cedar`) and not from what the audit said.
"""

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests_support.access_logs import AUDIT_13, PORTAL, audit_row, portal_row, uuid, write
from tests_support.agency_rows import list_csv
from tests_support.audits import Given, counts, findings, manifest, page, run_audit, table, tally, write_pages
from tests_support.workbooks import Sheet, save_workbook

HOME, QUARRY, STATELINE, UPSTATE = "Chicago IL PD", "Quarry IL PD", "Mica Township WI PD", "Quarry CA PD"
ICE, HSI = "[Federal] Immigration and Customs Enforcement", "Homeland Security Investigations"
FBI = "[Federal] Federal Bureau of Investigation (FBI)"
NUMBER = {"Case #": "SMP-26-0001"}


class Row(NamedTuple):
    """A row of a log and what it must come to: result, clauses, tier, way."""

    searcher: str
    reason: str
    result: str
    clauses: str
    tier: str
    way: str
    cells: dict[str, str] = {}  # noqa: RUF012  # nobody changes it


def at(day: str) -> dict[str, str]:
    return {"Search Time": f"04/{day}/2026, 12:00:00 AM UTC"}


# The declaration of Mica Township holds from 10 to 20 April; no other agency has one.
NETWORK = [
    # The City's own login: whoever it is (the role is open), its use for civil enforcement is closed (T15h4, A130b).
    Row(HOME, "immigration enforcement", "inconsistent", "T15h4 A130b", "explicit", "own"),
    # Without a case number the register has none: nothing opens it, and a person decides; no clause in every case.
    Row(HOME, "burglary", "referred", "", "other", "own"),
    # With a number, it may be open and assigned, or not.
    Row(HOME, "burglary", "cannot-tell", "", "other", "own", NUMBER),
    # Another police agency of the State: T15h1 (help), A130b (plates).
    Row(QUARRY, "immigration enforcement", "inconsistent", "T15h1 A130b", "explicit", "other"),
    Row(QUARRY, "assist ICE", "inconsistent", "T15h1 A130b", "agency-named", "side"),
    # HSI is a mixed agency: 9.2 is an open question, so the law department is asked; it is no immigration agency here.
    Row(QUARRY, "assist HSI", "referred", "T15h5 T15hx", "agency-named", "other"),
    Row(QUARRY, "HSI narcotics", "referred", "T15h5 T15hx", "agency-named", "other"),
    # Outside the order where a custodian searched for the agency itself; referred where nobody knows for whom.
    Row(QUARRY, "burglary", "cannot-tell", "", "other", "other"),
    Row(QUARRY, "traffic infraction", "cannot-tell", "", "other", "other"),
    Row(QUARRY, "***", "cannot-tell", "", "other", "cannot-tell"),
    # No purpose is said: nothing opens it.
    Row(QUARRY, "", "referred", "", "other", "other"),
    Row(QUARRY, "investigation", "referred", "", "vague", "other"),
    Row(QUARRY, "abandoned car, ice storm", "referred", "", "other", "other"),
    Row(ICE, "burglary", "referred", "C30b T15h5", "other", "cannot-tell"),
    Row(ICE, "immigration enforcement", "inconsistent", "C30b T15h4 T15h5", "explicit", "cannot-tell"),
    # For itself, or for ICE: mixed-agency refers, direct-access-federal-civil denies.
    Row(HSI, "burglary", "referred", "", "other", "other"),
    Row(HSI, "immigration enforcement", "inconsistent", "C30b T15h4 T15h5", "explicit", "other"),
    Row(FBI, "burglary", "referred", "", "other", "other"),
    Row(FBI, "immigration enforcement", "inconsistent", "C30b T15h4", "explicit", "other"),
    # Another State, without its declaration on file: A130c, on the day before, after the last day, and never.
    Row(STATELINE, "burglary", "inconsistent", "A130c", "other", "other", NUMBER | at("09")),
    Row(STATELINE, "burglary", "cannot-tell", "", "other", "other", NUMBER | at("10")),
    Row(STATELINE, "burglary", "cannot-tell", "", "other", "other", NUMBER | at("20")),
    Row(STATELINE, "burglary", "inconsistent", "A130c", "other", "other", NUMBER | at("21")),
    # On file, and no case number: the permit asks for one.
    Row(STATELINE, "burglary", "referred", "", "other", "other", at("15")),
    Row(UPSTATE, "burglary", "inconsistent", "A130c", "other", "other", NUMBER),
    Row(UPSTATE, "immigration enforcement", "inconsistent", "T15h1 A130b A130c", "explicit", "other"),
    # Who searched is masked, or nobody knows the name: no agency of the order is meant for certain.
    Row("***", "immigration enforcement", "referred", "", "explicit", "cannot-tell"),
    Row("", "burglary", "cannot-tell", "", "other", "cannot-tell"),
    Row("Nobody In Particular", "burglary", "cannot-tell", "", "other", "cannot-tell"),
]  # fmt: skip


def log(path: Path, rows: list[Row], *, first: int = 1) -> Path:
    made = [
        audit_row(number, **{"Org Name": row.searcher, "Reason": row.reason}, **row.cells)
        for number, row in enumerate(rows, first)
    ]
    return write(path, [AUDIT_13, *made])


@pytest.fixture(scope="module")
def agencies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lists") / "agencies.csv"
    path.write_text(list_csv(), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def declarations(agencies: Path) -> Path:
    path = agencies.with_name("declarations.csv")
    path.write_text(
        "agency,ori,from,until,evidence\nMica Township PD,WI0010100,2026-04-10,2026-04-20,SMP-1\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory, agencies: Path, declarations: Path) -> Path:
    """The audit of one network log under the sample order."""
    folder = tmp_path_factory.mktemp("network")
    given = Given(orders=["chicago"], agencies=agencies, declarations=declarations)
    run_audit(folder / "out", [log(folder / "chicago-il-pd__2026-05-01.csv", NETWORK)], given)
    return folder / "out"


def test_each_row_is_what_was_counted_by_hand(network: Path) -> None:
    expected = Counter((r.result, r.clauses, r.tier, r.way) for r in NETWORK)
    assert tally(counts(network), "result", "clauses", "tier", "path") == expected


def test_findings_are_the_rows_that_were_counted_by_hand(network: Path) -> None:
    expected = [
        (number, row.result, row.clauses, row.tier, row.way)
        for number, row in enumerate(NETWORK, 2)
        if row.result in {"inconsistent", "referred"} or row.tier in {"explicit", "agency-named"}
    ]
    found = [
        (one["row"], one["result"], " ".join(one["clauses"]), one["tier"], one["path"])
        for one in findings(network)
    ]
    assert found == expected


def test_a_finding_leads_to_its_line_in_the_file(network: Path) -> None:
    with (network.parent / "chicago-il-pd__2026-05-01.csv").open(newline="", encoding="utf-8") as stream:
        records = list(csv.reader(stream))
    names = records[0]
    seen = 0
    for one in findings(network):
        cells = dict(zip(names, records[one["row"] - 1], strict=True))
        assert (one["file"], one["sheet"], one["id"]) == (0, "", cells["ID"])
        assert (one["reason"] or "") in {cells["Reason"], ""}
        assert one["reason_state"] == ("value" if cells["Reason"] else "blank")
        assert (one["searcher"] or "") == cells["Org Name"].replace("***", "")
        assert one["case_no"] == (cells["Case #"] or None)
        if one["tier"] in {"explicit", "agency-named"}:
            assert one["patterns"]
            assert all(text.lower() in one["reason"].lower() for text in one["evidence"])
            seen += 1
        assert (one["outcome"] is None) == (len(one["possible"]) > 1)
    assert seen == sum(row.tier in {"explicit", "agency-named"} for row in NETWORK)


def test_the_manifest_says_the_same_as_the_tables(network: Path) -> None:
    told = manifest(network)
    assert told["results"] == {"chicago": tally(counts(network), "result")}
    assert told["tiers"] == {"chicago": tally(counts(network), "tier")}
    assert told["totals"]["kept"] == len(NETWORK) == sum(row["n"] for row in counts(network))
    assert told["files"][0]["period"] == ["2026-04-09 00:00:00", "2026-04-21 00:00:00"]


def test_the_same_search_counts_once_in_each_owners_logs(tmp_path: Path, agencies: Path) -> None:
    """Rows 1 to 5 in one log; 1 twice there; 2 and 3 in a second release; 4 in another owner's log.

    | file | read | same file | same owner | another owner | kept |
    | chicago May     | 6 | 1 | 0 | 0 | 5 |
    | chicago June    | 3 | 0 | 2 | 0 | 1 |
    | quarry May      | 2 | 0 | 0 | 1 | 1 |
    """
    rows = [audit_row(n, **{"Org Name": QUARRY, "Reason": "immigration enforcement"}) for n in range(1, 8)]
    files = [
        write(tmp_path / "chicago-il-pd__2026-05-01.csv", [AUDIT_13, *rows[:5], rows[0]]),
        write(tmp_path / "chicago-il-pd__2026-06-01.csv", [AUDIT_13, *rows[1:3], rows[5]]),
        write(tmp_path / "quarry-il-pd__2026-05-01.csv", [AUDIT_13, rows[3], rows[6]]),
    ]
    told = run_audit(tmp_path / "out", files, Given(orders=["chicago"], agencies=agencies))
    kinds = [tuple(one["accounting"]["duplicates"].values()) for one in told["files"]]
    assert kinds == [(1, 0, 0), (0, 2, 0), (0, 0, 1)]
    assert [one["accounting"]["kept"] for one in told["files"]] == [5, 1, 1]
    assert tally(counts(tmp_path / "out"), "owner", "path") == {(HOME, "other"): 6, (QUARRY, "own"): 1}
    assert [(one["file"], one["row"]) for one in findings(tmp_path / "out")] == [
        *((0, row) for row in range(2, 7)), (1, 4), (2, 3),
    ]  # fmt: skip


def test_agreements_count_from_the_day_of_signing_and_not_beyond_the_list(
    tmp_path: Path, agencies: Path
) -> None:
    listed = save_workbook(
        tmp_path / "participatingAgencies04152026am.xlsx",
        [
            Sheet(
                "list",
                [
                    ["STATE", "LAW ENFORCEMENT AGENCY", "TYPE", "COUNTY", "SUPPORT TYPE", "SIGNED"],
                    [
                        "WISCONSIN",
                        "Mica Township Police Department",
                        "Municipality",
                        "Mica",
                        "Task Force Model",
                        "2026-04-11",
                    ],
                ],
            )
        ],
    )
    rows = [
        (STATELINE, "10"),
        (STATELINE, "11"),
        (STATELINE, "16"),
        (QUARRY, "10"),
        (QUARRY, "15"),
        (QUARRY, "16"),
    ]
    made = [Row(searcher, "burglary", "", "", "", "", at(day)) for searcher, day in rows]
    file = log(tmp_path / "chicago-il-pd__2026-05-01.csv", made)
    run_audit(tmp_path / "out", [file], Given(orders=["chicago"], agencies=agencies, participating=listed))
    found = table(tmp_path / "out", "data/accesses/0000.parquet", "row, participating", "ORDER BY row")
    # After the day of the list nothing is known of an agency that is not on it; on that day still.
    assert [one["participating"] for one in found] == [False, True, True, False, False, None]


@pytest.mark.parametrize(
    ("partners", "way"),
    [
        (["Quarry IL PD", "US Immigration and Customs Enforcement (ICE)"], "front"),
        (["Quarry IL PD"], "back"),
        (
            ["Quarry IL PD", "ICE Enforcement and Removal Operations"],
            "cannot-tell",
        ),  # a part, and ICE stands in the log
        ([], "cannot-tell"),  # a page that lists nobody
    ],
)
def test_the_door_is_named_by_the_owners_own_list(
    tmp_path: Path, agencies: Path, partners: list[str], way: str
) -> None:
    words = {"crawled_name": "Chicago IL PD", "sharing_outbound": json.dumps(partners)}
    listed = write_pages(tmp_path / "policies.csv", page("chicago-il-pd", **words))
    file = log(tmp_path / "chicago-il-pd__2026-05-01.csv", [Row(ICE, "burglary", "", "", "", "")])
    run_audit(tmp_path / "out", [file], Given(orders=["chicago"], agencies=agencies, policies=listed))
    assert [one["path"] for one in counts(tmp_path / "out") if one["rules"] == "chicago"] == [way]


def test_whose_paper_it_is_may_not_be_known(tmp_path: Path, agencies: Path) -> None:
    """A paper of nobody holds from 10 to 20 April: any agency may be meant; who searched may be masked as well."""
    papers = tmp_path / "declarations.csv"
    papers.write_text(
        "agency,ori,from,until,evidence\nThe Department,,2026-04-10,2026-04-20,SMP-1\n", encoding="utf-8"
    )
    rows = [
        (UPSTATE, "09", False),
        (UPSTATE, "10", None),
        (UPSTATE, "20", None),
        (UPSTATE, "21", False),
        ("***", "09", None),
    ]
    made = [Row(searcher, "burglary", "", "", "", "", at(day)) for searcher, day, _ in rows]
    file = log(tmp_path / "chicago-il-pd__2026-05-01.csv", made)
    run_audit(tmp_path / "out", [file], Given(orders=["chicago"], agencies=agencies, declarations=papers))
    found = table(tmp_path / "out", "data/accesses/0000.parquet", "row, declared", "ORDER BY row")
    assert [one["declared"] for one in found] == [declared for *_, declared in rows]


USUAL = (
    "Immigration enforcement, traffic enforcement, harassment or intimidation, usage based solely on a protected "
    "class (i.e. race, sex, religion), Personal use."
)
ONLY = "Data is used for law enforcement purposes only. Data is owned by Stone County SO and is never sold."


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    words = {"prohibited_uses": USUAL, "acceptable_use_policy": ONLY, "data_retention_days": "30"}
    reason = "All system access requires a valid reason and is stored indefinitely."
    number = "All system access requires a valid case number."
    return write_pages(
        tmp_path_factory.mktemp("pages") / "policies.csv",
        page("stone-county-ca-so", crawled_name="Stone County CA SO", access_policy=reason, **words),
        page("quarry-ca-pd", crawled_name="Quarry CA PD", access_policy=number, **words),
    )


def test_an_owner_is_held_to_its_own_published_words(tmp_path: Path, pages: Path) -> None:
    rows = [  # reason, offense; result, clauses, tier
        ("burglary", "Burglary", "consistent", "ONLY-law-enforcement", "other"),
        ("traffic infraction", "", "inconsistent", "USE-traffic-enforcement", "other"),
        ("traffic investigation", "", "referred", "USE-traffic-enforcement", "other"),
        ("immigration enforcement", "", "inconsistent", "USE-immigration-enforcement", "explicit"),
        ("", "", "inconsistent", "DUTY-reason", "other"),
        ("", "Burglary", "consistent", "ONLY-law-enforcement", "other"),
        ("investigation", "", "referred", "DUTY-reason", "vague"),
        ("***", "", "cannot-tell", "", "other"),
        # Masked beside a chosen offense: the words may still say what is prohibited.
        ("***", "Burglary", "cannot-tell", "", "other"),
        ("***", "traffic infraction", "inconsistent", "USE-traffic-enforcement", "other"),
        ("assist HSI", "", "consistent", "ONLY-law-enforcement", "agency-named"),
        ("287(B) vehicle", "", "consistent", "ONLY-law-enforcement", "other"),
    ]
    made = [[*portal_row(n, reason=row[0]), row[1]] for n, row in enumerate(rows, 1)]
    file = write(tmp_path / "stone-county-ca-so__2026-04-30.csv", [[*PORTAL, "offenseType"], *made])
    told = run_audit(tmp_path / "out", [file], Given(policies=pages))
    assert [one["name"] for one in told["rules"]] == ["stone-county-ca-so"]
    expected = Counter((row[2], row[3], row[4]) for row in rows)
    assert tally(counts(tmp_path / "out"), "result", "clauses", "tier") == expected
    assert {one["path"] for one in counts(tmp_path / "out")} <= {"own", "cannot-tell"}
    assert [one["row"] for one in findings(tmp_path / "out")] == [3, 4, 5, 6, 8, 11, 12]


def test_a_blank_reason_without_a_column_of_offenses_is_not_on_its_face_without_one(
    tmp_path: Path, pages: Path
) -> None:
    file = write(tmp_path / "stone-county-ca-so__2026-04-30.csv", [PORTAL, portal_row(1, reason="")])
    run_audit(tmp_path / "out", [file], Given(policies=pages))
    assert tally(counts(tmp_path / "out"), "result", "said") == {("cannot-tell", "blank"): 1}


def test_a_case_number_and_the_days_of_retention_are_required_by_the_words(
    tmp_path: Path, pages: Path
) -> None:
    def frame(first: str) -> dict[str, str]:
        return {"Time Frame": f"{first}, 05:00:00 AM UTC -\n04/10/2026, 05:00:00 AM UTC", "Org Name": UPSTATE}

    rows = [  # the search is on 10 April, 05:00 and some seconds
        (audit_row(1, **frame("03/11/2026"), **NUMBER), "consistent", "ONLY-law-enforcement"),  # 30 days
        (audit_row(2, **frame("03/10/2026"), **NUMBER), "referred", "RETENTION"),  # 31 days
        (audit_row(3, **frame("03/11/2026")), "inconsistent", "DUTY-case"),
        (audit_row(4, **frame("03/11/2026"), **{"Case #": "***"}), "cannot-tell", ""),
        (audit_row(5, **frame("03/11/2026"), **{"Case #": "***", "Reason": "traffic infraction"}), "inconsistent",
         "USE-traffic-enforcement"),
    ]  # fmt: skip
    file = write(tmp_path / "quarry-ca-pd__2026-05-01.csv", [AUDIT_13, *(row for row, *_ in rows)])
    run_audit(tmp_path / "out", [file], Given(policies=pages))
    assert tally(counts(tmp_path / "out"), "result", "clauses") == Counter(tuple(row[1:]) for row in rows)
    found: list[dict[str, Any]] = findings(tmp_path / "out")
    assert [(one["row"], one["reach_back_days"]) for one in found] == [(3, 31), (4, 30), (6, 30)]
    assert found[0]["id"] == uuid(2)

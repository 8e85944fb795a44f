"""A publication: what must not be in it is not, and where it is, nothing is published."""

import json
import re
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest

from doorward.errors import ConfigError, VerificationError
from doorward.lookback.folder import AuditFolder
from doorward.lookback.report import publication, write
from doorward.lookback.report.content import RESULTS, TIERS, Options
from doorward.lookback.report.masking import Taken
from doorward.lookback.report.numbers import Numbers
from doorward.lookback.report.second_pass import texts_of
from doorward.lookback.report.source import Source
from doorward.lookback.report.write import publish_report, write_report
from tests_support.audit_folder import OWNERS, Access, Sample, ordinary

DAY = date(2026, 4, 10)
SECRETS = (
    "QZX4417",
    "LUVDOGZ",
    "u-7781-alder",
    "badge5512x",
    "24-0019377",
    "Exampleson",
    "00000000-0000-4000",
)


def publish(root: Path, sample: Sample | None = None, options: Options | None = None) -> Path:
    folder = (sample or Sample()).write(root / "audit")
    with duckdb.connect() as connection:
        publish_report(
            connection, folder, root / "public", options or Options(publish_on=DAY, interactive=False)
        )
    return root / "public"


def everything(public: Path) -> str:
    return "\n".join(
        text for file in sorted(public.rglob("*")) if file.is_file() for text in texts_of(file) or ()
    )  # fmt: skip


def test_no_personal_cell_of_the_audit_is_in_any_file(tmp_path: Path) -> None:
    public = publish(tmp_path)
    text = everything(public)
    raw = b"".join(
        file.read_bytes() for file in public.rglob("*") if file.is_file() and file.suffix != ".pdf"
    )
    for secret in SECRETS:
        assert secret not in text
        assert secret.encode() not in raw
    assert "Immigration violation" in text


def test_no_file_of_rows_is_published(tmp_path: Path) -> None:
    public = publish(tmp_path)
    assert {file.suffix for file in public.rglob("*") if file.is_file()} == {".html", ".json", ".pdf", ".csv"}
    assert not (public / "findings.csv").exists()


def test_nothing_is_placed_nearer_than_a_month_or_within_thirty_days(tmp_path: Path) -> None:
    late = [
        *ordinary(),
        Access(OWNERS[0], 90, "immigration violation", "explicit", "inconsistent", "C20", times=50),
    ]
    text = everything(publish(tmp_path, Sample(late)))
    days = set(re.findall(r"\b20\d\d-\d\d-\d\d\b", text)) - {
        "2026-04-10",
        "2026-03-01",
        "2026-01-01",
        "2026-02-01",
    }
    assert not days - {day for day in days if day > "2026-04-10"}  # from when more is shown
    assert "2026-04" not in text.replace("2026-04-10", "").replace("2026-04-30", "")
    assert "month = DATE '2026-03-01'" not in text


def test_a_later_day_of_publication_shows_more_months(tmp_path: Path) -> None:
    public = publish(tmp_path, options=Options(publish_on=date(2026, 6, 1), interactive=False, pdf=False))
    assert "month = DATE '2026-03-01'" in everything(public)


def test_no_small_number_can_be_worked_out_from_all_that_is_published_together(tmp_path: Path) -> None:
    """The attack: unknown is how many accesses there are of each kind; each published number is an equation."""
    public = publish(tmp_path)
    with duckdb.connect() as connection:
        source = Source(connection, AuditFolder(tmp_path / "audit"))
        atoms = [atom for atom in source.atoms("2026-03-01") if atom.values["rules"] == "sample-order"]
    numbers = Numbers(tuple(atoms))
    table = (public / "numbers.csv").read_text(encoding="utf-8")
    equations, small = [], []
    for owner in OWNERS:
        small += [{"owner": owner, "result": result} for result in RESULTS]
        small += [{"owner": owner, "tier": tier} for tier in TIERS]
    for line in re.findall(r"WHERE ([^\n]*?) AND month < DATE '2026-03-01'", table):
        tests = dict(re.findall(r"(\w+) = (?:DATE )?'([^']*)'", line))
        clause = re.findall(r"list_contains\(string_split\(clauses, ' '\), '([^']*)'\)", line)
        searcher = re.findall(r"coalesce\(agency, ''\) = '([^']*)'", line)
        if tests.pop("rules", "") == "sample-order":
            tests |= {"searcher": searcher[0]} if searcher else {}
            equations.append([
                int(all(a.values[k] == v for k, v in tests.items()) and all(c in a.clauses for c in clause))
                for a in atoms
            ])  # fmt: skip
    assert len(equations) > 20
    found = 0
    for where in small:
        row = [int(all(atom.values[k] == v for k, v in where.items())) for atom in atoms]
        if 0 < (numbers.count(**where).value or 0) < 5:
            found += 1
            assert _rank([*equations, row]) == _rank(equations) + 1, where
    assert found == 4


def _rank(rows: list[list[int]]) -> int:
    work, done = [[Fraction(x) for x in row] for row in rows], 0
    for column in range(len(work[0])):
        pivot = next((i for i in range(done, len(work)) if work[i][column]), None)
        if pivot is not None:
            work[done], work[pivot] = work[pivot], work[done]
            for i in range(done + 1, len(work)):
                factor = work[i][column] / work[done][column]
                work[i] = [a - factor * b for a, b in zip(work[i], work[done], strict=True)]
            done += 1
    return done


def test_a_wording_is_published_where_enough_accesses_used_it_and_without_a_count(tmp_path: Path) -> None:
    report = json.loads((publish(tmp_path) / "report.json").read_text(encoding="utf-8"))
    groups = report["rules"][0]["exhibits"]
    assert [(group["title"], group["wordings"]) for group in groups] == [
        ("Wordings, explicit", ["Immigration violation"]), ("Wordings, agency-named", ["assist HSI"]),
    ]  # fmt: skip
    assert all(group["shown"] == [] and group["total"]["value"] is None for group in groups)


def test_masking_that_forgets_something_publishes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgetful(text: str, _words: frozenset[str]) -> tuple[str, list[Taken]]:
        return text, []

    monkeypatch.setattr(publication, "mask_for_publication", forgetful)
    named = [
        replace(one, reason="immigration violation, IL QZX4417") if one.times == 12 else one
        for one in ordinary()
    ]
    with pytest.raises(VerificationError, match="nothing was") as raised:
        publish(tmp_path, Sample(named))
    assert "QZX4417" not in str(raised.value)
    assert not (tmp_path / "public").exists()
    assert [file.name for file in tmp_path.iterdir()] == ["audit"]


@pytest.mark.parametrize(
    ("secret", "place"),
    [
        ("u-7781-alder", "report.html"), ("LUV DOGZ", "report.json"), ("case 24-0019377", "numbers.csv"),
        ("IL-QZX4417", "agencies/alder-example-pd.html"), ("000-12-3456", "report.json"),
    ],
)  # fmt: skip
def test_the_second_pass_reads_finished_files_however_they_came_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: str, place: str
) -> None:
    before = write._pass_again

    def spoil(source: Source, draft: Path, made: publication.Publication, wordings: list[str]) -> None:
        file = draft / place
        text = file.read_text(encoding="utf-8")
        spoilt = {
            ".html": text.replace("</main>", f"<p title='{''.join(f'&#{ord(c)};' for c in secret)}'></p></main>"),
            ".json": text.replace('"title"', json.dumps(secret).replace("4", "\\u0034") + ': 1, "title"', 1),
            ".csv": text + f"n-0,1,{secret}\r\n",
        }[file.suffix]  # fmt: skip
        assert spoilt != text
        file.write_text(spoilt, encoding="utf-8", newline="")
        before(source, draft, made, wordings)

    monkeypatch.setattr(write, "_pass_again", spoil)
    with pytest.raises(VerificationError):
        publish(tmp_path, options=Options(publish_on=DAY, interactive=False, pdf=False))
    assert not (tmp_path / "public").exists()


def test_the_second_pass_reads_the_text_of_a_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("doorward.lookback.report.pdf.CAUTION", ("The plate was LUVDOGZ.",))
    with pytest.raises(VerificationError, match=r"plate in .*\.pdf"):
        publish(tmp_path)


def test_a_file_of_another_kind_stops_the_publication(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = write._pass_again

    def add(source: Source, draft: Path, made: publication.Publication, wordings: list[str]) -> None:
        (draft / "notes.bin").write_bytes(b"\x00")
        before(source, draft, made, wordings)

    monkeypatch.setattr(write, "_pass_again", add)
    with pytest.raises(VerificationError, match="no known kind"):
        publish(tmp_path, options=Options(publish_on=DAY, interactive=False, pdf=False))


def test_a_folder_that_holds_something_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "public").mkdir()
    (tmp_path / "public/kept.txt").write_text("kept", encoding="utf-8")
    with pytest.raises(ConfigError, match="not empty"):
        publish(tmp_path)
    assert (tmp_path / "public/kept.txt").read_text(encoding="utf-8") == "kept"


def test_a_publication_needs_its_day(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the day on which it appears"):
        publish(tmp_path, options=Options())


def test_the_accounting_of_a_file_gives_no_withheld_number_away(tmp_path: Path) -> None:
    few = [*ordinary()[:6], Access(OWNERS[1], 3, times=3)]
    options = Options(publish_on=date(2026, 6, 1), interactive=False, pdf=False)
    report = json.loads((publish(tmp_path, Sample(few), options) / "report.json").read_text(encoding="utf-8"))
    hidden = {file["owner"] for file in report["files"] if file["accounting"] is None}
    assert OWNERS[1] in hidden
    totals = {row["head"]: row["cells"][0]["value"] for row in report["rules"][0]["results"]["rows"]}
    assert {owner for owner, total in totals.items() if total is None} - {"All"} <= hidden


def test_the_offices_own_report_is_not_touched_by_a_publication(tmp_path: Path) -> None:
    folder = Sample().write(tmp_path / "audit")
    with duckdb.connect() as connection:
        write_report(connection, folder, Options(pdf=False, interactive=False))
        before = {file: file.read_bytes() for file in folder.root.rglob("*") if file.is_file()}
        publish_report(
            connection, folder, tmp_path / "public", Options(publish_on=DAY, pdf=False, interactive=False)
        )
    assert {file: file.read_bytes() for file in folder.root.rglob("*") if file.is_file()} == before

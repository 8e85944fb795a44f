import csv
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doorward.errors import MalformedError
from doorward.lookback.engine import open_engine
from doorward.lookback.reading import portable
from doorward.lookback.reading.confined import MIB, Limits
from doorward.lookback.reading.portable import read_pdf
from doorward.lookback.reading.printed import Account, Page, Run, find_shape, lines_of, read_rows
from doorward.lookback.reading.raw import RawTable
from tests_support.prints import HEADER, draw, print_table

pytest.importorskip("duckdb")
pytest.importorskip("pypdfium2")

LIMITS = Limits(memory_bytes=768 * MIB, cpu_seconds=60, output_bytes=256 * MIB)
WORDS = [
    "stolen",
    "vehicle",
    "theft",
    "(felony)",
    "burglary",
    "follow-up",
    "26-01234",
    "assist",
    "other",
    "agency",
    "welfare",
    "check",
    "BOLO",
    "hit",
    "&",
    "run",
]
BIG = 10**9


def ident(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-{number * 7919:012x}"


def record(number: int, reason: str = "stolen vehicle") -> list[str]:
    return [
        ident(number),
        "***",
        str(number % 1400),
        f"04/{number % 28 + 1:02d}/2026, 05:01:33 AM UTC",
        reason,
    ]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Any]:
    with open_engine(tmp_path / "spill", threads=1) as connection:
        yield connection


def read(engine: Any, file: Path) -> RawTable:
    scratch = file.parent / f"scratch-{len(list(file.parent.iterdir()))}"
    scratch.mkdir()
    (table,) = read_pdf(engine, file, scratch, limits=LIMITS)
    return table


def rows(engine: Any, table: RawTable) -> list[list[str]]:
    names = ", ".join(f"c{number}" for number in range(len(table.header)))
    found = engine.execute(
        f"SELECT {names} FROM read_parquet(?) ORDER BY (split_part(sheet, ' ', 2))::INT, row",
        [str(table.path)],
    ).fetchall()
    return [[cell or "" for cell in row] for row in found]


def reasons(count: int, seed: int = 1) -> list[str]:
    chance = random.Random(seed)  # noqa: S311  # reasons of nobody
    return [" ".join(chance.choices(WORDS, k=chance.choice([0, 1, 2, 4, 30]))) for _ in range(count)]


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"repeat": False},
        {"align": "horizon + left"},
        {"align": "horizon + center"},
        {"align": "bottom + left"},
        {"inset": "2pt", "stroke": "none"},
        {"columns": "(12%, 9%, 13%, 14%, 1fr)"},
        {"columns": "(12%, 9%, 13%, 14%, 1fr)", "align": "horizon + center"},
        {"columns": "(auto, auto, auto, auto, 1fr)", "inset": "3pt"},
    ],
    ids=str,
)
def test_a_print_comes_back_cell_by_cell(engine: Any, tmp_path: Path, how: dict[str, Any]) -> None:
    source = [record(number, reason) for number, reason in enumerate(reasons(120), 1)]
    table = read(engine, print_table(tmp_path / "log.pdf", source, **how))
    assert table.header == tuple(HEADER)
    assert rows(engine, table) == source
    assert dict(table.rejected_by) == {}


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(st.sampled_from([*WORDS, "ñandú", "#4", "“quoted”", "x" * 30]), max_size=40).map(" ".join),
        min_size=1,
        max_size=60,
    )
)
def test_any_reasons_come_back_as_they_were(engine: Any, tmp_path: Path, given_reasons: list[str]) -> None:
    source = [record(number, reason) for number, reason in enumerate(given_reasons, 1)]
    assert rows(engine, read(engine, print_table(tmp_path / "log.pdf", source))) == source


def test_a_reason_goes_on_over_the_end_of_its_page(engine: Any, tmp_path: Path) -> None:
    long = " ".join(f"word{number}" for number in range(700))
    source = [record(number, long if number in {3, 20} else "theft") for number in range(1, 40)]
    table = read(engine, print_table(tmp_path / "log.pdf", source))
    assert rows(engine, table) == source
    assert dict(table.rejected_by) == {}
    assert any("go on with a record of the page before" in note for note in table.notes)


def test_titles_and_page_numbers_are_no_part_of_a_record(engine: Any, tmp_path: Path) -> None:
    source = [record(number) for number in range(1, 101)]
    table = read(
        engine, print_table(tmp_path / "log.pdf", source, before="= Search audit of April\nas released")
    )
    assert rows(engine, table) == source
    assert table.repeated_headers > 0
    assert any("titles, page numbers" in note for note in table.notes)


def test_a_document_of_one_page_keeps_its_footer_out(engine: Any, tmp_path: Path) -> None:
    table = read(engine, print_table(tmp_path / "log.pdf", [record(1), record(2, "theft of a bicycle")]))
    assert rows(engine, table) == [record(1), record(2, "theft of a bicycle")]
    assert dict(table.rejected_by) == {
        "a line that stands beside no id": 1
    }  # the page number, given to nobody


X = (30.0, 215.0, 265.0, 335.0, 520.0)


def pieces(y: float, cells: Sequence[str], at: Sequence[float] = X) -> list[tuple[float, float, str]]:
    return [(x, y, cell) for x, cell in zip(at, cells, strict=True) if cell]


def test_count_and_time_in_one_piece_of_text_are_two_cells(engine: Any, tmp_path: Path) -> None:
    page = pieces(580, ["ID", "userID", "networkCount", "Search Time", "Reason"], (30, 215, 248, 309.6, 520))
    for number in range(1, 20):
        who, account, count, time, why = record(number + 100)
        y = 560 - 14 * number
        page += [(30, y, who), (215, y, account), (292, y, f"{count} {time}"), (520, y, why)]
    table = read(engine, draw(tmp_path / "log.pdf", [page]))
    assert table.header == tuple(HEADER)
    assert rows(engine, table) == [record(number + 100) for number in range(1, 20)]


def test_the_order_of_the_text_does_not_matter(engine: Any, tmp_path: Path) -> None:
    source = [record(number, f"reason number {number}") for number in range(1, 25)]
    page = pieces(580, HEADER)
    for number, row in enumerate(source, 1):
        page += pieces(580 - 14 * number, row)
    random.Random(3).shuffle(page)  # noqa: S311  # as above
    assert rows(engine, read(engine, draw(tmp_path / "log.pdf", [page]))) == source


def test_a_row_without_a_reason_takes_none_of_its_neighbours(engine: Any, tmp_path: Path) -> None:
    source = [record(1, "theft"), record(2, ""), record(3, "burglary")]
    page = [piece for number, row in enumerate([HEADER, *source]) for piece in pieces(580 - 14 * number, row)]
    assert rows(engine, read(engine, draw(tmp_path / "log.pdf", [page]))) == source


def test_a_line_beside_no_id_is_given_to_nobody_and_counted(engine: Any, tmp_path: Path) -> None:
    page = pieces(580, HEADER) + pieces(566, record(1)) + [(520.0, 300.0, "a note of the clerk")]
    table = read(engine, draw(tmp_path / "log.pdf", [page]))
    assert rows(engine, table) == [record(1)]
    assert dict(table.rejected_by) == {"a line that stands beside no id": 1}
    assert [(one.sheet, one.line) for one in table.rejects] == [("page 1", 3)]


@pytest.mark.parametrize("place", [(-900.0, 566.0), (30.0, 5000.0), (10.0**7, 566.0)])
def test_what_stands_beyond_the_paper_is_no_record_and_is_said(
    engine: Any, tmp_path: Path, place: tuple[float, float]
) -> None:
    page = pieces(580, HEADER) + pieces(566, record(1)) + [(*place, ident(2))]
    table = read(engine, draw(tmp_path / "log.pdf", [page]))
    assert rows(engine, table) == [record(1)]
    assert table.notes == (
        "1 pieces of text stand beyond the paper, where nobody sees them, and were not read",
    )


def test_an_id_that_is_cut_short_is_rejected_with_its_place(engine: Any, tmp_path: Path) -> None:
    cut = [ident(2)[:20], *record(2)[1:]]
    page = pieces(580, HEADER) + pieces(566, record(1)) + pieces(552, cut) + pieces(538, record(3))
    table = read(engine, draw(tmp_path / "log.pdf", [page]))
    assert rows(engine, table) == [record(1), record(3)]
    assert dict(table.rejected_by) == {"an id that is cut short": 1}


@pytest.mark.parametrize("rotate", [90, 180, 270])
def test_a_page_that_is_turned_is_read_as_it_is_looked_at(engine: Any, tmp_path: Path, rotate: int) -> None:
    import pypdfium2

    source = [record(number) for number in range(1, 12)]
    document = pypdfium2.PdfDocument(print_table(tmp_path / "flat.pdf", source))
    page = document[0]
    width, height = page.get_size()
    matrix = {
        90: pypdfium2.PdfMatrix(0, 1, -1, 0, height, 0),
        180: pypdfium2.PdfMatrix(-1, 0, 0, -1, width, height),
        270: pypdfium2.PdfMatrix(0, -1, 1, 0, 0, width),
    }[rotate]
    for drawn in list(page.get_objects()):
        drawn.transform(matrix)
    if rotate != 180:
        page.set_mediabox(0, 0, height, width)
        page.set_cropbox(0, 0, height, width)
    page.gen_content()
    page.set_rotation(rotate)
    document.save(tmp_path / "turned.pdf")
    assert rows(engine, read(engine, tmp_path / "turned.pdf")) == source


def test_pages_that_are_pictures_are_rejected_by_number(engine: Any, tmp_path: Path) -> None:
    page = pieces(580, HEADER) + pieces(566, record(1))
    table = read(engine, draw(tmp_path / "log.pdf", [page, [], []]))
    assert dict(table.rejected_by) == {"a page without text: a picture of one": 2}
    assert [one.sheet for one in table.rejects] == ["page 2", "page 3"]


@pytest.mark.parametrize(
    "answer", [{}, {"pages": "x"}, {"pages": 1, "without": 5, "broken": [], "outside": 0}]
)
def test_a_child_that_was_taken_over_makes_an_error_and_no_table(
    engine: Any, tmp_path: Path, answer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portable, "run_confined", lambda *_: answer)
    assert "hostile" in refused(engine, draw(tmp_path / "log.pdf", [pieces(580, HEADER)]))


def refused(engine: Any, file: Path, limits: Limits = LIMITS) -> str:
    scratch = file.parent / f"scratch-{len(list(file.parent.iterdir()))}"
    scratch.mkdir()
    with pytest.raises(MalformedError) as caught:
        read_pdf(engine, file, scratch, limits=limits)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_scan_is_refused_and_says_what_to_ask_for(engine: Any, tmp_path: Path) -> None:
    assert "it has no text: its 3 pages are pictures" in refused(
        engine, draw(tmp_path / "s.pdf", [[], [], []])
    )


def test_an_encrypted_file_is_refused(engine: Any, tmp_path: Path) -> None:
    file = draw(tmp_path / "log.pdf", [pieces(580, HEADER)])
    raw = file.read_bytes().replace(
        b"/Root 1 0 R",
        b"/Root 1 0 R /ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>] /Encrypt << /Filter "
        b"/Standard /V 2 /R 3 /Length 128 /P -44 /O <" + b"11" * 32 + b"> /U <" + b"22" * 32 + b"> >>",
    )
    file.write_bytes(raw)
    assert "encrypted" in refused(engine, file)


def test_a_text_that_is_no_log_is_refused(engine: Any, tmp_path: Path) -> None:
    assert "is a header of one" in refused(
        engine, draw(tmp_path / "letter.pdf", [[(72, 500, "Dear clerk,")]])
    )
    assert "no record with an id" in refused(engine, draw(tmp_path / "head.pdf", [pieces(580, HEADER)]))


@pytest.mark.parametrize("raw", [b"", b"%PDF-1.7", b"PK\x03\x04", b"%PDF-1.4\n" + b"1 0 obj<<" * 5000])
def test_what_is_no_whole_file_is_refused_in_one_line(engine: Any, tmp_path: Path, raw: bytes) -> None:
    file = tmp_path / "log.pdf"
    file.write_bytes(raw)
    assert refused(engine, file).startswith("it is ")


def test_a_file_that_unpacks_without_end_is_stopped(engine: Any, tmp_path: Path) -> None:
    page = [(30.0, 600.0 - 5 * number, "x" * 100) for number in range(120)]
    file = draw(tmp_path / "large.pdf", [page] * 100)
    small = Limits(memory_bytes=768 * MIB, cpu_seconds=60, output_bytes=MIB)
    assert "more than 1 MiB of text" in refused(engine, file, small)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_gives_rows_or_one_line(engine: Any, tmp_path: Path, data: st.DataObject) -> None:
    whole = tmp_path / "whole.pdf"
    if not whole.exists():
        print_table(whole, [record(number) for number in range(1, 60)])
    raw = bytearray(whole.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=40)):
        raw[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.just(BIG), st.integers(1, len(raw))))
    file = tmp_path / "damaged.pdf"
    file.write_bytes(raw[:cut])
    scratch = tmp_path / "damaged"
    scratch.mkdir(exist_ok=True)
    try:
        said = str(len(read_pdf(engine, file, scratch, limits=LIMITS)))
    except MalformedError as error:
        said = str(error)
    assert said
    assert "\n" not in said


@pytest.mark.shared
@pytest.mark.parametrize("most", [150, pytest.param(BIG, marks=pytest.mark.long)])
def test_prints_of_published_exports_come_back_row_by_row(
    engine: Any, tmp_path: Path, shared: Path, most: int
) -> None:
    widths = {4: "(26%, 8%, 24%, 1fr)", 5: "(24%, 9%, 22%, 13%, 1fr)", 6: "(22%, 7%, 20%, 11%, 1fr, 10%)",
              7: "(22%, 7%, 18%, 10%, 1fr, 9%, 14%)"}  # fmt: skip
    seen = 0
    for file in sorted((shared / "data/alpr-portals/logs").glob("*.csv")):
        with file.open(encoding="utf-8-sig", newline="") as lines:
            header, *source = csv.reader(lines)
        if not 0 < len(source) <= most:
            continue
        pdf = print_table(tmp_path / f"{file.stem}.pdf", source, header=header, columns=widths[len(header)])
        table = read(engine, pdf)
        # What a print cannot tell, and typst does not print: how many blanks stand between two words, and a line break.
        found = [["".join(cell.split()) for cell in row] for row in rows(engine, table)]
        assert found == [["".join(cell.split()) for cell in row] for row in source], file.stem
        seen += len(source)
    assert seen > (12_000 if most == BIG else 500)


places = st.floats(-1e4, 1e4, allow_nan=False)


@given(st.lists(st.tuples(places, places, places, places, st.text(max_size=40)), max_size=40))
def test_finding_the_rows_of_a_page_is_total_and_loses_no_line(found: list[Any]) -> None:
    runs = [Run(min(a, c), min(b, d), max(a, c), max(b, d), text) for a, b, c, d, text in found]
    head = [Run(10 + 100 * n, 0, 50 + 100 * n, 9, label) for n, label in enumerate(HEADER)]
    page = Page(1, (*head, *runs))
    shape = find_shape([page])
    if shape is not None:
        account = Account()
        records = list(read_rows([page], shape, account))
        assert sum(len(line.runs) for line in lines_of(page)) == len(page.runs)
        assert len(records) + account.loose_lines + account.furniture + account.headers <= len(lines_of(page))

"""A workbook as LibreOffice 7.4 wrote it (ours, saved as ODS, that saved as XLSX), and as the one here writes it."""

import subprocess
from pathlib import Path
from shutil import which

import pytest

from doorward.fund.grantee.report import read_report
from doorward.fund.grantee.workbook import read_workbook
from fund_reports import AGREEMENT, CLEAN, UNITS, packed, parts_of, sheet_of, workbook

KEPT = Path(__file__).parent / "files" / "libreoffice.xlsx"
NAME = "Jan Przykladowski"


def test_what_libreoffice_wrote_is_the_report_that_went_in() -> None:
    sheets, refusals = read_workbook(KEPT.read_bytes())
    assert refusals == ()
    read, refusals = read_report(sheets, UNITS, {AGREEMENT})
    ours, _ = read_report((sheet_of(CLEAN),), UNITS, {AGREEMENT})
    assert refusals == ()
    assert read is not None
    assert ours is not None
    assert read.digest == ours.digest


@pytest.mark.parametrize(
    ("part", "old", "new", "kind"),
    [
        ("xl/worksheets/sheet1.xml", "<oddHeader></oddHeader>", f"<oddHeader>{NAME}</oddHeader>", "header-footer"),
        ("xl/worksheets/sheet1.xml", "<oddFooter></oddFooter>", "<oddFooter>&amp;P</oddFooter>", "header-footer"),
        ("xl/worksheets/sheet1.xml", 'differentFirst="false"', f'differentFirst="{NAME}"', "header-footer"),
        ("docProps/core.xml", "<dc:language>en-US", f"<dc:language>{NAME}", "property"),
        ("docProps/core.xml", "<dc:creator>", f"<dc:creator>{NAME}", "author"),
        ("docProps/app.xml", "$Build-2", f"$Build-{NAME}", "property"),
        ("xl/workbook.xml", "CalcA1ExcelA1", NAME, "setting"),
        ("xl/workbook.xml", "http://schemas.libreoffice.org/", "http://schemas.libreoffice.org/jan", "setting"),
        ("[Content_Types].xml", "image/png", "image/jan", "part"),
    ],
)  # fmt: skip
def test_what_somebody_puts_where_libreoffice_writes_nothing_is_refused(
    part: str, old: str, new: str, kind: str
) -> None:
    parts = parts_of(KEPT.read_bytes())
    text = parts[part].decode()
    assert old in text
    _, refusals = read_workbook(packed({**parts, part: text.replace(old, new, 1)}))
    assert kind in {one.kind for one in refusals}


@pytest.mark.long
def test_what_libreoffice_writes_now(tmp_path: Path) -> None:
    soffice = which("soffice")
    if soffice is None:
        pytest.skip("there is no LibreOffice here")
    ours = tmp_path / "ours.xlsx"
    ours.write_bytes(workbook())
    for form, file in (("ods", ours), ("xlsx", tmp_path / "ods" / "ours.ods")):
        profile = f"-env:UserInstallation=file://{tmp_path}/profile"
        done = [
            soffice,
            profile,
            "--headless",
            "--convert-to",
            form,
            "--outdir",
            str(tmp_path / form),
            str(file),
        ]
        subprocess.run(done, check=True, capture_output=True, timeout=120)
    sheets, refusals = read_workbook((tmp_path / "xlsx" / "ours.xlsx").read_bytes())
    assert refusals == ()
    report, refusals = read_report(sheets, UNITS, {AGREEMENT})
    assert refusals == ()
    assert report is not None

"""Reports of an invented grantee, as sheets and as files, and workbooks with one thing changed."""

import io
import zipfile
from collections.abc import Mapping

from doorward.fund.grantee.cells import REPORT, Cell, Sheet
from doorward.fund.grantee.report import COLUMNS
from doorward.fund.grantee.template import format_workbook
from doorward.orders.fund_units import FundUnits
from doorward.orders.load import load_fund_units, load_pack

AGREEMENT = "ldf-2026-01"
UNITS: FundUnits = load_fund_units(load_pack("chicago"))
CLEAN: list[dict[str, str | int]] = [
    {"record": "period", "agreement": "LDF-2026-01", "from": "2026-10-01", "to": "2026-10-31"},
    {"record": "service", "service": "kyr-session", "units": 12},
    {"record": "service", "service": "screening", "detained": "no", "units": 85},
    {
        "record": "service", "service": "full-representation", "detained": "yes", "stage": "trial",
        "opened": 3, "carried": 10, "closed": 2, "units": 13,
    },
    {"record": "outcome", "service": "full-representation", "outcome": "stay-granted", "units": 2},
    {
        "record": "cost", "line": "units", "service": "full-representation", "invoice": 7, "units": 3,
        "price": "1500.00", "amount": "4500.00",
    },
    {"record": "cost", "line": "interpretation", "invoice": 7, "amount": "310.25", "note": "interpreters 12 hours"},
]  # fmt: skip


def rows_of(records: list[dict[str, str | int]]) -> list[list[str | int]]:
    return [[record.get(name, "") for name in COLUMNS] for record in records]


def sheet_of(records: list[dict[str, str | int]]) -> Sheet:
    table: list[list[str | int]] = [list(COLUMNS), *rows_of(records)]
    return Sheet(
        REPORT,
        tuple(
            (number, {at: Cell(str(one), isinstance(one, int)) for at, one in enumerate(row) if one != ""})
            for number, row in enumerate(table, start=1)
        ),
    )


def workbook(records: list[dict[str, str | int]] | None = None) -> bytes:
    return format_workbook(UNITS, rows_of(CLEAN if records is None else records))


def parts_of(raw: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: Mapping[str, bytes | str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, held in parts.items():
            archive.writestr(zipfile.ZipInfo(name), held)
    return out.getvalue()


def changed(part: str, old: str, new: str, more: Mapping[str, bytes | str] | None = None) -> bytes:
    """Return the clean workbook with one text of a part replaced, and parts added."""
    parts: dict[str, bytes | str] = dict(parts_of(workbook()))
    text = parts_of(workbook())[part].decode()
    assert old in text
    parts[part] = text.replace(old, new, 1)
    return packed({**parts, **(more or {})})

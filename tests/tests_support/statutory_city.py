"""A year of a city's desk, made up, small enough to be counted by hand on this page."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from doorward.desk.statutory.held import (
    CertificationRequest,
    CustodyEvent,
    CustodyWord,
    Held,
    HelpRequest,
    OemcNotice,
    Paper,
    PaperKind,
)

CHICAGO = ZoneInfo("America/Chicago")
D, W = PaperKind.DETAINER, PaperKind.ADMINISTRATIVE_WARRANT


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHICAGO)


HELD = Held(
    papers=(
        Paper("P1", D, date(2025, 1, 1), is_civil=True),  # first day of the year
        Paper("P2", W, date(2025, 3, 31), is_civil=True),  # last day of the first quarter
        Paper("P3", D, date(2025, 4, 1), is_civil=True),
        Paper("P4", D, date(2025, 2, 2), is_civil=False),  # determined to be about something else
        Paper("P5", D, date(2024, 12, 31), is_civil=True),
        Paper("P6", W, date(2026, 1, 1), is_civil=None),
    ),
    notices=(
        OemcNotice("N1", date(2025, 3, 31), "perimeter"),
        OemcNotice("N2", date(2025, 4, 1), "join-operation"),
    ),
    requests=(
        HelpRequest("R2", date(2025, 12, 31), "HSI", "interview", "referred", ()),
        HelpRequest(
            "R1", date(2025, 5, 5), "ICE-ERO", "hold", "declined", ("DOC-2025-0001", "DOC-2025-0002")
        ),
        HelpRequest("R3", date(2026, 1, 1), "ICE", "hold", "declined", ()),
    ),
    certifications=(
        CertificationRequest("C1", date(2025, 6, 1), date(2025, 8, 1), None),
        CertificationRequest("C2", date(2025, 11, 1), None, date(2026, 1, 15)),  # answered in the next year
        CertificationRequest("C3", date(2024, 11, 1), date(2025, 1, 10), None),  # answered in this one
        CertificationRequest("C4", date(2024, 6, 1), date(2024, 7, 1), None),
    ),
    custody=(
        CustodyEvent("E1", "P1", CustodyWord.BAIL, at("2025-01-02T10:00")),
        CustodyEvent("E2", "P1", CustodyWord.TRANSFERRED, at("2025-01-02T12:00"), "FBI"),
        CustodyEvent("E3", "P1", CustodyWord.RELEASED, at("2025-01-02T12:30"), corrects="E2"),
        CustodyEvent("E4", "P2", CustodyWord.TRANSFERRED, at("2025-04-02T09:00"), "USMS"),
        CustodyEvent("E5", "P4", CustodyWord.TRANSFERRED, at("2025-02-03T09:00"), "IL-SO"),
        CustodyEvent("E6", "P3", CustodyWord.RELEASED, at("2025-04-05T09:00")),
        CustodyEvent("E7", "P3", CustodyWord.WITHDRAWN, at("2025-04-06T09:00"), corrects="E6"),
    ),
)

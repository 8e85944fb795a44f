"""Who may do what at the desk: roles, acts, and one table of which role may which act. Pure.

What a role may see is `access`; that nobody releases what they wrote alone is `actions`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What somebody is to the desk. What they are to the order (`lockup-keeper` of `CPD`) is another word."""

    STAFF = "facility-staff"
    OFFICER = "officer"
    CUSTODIAN = "records-custodian"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"
    CERTIFIER = "certifying-official"
    LAW = "law"
    SECURITY = "security-officer"
    FUND = "fund-manager"
    DIRECTOR = "fund-director"
    GRANTEE = "grantee"
    REVIEWER = "fund-reviewer"
    AUDITOR = "auditor"


class Act(StrEnum):
    """What can be done with a matter."""

    FILE = "file"
    ADD_PAPER = "add-paper"
    READ_PAPER = "read-paper"
    DELETE_COPY = "delete-copy"
    DISPOSE = "dispose"
    VERIFY = "verify"
    DETERMINE = "determine"
    PAUSE = "pause"
    RESUME = "resume"
    EXTEND = "extend"
    SET_DATE = "set-date"
    ASK_AGAIN = "ask-again"
    CORRECT = "correct"
    CLOSE = "close"
    WRITE = "write-letter"
    OBJECT = "object"
    SEND = "send-letter"
    SEAL = "seal"
    HOLD = "hold"
    ANSWER = "answer"
    RELEASE = "release"
    REGISTER = "register"
    ENROL = "enrol"
    LINE = "report-line"
    CUSTODY = "import-custody"
    REPORT = "file-report"
    SIGNED = "take-signature"
    PUBLISH = "publish"
    COLLECT = "collect-records"
    REVIEW = "review-records"
    FUND_BOOK = "fund-book"
    FUND_SECOND = "fund-second"
    FUND_REPORT = "fund-report"
    FUND_CHECK = "fund-check"
    FUND_REVIEW = "fund-review"


OUTSIDERS: Final = frozenset({Role.GRANTEE, Role.REVIEWER})
"""Roles of people who are not the City's: one of these and nothing else, and nothing of the desk but their pages."""

OVERSEES: Final = frozenset({Role.LAW, Role.SECURITY, Role.AUDITOR})
"""Roles that see the page of the whole."""

POWER: Final = frozenset(set(Role) - {Role.STAFF})
"""Roles that need a second factor: what they do changes what others get."""

_FILES: Final = frozenset(set(Role) - {Role.SECURITY, Role.AUDITOR, Role.DIRECTOR} - OUTSIDERS)
_ANSWERS: Final = frozenset({Role.LAW, Role.SUPERVISOR, Role.ADMINISTRATOR, Role.CERTIFIER, Role.FUND})
_CLOCKS: Final = frozenset({Role.LAW, Role.CUSTODIAN, Role.CERTIFIER})
MAY: Final[Mapping[Act, frozenset[Role]]] = {
    Act.FILE: _FILES,
    Act.ADD_PAPER: _FILES,
    Act.READ_PAPER: frozenset(set(Role) - {Role.SECURITY, Role.DIRECTOR} - OUTSIDERS),
    Act.DELETE_COPY: _FILES,
    # Two of these: one proposes, another does it.
    Act.DISPOSE: frozenset({Role.LAW, Role.CUSTODIAN}),
    # DESIGN, law 6: a paper counts only by a named person's act.
    Act.VERIFY: frozenset({Role.LAW, Role.SUPERVISOR}),
    Act.DETERMINE: frozenset({Role.LAW}),
    Act.PAUSE: _CLOCKS,
    Act.RESUME: _CLOCKS,
    Act.EXTEND: _CLOCKS,
    Act.SET_DATE: frozenset({Role.LAW}),
    Act.ASK_AGAIN: frozenset({Role.LAW}),
    # Whoever filed it puts right what they said, or an office that it waits for; `again` says which of them.
    Act.CORRECT: _FILES,
    Act.CLOSE: frozenset({Role.LAW}),
    Act.SEAL: frozenset({Role.LAW}),
    Act.HOLD: frozenset({Role.LAW}),
    Act.ANSWER: _ANSWERS,
    Act.WRITE: _ANSWERS,
    # Which office releases a letter stands in its form; `releasing` asks for that one.
    Act.RELEASE: _ANSWERS,
    Act.OBJECT: _ANSWERS,
    Act.SEND: _ANSWERS,
    Act.ENROL: frozenset({Role.ADMINISTRATOR, Role.SECURITY, Role.LAW}),
    # Whoever puts a record on file sees the registers: one who sees none puts none there.
    Act.REGISTER: frozenset({Role.LAW}),
    Act.LINE: frozenset({Role.LAW}),
    Act.CUSTODY: frozenset({Role.LAW, Role.CUSTODIAN}),
    Act.REPORT: frozenset({Role.LAW}),
    Act.SIGNED: frozenset({Role.LAW}),
    # The auditor signs what the public reads; nobody else can put it out alone.
    Act.PUBLISH: frozenset({Role.LAW, Role.AUDITOR}),
    Act.COLLECT: frozenset({Role.CUSTODIAN}),
    Act.REVIEW: frozenset({Role.LAW}),
    # That two differ (who sets aside and who posts, who files and who approves) is the ledger's to keep.
    Act.FUND_BOOK: frozenset({Role.FUND}),
    Act.FUND_SECOND: frozenset({Role.FUND, Role.DIRECTOR}),
    Act.FUND_REPORT: frozenset({Role.GRANTEE}),
    # Terms, exceptions and what is sent back: that two differ is `fund.filings`' to keep.
    Act.FUND_CHECK: frozenset({Role.FUND, Role.DIRECTOR}),
    Act.FUND_REVIEW: frozenset({Role.REVIEWER}),
}


def may(roles: frozenset[Role], act: Act) -> bool:
    """Return whether one of these roles may do this at all; what of is `access`."""
    return bool(roles & MAY[act])

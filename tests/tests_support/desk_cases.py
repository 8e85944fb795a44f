"""The worked cases with a person at a desk, as answers: each entered by every way in which a desk takes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from doorward.orders.intake import Act, verify_paper
from doorward.policy.request import Fact

Answers = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Row:
    """One case: the kind, the answers, who is signed in, and what registers and named persons say."""

    kind: str
    role: str
    agency: str
    answers: Answers
    acts: tuple[Act, ...] = ()


NOT_OF_A_TASK_FORCE = Act("directory", "entry of the person", {"context.task_force.member": False})


def place(kind: str, tenant: str = "city", /, **more: bool) -> Act:
    controlled = {"resource.city_controlled": True} if tenant == "city" else {}
    facts: dict[str, Fact] = {"resource.kind": kind, "resource.tenant": tenant, **controlled}
    return Act(
        "register-of-places", "place 1", facts | {f"resource.{name}": said for name, said in more.items()}
    )


def paper(name: str, *, verified: bool = True, scope: str = "in", current: bool = True) -> Act:
    path = f"context.papers.{name}"
    return verify_paper(
        path, resolver="desk", evidence="paper 1", verified=verified, scope=scope, current=current
    )


def attested() -> Act:
    facts: dict[str, Fact] = {"context.register.kind": "criminal", "context.register.standing": "attested"}
    return Act("register-of-cases", "attestation 1", facts)


def by(asks: str, *, whom: str | None = None, why: str | None = None) -> dict[str, str]:
    """Answers on who asks, for whom (the same agency where not said) and why."""
    said = {"who-asks": asks, "how-known": "claimed", "for-whom": asks if whom is None else whom}
    return said if why is None else said | {"purpose": why}


def shown(*papers: str) -> dict[str, list[str]]:
    return {"papers": list(papers), "papers-seen": list(papers)}


CIVIL, CRIMINAL = "civil-immigration-enforcement", "criminal-investigation"
OPEN_RECORD = {"sealed": "no", "juvenile": "no"}
DECLARED = Act("register-of-declarations", "declaration 1", {"context.declaration": True})
LOCK_UP, CUSTODIAN = ("lockup-keeper", "CPD"), ("records-custodian", "CPD")
OFFICER, PLATES = ("officer", "CPD"), ("alpr-administrator", "CPD")
LIBRARIAN, MANAGER, CLERK = ("librarian", "CHICAGO"), ("facility-manager", "CHICAGO"), ("clerk", "CHICAGO")
FUND = ("fund-manager", "CHICAGO")
SEARCH = {"of-system": "query", "way": "direct"}
ROWS = {
    "1": Row("system-access", *CUSTODIAN, {**SEARCH, "system": "clear", **by("ICE-ERO", why=CIVIL)}),
    "2": Row("system-access", *CUSTODIAN, {**SEARCH, "system": "clear", **by("ICE-ERO", why=CRIMINAL)}),
    "4": Row(
        "system-access",
        *CUSTODIAN,
        {"of-system": "open-account", "system": "clear", **by("HSI", why="task-force")},
    ),
    "10": Row("administrative-paper", *OFFICER, {"of-custody": "hold", **by("ICE-ERO", why=CIVIL)}),
    "11": Row("record-clarification", *OFFICER, {"for-whom": "CPD", **shown("administrative")}),
    "12": Row(
        "detainer",
        *LOCK_UP,
        {"of-custody": "hold", "custody-origin": "arrest", **by("ICE-ERO"), **shown("administrative")},
    ),
    "13": Row("detainer", *LOCK_UP, {"of-custody": "notify-release", **by("ICE-ERO")}),
    "14": Row("detainer", *LOCK_UP, {"of-custody": "transfer", "custody-origin": "dhs", **by("ICE-ERO")}),
    "15": Row(
        "administrative-paper",
        *LOCK_UP,
        {"of-custody": "transfer", "custody-origin": "arrest", **by("ICE-ERO")},
    ),
    "16": Row(
        "court-paper",
        *LOCK_UP,
        {"of-court": "transfer", **by("USMS", why=CRIMINAL), **shown("court_criminal")},
        (paper("court_criminal"),),
    ),
    "18": Row("court-paper", *LOCK_UP, {"of-court": "transfer", **by("ICE-ERO"), **shown("court_criminal")}),
    "21": Row(
        "records-request",
        "records-clerk",
        "CPD",
        {"holding": "police", **OPEN_RECORD, **by("ICE-ERO"), **shown("administrative")},
    ),
    "23": Row(
        "entry",
        *LIBRARIAN,
        {"of-entry": "enter", **by("HSI"), **shown("court_criminal")},
        (place("library"), paper("court_criminal", verified=False, scope="out")),
    ),
    "25": Row(
        "inspection-notice",
        *MANAGER,
        {"of-inspection": "enter", **by("ICE-ERO"), **shown("court_civil")},
        (place("depot"),),
    ),
    "27": Row(
        "court-paper",
        *CLERK,
        {
            "of-court": "disclose",
            "holding": "city-id",
            **OPEN_RECORD,
            **by("ICE-ERO"),
            **shown("court_order"),
        },
        (paper("court_order"),),
    ),
    "28": Row(
        "subpoena",
        *CLERK,
        {
            "of-subpoena": "disclose",
            "holding": "personnel",
            **OPEN_RECORD,
            **by("US-ATTORNEY", why=CRIMINAL),
            **shown("court_subpoena"),
        },
    ),
    "29": Row(
        "subpoena",
        *CUSTODIAN,
        {
            "of-subpoena": "disclose",
            "holding": "police",
            **OPEN_RECORD,
            **by("STATES-ATTORNEY", why=CRIMINAL),
            **shown("court_subpoena"),
        },
    ),
    "32": Row("status", *CLERK, {"of-status": "share", "who-begins": "asked", **by("ICE-ERO", why=CIVIL)}),
    "33": Row(
        "status",
        "city-employee",
        "CHICAGO",
        {"of-status": "share", "who-begins": "own-motion", "for-whom": "DHS"},
    ),
    "35": Row(
        "records-request",
        *OFFICER,
        {"holding": "police", "on-public-site": "yes", **OPEN_RECORD, **by("ICE-ERO")},
    ),
    "36": Row("assistance-call", *OFFICER, {"of-call": "perimeter", **by("ICE-ERO")}),
    "37": Row(
        "assistance-call",
        *OFFICER,
        {"of-call": "respond", **by("ICE-ERO", whom="none", why="safety")},
        (Act("official-act", "call 1", {"context.emergency": True}),),
    ),
    "38": Row(
        "assistance-call", *OFFICER, {"of-call": "respond", **by("ICE-CONTRACTOR", whom="none", why="safety")}
    ),
    "39": Row("assistance-call", *OFFICER, {"of-call": "crowd-control", **by("ICE-ERO", why=CIVIL)}),
    "40": Row("interview", *LOCK_UP, by("ICE-ERO")),
    "42": Row("property-use", *LIBRARIAN, {"place": "meeting room", **by("ICE-ERO")}, (place("library"),)),
    "43": Row(
        "entry",
        *LIBRARIAN,
        {"of-entry": "remain", **by("ICE-ERO", whom="none", why="visit")},
        (place("library", public=True),),
    ),
    "44": Row(
        "entry",
        *LIBRARIAN,
        {"of-entry": "enter", **by("ICE-ERO"), **shown("administrative")},
        (place("library", public=False),),
    ),
    "47a": Row(
        "entry",
        *CLERK,
        {"of-entry": "enter", **by("ICE-ERO"), **shown("administrative")},
        (place("school", "cps"), Act("register-of-adoptions", "resolution 1", {"resource.adopted": True})),
    ),
    "47b": Row(
        "entry",
        *CLERK,
        {"of-entry": "enter", **by("ICE-ERO"), **shown("administrative")},
        (place("school", "cps"),),
    ),
    "48": Row(
        "entry", *MANAGER, {"of-entry": "enter", "pursuit": "yes", **by("ICE-ERO")}, (place("senior-center"),)
    ),
    "49": Row(
        "records-request", *CLERK, {"holding": "library", **OPEN_RECORD, **by("ICE-ERO"), "papers": ["other"]}
    ),
    "51": Row("property-use", *MANAGER, by("ICE-ERO"), (place("lot", sign_posted=True),)),
    "53": Row(
        "entry",
        *MANAGER,
        {"of-entry": "remain", **by("ICE-ERO", whom="none", why="visit")},
        (place("street", public=True),),
    ),
    "54": Row(
        "system-access",
        *PLATES,
        {**SEARCH, "system": "alpr", "case": "IN 1", **by("IN-PD", why=CRIMINAL)},
        (DECLARED, attested()),
    ),
    "55": Row(
        "system-access",
        *PLATES,
        {**SEARCH, "system": "alpr", "case": "IN 1", **by("IN-PD", why=CRIMINAL)},
        (attested(),),
    ),
    "57": Row("system-access", *PLATES, {**SEARCH, "system": "alpr", **by("IL-PD", why=CIVIL)}),
    "58": Row(
        "system-access",
        *PLATES,
        {"of-system": "query", "way": "vendor", "system": "alpr", **by("CBP", why="border-security")},
    ),
    "60": Row(
        "agreement",
        "procurement-officer",
        "CHICAGO",
        {"direct-access": "no", "passed-on": "yes", **by("VENDOR", why="commercial-use")},
    ),
    "61": Row(
        "data-export",
        "data-team",
        "CPD",
        {"holding": "police", **OPEN_RECORD, **by("DHS-IA", why="intelligence")},
    ),
    "62": Row("agreement", *CUSTODIAN, {"direct-access": "yes", "passed-on": "no", **by("CBP")}),
    "63": Row(
        "agreement", *CUSTODIAN, {"direct-access": "no", "passed-on": "no", **by("HSI", why="task-force")}
    ),
    "67": Row("consular-notice", *OFFICER, {"for-whom": "CONSULATE"}),
    "69": Row(
        "form",
        "city-employee",
        "CHICAGO",
        {"form-asks-status": "yes", "for-whom": "none", "purpose": "public-service"},
    ),
    "70": Row(
        "victim-certification",
        "certifying-official",
        "CPD",
        {"clock": "days-21", "who-asks": "none", "for-whom": "none"},
    ),
    "71": Row("fund-submission", *FUND, {"who-asks": "none", "for-whom": "none"}),
    "72": Row("fund-payment", *FUND, {"who-asks": "none", "for-whom": "none"}),
    "75": Row(
        "entry",
        *LIBRARIAN,
        {"of-entry": "enter", "how-known": "none", "papers": ["no-paper"]},
        (place("library"),),
    ),
    "A3": Row(
        "court-paper",
        *CUSTODIAN,
        {"of-court": "disclose", "holding": "police", **OPEN_RECORD, **by("HSI"), **shown("court_criminal")},
        (paper("court_criminal"),),
    ),
    "A4": Row(
        "court-paper",
        *CUSTODIAN,
        {
            "of-court": "disclose",
            "holding": "police",
            **OPEN_RECORD,
            **by("US-ATTORNEY", why="court-process"),
            **shown("court_order"),
            "papers-forbid": ["court_order"],
        },
    ),
    "A6": Row(
        "court-paper",
        *LOCK_UP,
        {"of-court": "transfer", **by("HSI", why=CRIMINAL), **shown("court_criminal", "administrative")},
        (paper("court_criminal"),),
    ),
    "A8": Row(
        "subpoena",
        *CLERK,
        {
            "of-subpoena": "disclose",
            "holding": "school",
            **OPEN_RECORD,
            **by("ICE-ERO"),
            **shown("agency_subpoena"),
        },
    ),
    "A9": Row(
        "court-paper",
        *LOCK_UP,
        {"of-court": "hold", **by("ICE-ERO", why="court-process"), **shown("court_criminal")},
    ),
}
# Of the pack's own cases those of kinds that no worked case has.
OWN_ROWS = {
    "a9": Row("hotlist", *PLATES, by("CPD", why=CIVIL)),
    "a10": Row("hotlist", *PLATES, by("CPD", why=CRIMINAL)),
}

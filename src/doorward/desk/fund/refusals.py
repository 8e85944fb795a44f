"""What the ledger's refusals mean to a clerk, and what to do next. Pure.

The ledger's own line follows each of these on the page, with its word: the words here add, and take nothing away.
"""

from collections.abc import Mapping
from typing import Final

from doorward.fund.ledger.refusal import Refusal

WORDS: Final[Mapping[str, str]] = {
    "form": "Something in the form is not as it must be. Put it right and send it again.",
    "year": "The fiscal year does not fit: it is not opened, or opened already.",
    "closed-year": "That year is closed, and nothing goes into it any more. Book it in a year that is open.",
    "day": "It is the wrong day for this: a year has not begun, or is not over.",
    "line": "The order's fund has no such line.",
    "line-off": "That line is switched off by the order. Only a change of the order switches it on.",
    "service": "That line does not buy this service. Take the line that does.",
    "source": "The order knows no such source of money.",
    "appropriation": "There is not so much left that nobody holds. Take less, or appropriate first.",
    "encumbrance": "The agreement does not have so much left. Take less, or amend the agreement first.",
    "advance": "More would be recouped than was advanced.",
    "agreement": "The agreement is not as it must be for this.",
    "closed-agreement": "The agreement is closed out. Nothing is booked on it but money that comes back.",
    "claim": "There is no such claim, or there is one of this id already.",
    "claim-status": "The claim is not at that step: somebody may have acted on it since you opened this page.",
    "duplicate": "This invoice was filed before, by the grantee's own number. Look for it among the claims.",
    "period": "What is billed lies outside the days of the agreement.",
    "second-person": "Another person has to do this: the order wants two.",
    "refund": "More would come back than was paid and not returned.",
    "waiting": "Something has to be finished first.",
    "report": "What is billed is not what the grantee's report bills. An invoice of a report is filed by the grantee.",
    "independent": "Who reviewed a report of the agreement does nothing else with it. Another person has to do this.",
    "opening": "The line runs already. What is taken over from another system is entered before anything else.",
    "quarter": "The quarter is not over yet. Come back when it is.",
    "key": "This form was sent before, and said something else then. The first one counts: look before you go on.",
}

SENT_BEFORE: Final = "This page was sent before. Look at what is on file, then send it again"


def explain(refusal: Refusal) -> str:
    """Return what a refusal means, for whoever sent the form; empty where the ledger's own line is all there is."""
    return WORDS.get(refusal.code, "")


def say(refusal: Refusal) -> str:
    """Return the line of a refusal for a page of reports, where nobody has heard of keys."""
    return SENT_BEFORE if refusal.code == "key" else refusal.says

"""A letter with sample data, for whoever writes or reviews its words. Pure."""

from datetime import date, timedelta

from doorward.desk.letters.answer import PAPER, Answer, Letter
from doorward.orders.letter_book import Facts, LetterBook, LetterForm
from doorward.orders.pack import Pack
from doorward.policy.decision import Outcome, Posture

TO = ("Sample Agency, sample field office", "100 Sample Street", "Sample City")
REFERENCE = "D-2026-0117"
DAY = date(2026, 12, 1)


def sample_letter(pack: Pack, book: LetterBook, form: LetterForm) -> Letter:
    """Return a letter of a form, for the first combination that a rule sends it for."""
    found = (
        facts for facts in book.combinations() if (rule := book.find_rule(facts)) and rule.letter == form.name
    )
    return Letter(pack, book, form, next(found, Facts("", Outcome.REFER, Posture.HOLD)))


def sample_answer(letter: Letter, *, with_remedy: bool = False) -> Answer:
    """Return sample data for a letter; of nobody who exists.

    Args:
        with_remedy: Show the order's remedies, where the letter may have them.
    """
    pack, form = letter.pack, letter.form
    known = [clause.id for clause in pack.clauses.values() if clause.decides]
    remedies = [
        policy.remedy.text for policy in pack.policies if policy.remedy and policy.remedy.kind == PAPER
    ]
    return Answer(
        reference=REFERENCE,
        to=TO,
        received=DAY - timedelta(days=1),
        clauses=form.sample_clauses or ((*known[:2],) if form.cites else ()),
        fields={field.name: field.sample for field in form.fields},
        remedies=tuple(remedies[:1]),
        remedy=with_remedy and form.may_remedy and bool(remedies),
    )

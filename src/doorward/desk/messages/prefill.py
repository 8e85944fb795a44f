"""Which answers a message fills in before a person looks at them. Pure.

INVARIANT (nothing that opens is filled in): only that a paper is said to exist, a number, and when it came. Who asks,
for whom, what for and what is wanted a person answers; an order's intake that lets a message say more does not load.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Final

from doorward.desk.messages.message import Message
from doorward.desk.messages.suggest import searched_text, spaced, stands
from doorward.orders.intake import Intake, Question, QuestionType

MAX_NUMBER: Final = 60
OLDEST: Final = timedelta(days=3653)  # a message that says it is older has a clock that is wrong
# The government's number of a person: no field of the desk takes one (law 9).
_OF_A_PERSON: Final = re.compile(r"a[-\s#]?\d{2,3}[-\s]?\d{3}[-\s]?\d{3}", re.ASCII)
_NUMBER: Final = r"\s{0,3}[:#]?\s{0,3}(?P<number>[a-z0-9][a-z0-9.:/_-]*(?: (?:cr|cv|mc|mj|gj) \d[\d-]*)?)"


def read_answers_of(
    intake: Intake, message: Message, *, received: str, zone: tzinfo, now: datetime
) -> Mapping[str, tuple[str, ...]]:
    """Return answers by question, over all kinds; a form takes those that it asks for.

    Args:
        received: The question for when it came.
        zone: Of the city.
    """
    text = searched_text(message)
    questions = {question.id: question for kind in intake.kinds.values() for question in kind.questions}
    found: dict[str, tuple[str, ...]] = {}
    for name, question in questions.items():
        words = tuple(
            option.word
            for option in question.options.values()
            if any(stands(word, text) for word in option.mail)
        )
        number = _number(question, text)
        if words and (question.takes_several or len(words) == 1):
            found[name] = words
        elif number is not None:
            found[name] = (number,)
    came = message.envelope.came
    if received in questions and came is not None and now - OLDEST <= came <= now:
        found[received] = (came.astimezone(zone).replace(second=0, microsecond=0).isoformat(),)
    return found


def _number(question: Question, text: str) -> str | None:
    """Return the one number that stands behind a word of the question, or None: there is none, or there are two."""
    if question.type is not QuestionType.CASE_NUMBER or not question.mail:
        return None
    words = "|".join(spaced(word) for word in question.mail)
    found = {
        match["number"].rstrip(".:/_-").upper()
        for match in re.finditer(rf"(?<!\w)(?:{words}){_NUMBER}", text, re.ASCII)
    }
    numbers = {
        number
        for number in found
        if len(number) <= min(question.longest, MAX_NUMBER)
        and any(char.isdigit() for char in number)
        and not _OF_A_PERSON.fullmatch(number.casefold())
    }
    return numbers.pop() if len(numbers) == 1 else None

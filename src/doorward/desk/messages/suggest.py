"""Which kind of request a message may be: a hint with the words that led to it, and a person chooses. Pure."""

import re
from dataclasses import dataclass
from typing import Final

from doorward.desk.messages.message import Message
from doorward.orders.intake import Intake

MAX_READ: Final = 20_000  # characters of the text; what a message is about stands at its head


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a message may be.

    Args:
        kind: The id of a kind, or None: none of its words stands there, or two kinds have as many.
        words: By kind, those of the pack's words that stand in subject, text or names of attachments.
    """

    kind: str | None
    words: dict[str, tuple[str, ...]]


def suggest_kind(intake: Intake, message: Message) -> Suggestion:
    """Return the kind whose words stand most often in a message.

    Who sent it, and from which domain, is not looked at: a header is a claim, and identifies nobody.
    """
    text = searched_text(message)
    found: dict[str, tuple[str, ...]] = {}
    for kind in intake.kinds.values():
        words = tuple(word for word in kind.mail if stands(word, text))
        if words:
            found[kind.id] = words
    most = max(map(len, found.values()), default=0)
    first = [kind for kind, words in found.items() if len(words) == most]
    return Suggestion(first[0] if len(first) == 1 else None, found)


def searched_text(message: Message) -> str:
    """Return what of a message is looked at: its subject, the head of its text, the names of its attachments."""
    names = " \n".join(attachment.name for attachment in message.attachments)
    return f"{message.subject}\n{message.text[:MAX_READ]}\n{names}".casefold()


def stands(word: str, text: str) -> bool:
    """Return whether a word of the pack stands in a text, as a word; a space in it is any space.

    Args:
        text: In small letters, as `searched_text` has it.
    """
    return re.search(rf"(?<!\w){spaced(word)}(?!\w)", text) is not None


def spaced(word: str) -> str:
    """Return an expression for a word of the pack."""
    return r"\s+".join(re.escape(part) for part in word.casefold().split())

"""What is wrong with a text as such: a word that nobody at a desk says, or more than a phone shows. Pure."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

from doorward.errors import Finding
from doorward.orders.protocols.messages import Message
from doorward.orders.protocols.model import SOURCE_LANGUAGE, Ban, Step

# A phone of 360 x 740 CSS pixels, as an installed app, less 130 for its two bars. Bodies of 17 px stand on lines of 24.
SCREEN_PIXELS: Final = 610
TITLE_COLUMNS, TITLE_LINE = 28, 32
BODY_COLUMNS, BODY_LINE, BODY_GAP = 38, 24, 8
BUTTON_COLUMNS, BUTTON_LINE, BUTTON_PADDING = 36, 22, 24  # 44 px and more: WCAG 2.2, 2.5.8 asks for 24


def width(text: str) -> int:
    """Return how many columns a text takes: two for a wide sign, none for a mark on another one."""
    return sum(
        2 if unicodedata.east_asian_width(sign) in "WF" else 1
        for sign in text
        if not unicodedata.combining(sign)
    )


def screen_height(step: Step, translated: dict[str, str]) -> int:
    """Return the pixels that a step takes on a phone, in a language whose texts are given by the English ones."""

    def shown(text: str) -> str:
        return translated.get(text, text)

    bodies = [said.text for said in (*step.do, *step.say, *step.never)]
    return (
        _lines(shown(step.title.text), TITLE_COLUMNS) * TITLE_LINE
        + sum(_lines(shown(text), BODY_COLUMNS) * BODY_LINE + BODY_GAP for text in bodies)
        + sum(
            _lines(shown(option.label.text), BUTTON_COLUMNS) * BUTTON_LINE + BUTTON_PADDING
            for option in step.options
        )
    )


def find_wording_faults(message: Message, text: str, language: str, bans: Sequence[Ban]) -> Iterator[Finding]:
    """Yield what is wrong with a message in a language: too long, or with a word that is banned from its role."""
    span = message.uses[0].span
    at = "" if language == SOURCE_LANGUAGE else f"{language}, "
    columns = width(text)
    if columns > message.limit:
        said = (
            f"{at}`{message.id}` is longer than a phone shows: {columns} columns of at most {message.limit}"
        )
        yield Finding(said, span)
    for ban in bans:
        if ban.language != language or not message.roles & set(ban.roles):
            continue
        for word in ban.words:
            if find_word(word, text, part=ban.parts):
                yield Finding(f"{at}`{message.id}` says `{word}`: {ban.because}", span)


def find_word(word: str, text: str, *, part: bool) -> bool:
    """Whether a word stands in a text, in any case and with any apostrophe; as a part of another one if so asked."""
    pattern = re.escape(_plain(word)).replace("\\ ", r"\s+")
    return re.search(pattern if part else rf"(?<!\w){pattern}(?!\w)", _plain(text)) is not None


def is_one_sentence(text: str) -> bool:
    """Whether nothing follows the end of a sentence: a first screen is read in the time of one."""
    return re.search(r"[.!?\u3002\uff01\uff1f\u061f]\s*\S", text) is None


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")


def _lines(text: str, columns: int) -> int:
    return max(1, -(-width(text) // columns))

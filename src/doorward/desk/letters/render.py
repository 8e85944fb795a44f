"""From a letter and what was filled into it to a PDF."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final

from doorward.desk.letters.answer import Answer, Letter, check_answer, paragraphs, shown_remedies
from doorward.desk.letters.typeset import typeset
from doorward.errors import ConfigError
from doorward.orders.letter_book import Field, FieldType, Translation, Words

ENGLISH: Final = "en"


def render(
    letter: Letter, answer: Answer, *, day: date, language: str = ENGLISH, is_preview: bool = False
) -> bytes:
    """Return the letter as PDF/UA-1 and PDF/A-2a; the same arguments give the same bytes.

    Args:
        letter: Of `find_letter`.
        answer: Typed by people; shown as text, never read as markup.
        day: Of the letter.
        language: English, or one into which a person has reviewed the translation.
        is_preview: For staff: sets a translation that nobody has reviewed, and says on the page that it is not sent.

    Raises:
        ConfigError: A field is not what it must be, or there is no reviewed translation.
    """
    faults = check_answer(letter, answer, day=day)
    if faults:
        more = f", and {len(faults) - 1} more" if len(faults) > 1 else ""
        raise ConfigError(f"the letter `{letter.form.name}` is not written: {faults[0]}{more}")
    form, book = letter.form, letter.book
    translation = find_translation(letter, language, is_preview=is_preview)
    words = book.words[language]
    content = make_content(letter, answer, words, translation) | {
        "language": language.partition("-")[0],
        "region": None,
        "title": translation.title if translation else form.title,
        "day": words.format_day(day),
        "received": words.format_day(answer.received),
        "preview": translation is not None and not translation.is_reviewed,
    }
    template = translation.template if translation else form.template
    return typeset(template, book.sources, content, day=day)


def find_translation(letter: Letter, language: str, *, is_preview: bool) -> Translation | None:
    """Return the translation of a letter, None for English.

    Raises:
        ConfigError: There is none, or no person has reviewed it and it is no preview.
    """
    if language == ENGLISH:
        return None
    found = letter.form.translations.get(language)
    if found is None:
        raise ConfigError(f"the letter `{letter.form.name}` is not translated into `{language[:20]}`")
    if not found.is_reviewed and not is_preview:
        raise ConfigError(
            f"nobody has reviewed the translation of `{letter.form.name}` into `{language}`, and it is not sent",
            hint="letters.toml names who reviewed it and when",
        )
    return found


def make_content(
    letter: Letter, answer: Answer, words: Words, translation: Translation | None
) -> dict[str, Any]:
    """Return what the page shows, as JSON."""
    pack, book = letter.pack, letter.book
    sentence = getattr(pack.sentences, letter.facts.outcome.value)
    return {
        "body": book.body,
        "office": book.office,
        "closing": words.closings[letter.form.office],
        "contact": pack.contacts.law_department,
        "order": f"{pack.title} ({pack.digest[:16]})",
        "sample": pack.is_sample,
        "people": letter.form.people,
        "reference": answer.reference,
        "to": list(answer.to),
        "sentence": _said(words, letter.facts.outcome.value, sentence, translation),
        "clauses": [
            {
                "id": one,
                "cite": pack.clauses[one].cite,
                "says": _said(words, one, pack.clauses[one].says, translation),
            }
            for one in answer.clauses
        ],
        "remedies": list(shown_remedies(pack, answer.remedies)) if answer.remedy else [],
        "fields": {
            field.name: shown_field(_translated(field, translation), answer.fields[field.name], words)
            for field in letter.form.fields
            if answer.fields.get(field.name) is not None
        },
        "known": [field.name for field in letter.form.fields],
        "words": dict(words.labels),
    }


def shown_field(field: Field, value: Any, words: Words) -> dict[str, Any]:  # noqa: ANN401  # checked by check_answer
    """Return one field as the page shows it."""
    shown: Mapping[FieldType, Callable[[Any], Any]] = {
        FieldType.LINE: str.strip,
        FieldType.TEXT: paragraphs,
        FieldType.DATE: words.format_day,
        FieldType.COUNT: "{:,}".format,
        FieldType.CHOICE: field.choices.__getitem__,
        FieldType.LINES: lambda lines: [line.strip() for line in lines],
        FieldType.ROWS: lambda rows: {
            "caption": field.says[0].upper() + field.says[1:],
            "columns": list(field.columns),
            "rows": [list(row) for row in rows],
            "numbers": [],
        },
    }
    return {"type": field.type.value, "value": shown[field.type](value)}


def _translated(field: Field, translation: Translation | None) -> Field:
    if translation is None or field.name not in translation.choices:
        return field
    return replace(field, choices=translation.choices[field.name])


def _said(words: Words, name: str, says: str, translation: Translation | None) -> dict[str, str | None]:
    # What nobody translated stands in English and is marked as English, for whoever has it read aloud.
    found = words.says.get(name) if translation is not None else None
    foreign = translation is not None and found is None
    return {"says": found or says, "language": ENGLISH if foreign else None}

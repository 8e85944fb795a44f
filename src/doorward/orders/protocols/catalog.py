"""Translations: one gettext catalog a language in the pack, and which of its texts a person has reviewed.

``locale/<language>/LC_MESSAGES/protocols.po``, written by `doorward protocol extract` and edited with any gettext tool.
The msgid is the English text; its comments say what it is used as and how long it may be, its references where.

INVARIANT (review is a person's line): a text counts as reviewed where its entry has a comment
``reviewed: <digest> by <who>, <date>`` whose digest is that of language, English and translation. So a text that
nobody reviewed, or that changed since, is unreviewed, whatever flags stand there; the flag `not-reviewed` is for the
translators' eyes.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import ModuleType
from typing import TYPE_CHECKING, Final

from doorward.errors import ConfigError, Finding, PolicyCheckError, Span
from doorward.orders.protocols.messages import Message

if TYPE_CHECKING:
    import polib

DOMAIN: Final = "protocols"
TEMPLATE: Final = f"locale/{DOMAIN}.pot"
NOT_REVIEWED: Final = "not-reviewed"
FUZZY: Final = "fuzzy"
MAX_BYTES: Final = 4 * 1024 * 1024
MAX_WHO: Final = 80
WRAP: Final = 110
_REVIEWED: Final = re.compile(
    r"reviewed: (?P<digest>[0-9a-f]{16}) by (?P<who>.{1,80}), (?P<on>\d{4}-\d\d-\d\d)"
)
_FAULT: Final = re.compile(r"\(line (\d+)\)")


@dataclass(frozen=True, slots=True)
class Translation:
    """A text in a language.

    Args:
        state: ``translated``, ``fuzzy`` (its English changed), ``missing``.
        reviewed_by: Who reviewed it and when, or None.
    """

    text: str
    state: str
    reviewed_by: str | None
    span: Span

    @property
    def is_reviewed(self) -> bool:
        """Whether a person reviewed this very text for this very English."""
        return self.state == "translated" and self.reviewed_by is not None


@dataclass(frozen=True, slots=True)
class Catalog:
    """The texts of a language by their English, and what is wrong with its file."""

    language: str
    entries: Mapping[str, Translation]
    findings: tuple[Finding, ...]

    def text(self, english: str) -> str:
        """Return the text to show: the translation where there is one that is not out of date, else the English."""
        found = self.entries.get(english)
        return found.text if found is not None and found.state == "translated" else english

    def is_reviewed(self, english: str) -> bool:
        """Whether the text to show is a translation that a person reviewed."""
        found = self.entries.get(english)
        return found is not None and found.is_reviewed


def catalog_path(language: str) -> str:
    """Return where a language's catalog stands in the pack."""
    return f"locale/{language}/LC_MESSAGES/{DOMAIN}.po"


def review_digest(language: str, english: str, text: str) -> str:
    """Return what a review line is bound to."""
    told = f"{language}\0{english}\0{text}"
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def read_catalog(language: str, messages: Sequence[Message], files: Mapping[str, str]) -> Catalog:
    """Return the texts of a language, with a finding for each that is missing, out of date, or of no message.

    Args:
        language: A code of the frame.
        messages: All of the protocols.
        files: Of the pack.
    """
    path = catalog_path(language)
    if path not in files:
        return Catalog(
            language, {}, (Finding(f"`{path}` is missing: nothing is translated", Span(path, 1, 1)),)
        )
    try:
        parsed = {entry.msgid: entry for entry in _parse(path, files[path]) if not entry.obsolete}
    except PolicyCheckError as error:
        return Catalog(language, {}, error.findings)
    found: dict[str, Translation] = {}
    findings = []
    for message in messages:
        translation = _translation(language, path, message, parsed.get(message.text))
        found[message.text] = translation
        if translation.state != "translated":
            said = "is not translated" if translation.state == "missing" else "is fuzzy: its English changed"
            findings.append(Finding(f"{language}, `{message.id}` {said}", translation.span))
    known = {message.text for message in messages}
    findings += [
        Finding(f"{language}: no text says this any more: `{text[:60]}`", Span(path, entry.linenum, 1))
        for text, entry in parsed.items()
        if text not in known
    ]
    return Catalog(language, found, tuple(findings))


def _translation(language: str, path: str, message: Message, entry: "polib.POEntry | None") -> Translation:
    if entry is None or not entry.msgstr.strip():
        return Translation("", "missing", None, Span(path, entry.linenum if entry is not None else 1, 1))
    state = FUZZY if FUZZY in entry.flags else "translated"
    reviewed = None
    for line in (entry.tcomment or "").splitlines():
        match = _REVIEWED.fullmatch(line.strip())
        if match and match["digest"] == review_digest(language, message.text, entry.msgstr):
            reviewed = f"{match['who']}, {match['on']}"
    return Translation(entry.msgstr, state, reviewed, Span(path, entry.linenum, 1))


def merge_catalog(language: str, messages: Sequence[Message], old: str | None, *, path: str) -> str:
    """Return a catalog with every text: old translations are kept; one whose English changed is kept as fuzzy.

    Args:
        language: Its code; empty for the template.
        messages: All of the protocols.
        old: The catalog as it is, or None.
        path: For messages.

    Raises:
        PolicyCheckError: The old one cannot be read.
        ConfigError: polib is not installed.
    """
    polib = _polib()
    before = [] if old is None else list(_parse(path, old))
    by_text = {entry.msgid: entry for entry in before if entry.msgstr}
    by_use = {where: entry for entry in before if entry.msgstr for where, _ in entry.occurrences}
    merged = polib.POFile(wrapwidth=WRAP)
    merged.metadata = _metadata(language)
    for message in messages:
        entry = polib.POEntry(
            msgid=message.text,
            msgstr="",
            comment=f"{', '.join(sorted(message.roles))}; at most {message.limit} columns"
            + ("; visitors may see it" if message.is_public else ""),
            occurrences=[(use.where, "") for use in message.uses],
        )
        kept = by_text.get(message.text)
        changed = None if kept is not None else _changed(message, by_use)
        if kept is not None:
            entry.msgstr, entry.tcomment, entry.flags = kept.msgstr, kept.tcomment, list(kept.flags)
            entry.previous_msgid = kept.previous_msgid
        elif changed is not None:
            entry.msgstr, entry.previous_msgid, entry.flags = changed.msgstr, changed.msgid, [FUZZY]
        _flag(entry, language)
        merged.append(entry)
    return f"{merged}"


def mark_reviewed(
    language: str, text: str, *, only: Sequence[str] | None, who: str, on: date, path: str
) -> tuple[str, int]:
    """Return a catalog with a person's line at texts that they reviewed, and how many these are.

    Args:
        language: Its code.
        text: The catalog.
        only: English texts that were reviewed; each must be translated and not fuzzy. None for all that are.
        who: An office or role; printed nowhere.
        on: The day.
        path: For messages.

    Raises:
        ConfigError: A text is not there or not translated, or ``who`` is no short line.
        PolicyCheckError: The catalog cannot be read.
    """
    if not 1 <= len(who.strip()) <= MAX_WHO or not who.isprintable():
        raise ConfigError(f"who reviewed must be one line of at most {MAX_WHO} signs")
    polib = _polib()
    catalog = polib.POFile(wrapwidth=WRAP)
    catalog.metadata = _metadata(language)
    wanted = set(only or ())
    done = 0
    for entry in _parse(path, text):
        catalog.append(entry)
        ready = bool(entry.msgstr.strip()) and FUZZY not in entry.flags
        if entry.obsolete or entry.msgid not in (
            wanted if only is not None else {entry.msgid} if ready else ()
        ):
            continue
        wanted.discard(entry.msgid)
        if not ready:
            raise ConfigError(
                f"`{entry.msgid[:60]}` is not translated or fuzzy, so nobody can have reviewed it"
            )
        digest = review_digest(language, entry.msgid, entry.msgstr)
        kept = [line for line in (entry.tcomment or "").splitlines() if not _REVIEWED.fullmatch(line.strip())]
        entry.tcomment = "\n".join([*kept, f"reviewed: {digest} by {who.strip()}, {on.isoformat()}"])
        _flag(entry, language)
        done += 1
    if wanted:
        raise ConfigError(f"no text of `{path}` is `{min(wanted)[:60]}`")
    return f"{catalog}", done


def _metadata(language: str) -> dict[str, str]:
    """Return a catalog's head; it has no date, so that the same texts give the same bytes."""
    return {
        "Project-Id-Version": DOMAIN,
        "Language": language,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
    }


def _changed(message: Message, by_use: "Mapping[str, polib.POEntry]") -> "polib.POEntry | None":
    return next((by_use[use.where] for use in message.uses if use.where in by_use), None)


def _flag(entry: "polib.POEntry", language: str) -> None:
    """Flag an entry for its translator: what has a text and no line of a reviewer that fits it."""
    entry.flags = [flag for flag in entry.flags if flag != NOT_REVIEWED]
    fits = any(
        match and match["digest"] == review_digest(language, entry.msgid, entry.msgstr)
        for match in (_REVIEWED.fullmatch(line.strip()) for line in (entry.tcomment or "").splitlines())
    )
    if entry.msgstr and (not fits or FUZZY in entry.flags):
        entry.flags.append(NOT_REVIEWED)


def _polib() -> ModuleType:
    try:
        import polib
    except ImportError as error:
        raise ConfigError("translations need polib", hint="pip install 'doorward[desk]'") from error
    module: ModuleType = polib
    return module


def _parse(path: str, text: str) -> list["polib.POEntry"]:
    """Return the parsed catalog; a text that polib would take for a file's name is none."""
    polib = _polib()
    if not text.lstrip().startswith(("#", "msgid")) or len(text) > MAX_BYTES:
        raise _refusal("this is no gettext catalog", Span(path, 1, 1))
    try:
        return list(polib.pofile(text, encoding="utf-8", check_for_duplicates=True))
    except (OSError, ValueError, UnicodeDecodeError) as error:
        place = _FAULT.search(str(error))
        span = Span(path, int(place.group(1)) if place else 1, 1)
        raise _refusal(f"this is no gettext catalog: {str(error)[:200]}".replace("\n", " "), span) from error


def _refusal(message: str, span: Span) -> PolicyCheckError:
    finding = Finding(message, span)
    return PolicyCheckError(str(finding), findings=[finding])

"""Responsive records as tables: each field released or redacted by a decision, each redaction with its code. Pure.

1. A field without a decision stops the export: nothing leaves because nobody looked.
2. A redaction and a withheld record bear a code of the pack, and are listed and counted by it.
3. A sealed record is not there before its day: in no table, count, number or message, whatever was decided about it.
   Records are numbered by the export, so that no gap tells of one.
4. Where a code that is used needs counsel, the export is a draft and says so in every file.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from doorward.desk.csv_text import format_csv
from doorward.errors import ConfigError
from doorward.orders.exemptions import Exemptions

MAX_SHOWN: Final = 5
WHOLE: Final = "*"
DRAFT: Final = "draft for the law department; not released"


class Act(StrEnum):
    """What is decided of a field."""

    RELEASE = "release"
    REDACT = "redact"
    WITHHOLD = "withhold"  # of a whole record


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A record that answers the request.

    Args:
        id: The desk's; it stays.
        kind: What it is, for the reader: `visit record`, `letter`.
        fields: Names and content, in order.
        is_sealed: Whether a court or the law department sealed it.
        sealed_until: The first day on which it is not, or None: until somebody says otherwise.
    """

    id: str
    kind: str
    fields: tuple[tuple[str, str], ...]
    is_sealed: bool = False
    sealed_until: date | None = None

    def is_hidden(self, today: date) -> bool:
        """Return whether it is sealed on a day."""
        return self.is_sealed and (self.sealed_until is None or today < self.sealed_until)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a records custodian decided of one field, or of a whole record.

    Args:
        field: A name, or ``*`` of a whole record that is withheld.
        code: Of a redaction or a withheld record.
    """

    record: str
    field: str
    act: Act
    code: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One field as it leaves.

    Args:
        record: Its number in the export, from 1.
        text: What is released, or the mark of a redaction.
        code: Of a redaction, else empty.
    """

    record: int
    kind: str
    field: str
    text: str
    code: str


@dataclass(frozen=True, slots=True)
class Withheld:
    """A whole record that does not leave."""

    record: int
    kind: str
    code: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What answers the request.

    Args:
        by_code: How many redactions and withheld records rest on each code.
        counsel: Codes that are used and need counsel; where there is one, this is a draft.
    """

    lines: tuple[Line, ...]
    withheld: tuple[Withheld, ...]
    by_code: Mapping[str, int]
    counsel: tuple[str, ...]

    @property
    def is_draft(self) -> bool:
        """Whether the law department has to adopt a code before anything leaves."""
        return bool(self.counsel)


def make_answer(
    records: Iterable[SourceRecord], decisions: Iterable[Decision], exemptions: Exemptions, today: date
) -> Answer:
    """Return what leaves.

    Args:
        records: In the order in which they are numbered; sealed ones may be among them.
        decisions: About fields of them.

    Raises:
        ConfigError: A field has no decision or two, a decision is about nothing, or has no code or a wrong one. Names
            records by their ids and fields by their names; never content, and never a sealed record.
    """
    every = list(records)
    if len({record.id for record in every}) != len(every):
        raise ConfigError("two records have one id")
    seen = [record for record in every if not record.is_hidden(today)]
    sealed = {record.id for record in every if record.is_hidden(today)}
    book = _Decisions((one for one in decisions if one.record not in sealed), exemptions)
    book.check(seen)
    lines, withheld = [], []
    for number, record in enumerate(seen, start=1):
        whole = book.held.get((record.id, WHOLE))
        if whole is not None:
            withheld.append(Withheld(number, record.kind, whole.code))
            continue
        for name, text in record.fields:
            one = book.held[record.id, name]
            shown = text if one.act == Act.RELEASE else f"[redacted: {exemptions.cite(one.code)}]"
            lines.append(Line(number, record.kind, name, shown, one.code))
    used = Counter(line.code for line in lines if line.code) + Counter(one.code for one in withheld)
    by_code = {code: used[code] for code in exemptions.codes if used[code]}
    counsel = tuple(code for code in by_code if exemptions.codes[code].needs_counsel)
    return Answer(tuple(lines), tuple(withheld), by_code, counsel)


class _Decisions:
    """Decisions by record and field, each once and each with the code that it needs."""

    def __init__(self, decisions: Iterable[Decision], exemptions: Exemptions) -> None:
        self.held: dict[tuple[str, str], Decision] = {}
        for one in decisions:
            where = f"record `{one.record[:60]}`, field `{one.field[:60]}`"
            if (one.record, one.field) in self.held:
                raise ConfigError(f"{where} is decided twice")
            if (one.act == Act.WITHHOLD) != (one.field == WHOLE):
                raise ConfigError(
                    f"{where}: a field is released or redacted, a whole record (`*`) is withheld"
                )
            if (one.act == Act.RELEASE) == bool(one.code):
                raise ConfigError(f"{where}: what is not released has a code, and nothing else has")
            if one.code and one.code not in exemptions.codes:
                raise ConfigError(f"{where} has a code that `exemptions.toml` does not know",
                                  hint=", ".join(exemptions.codes))  # fmt: skip
            self.held[one.record, one.field] = one

    def check(self, records: Iterable[SourceRecord]) -> None:
        wanted: set[tuple[str, str]] = set()
        missing = []
        for record in records:
            names = [name for name, _ in record.fields]
            if len(set(names)) != len(names) or WHOLE in names:
                raise ConfigError(f"record `{record.id[:60]}` has a field twice, or one that is called `*`")
            if (record.id, WHOLE) in self.held:
                names = [WHOLE]
            wanted |= {(record.id, name) for name in names}
            missing += [(record.id, name) for name in names if (record.id, name) not in self.held]
        if missing:
            shown = "; ".join(
                f"record `{one[:60]}`, field `{name[:60]}`" for one, name in missing[:MAX_SHOWN]
            )
            more = f"; and {len(missing) - MAX_SHOWN} more" if len(missing) > MAX_SHOWN else ""
            raise ConfigError(
                f"nobody has decided {shown}{more}",
                hint="release or redact each field, or withhold the record",
            )
        stray = [key for key in self.held if key not in wanted]
        if stray:
            raise ConfigError(
                f"a decision is about record `{stray[0][0][:60]}`, field `{stray[0][1][:60]}`: not in the answer",
                hint="a record that is withheld whole has no decisions about its fields",
            )


def files_of(answer: Answer, exemptions: Exemptions) -> dict[str, bytes]:
    """Return the tables as CSV by name; each of a draft begins with a line that says so."""
    code_rows = [
        (code, exemptions.cite(code), exemptions.codes[code].says, str(count))
        for code, count in answer.by_code.items()
    ]
    found = {
        "records.csv": format_csv(
            ("record", "kind", "field", "content", "exemption"),
            ((str(one.record), one.kind, one.field, one.text, one.code) for one in answer.lines),
        ),
        "redactions.csv": format_csv(
            ("record", "kind", "field", "exemption", "statute"),
            (
                (str(one.record), one.kind, one.field, one.code, exemptions.cite(one.code))
                for one in answer.lines if one.code
            ),
        ),
        "withheld.csv": format_csv(
            ("record", "kind", "exemption", "statute"),
            ((str(one.record), one.kind, one.code, exemptions.cite(one.code)) for one in answer.withheld),
        ),
        "codes.csv": format_csv(("exemption", "statute", "says", "how often"), code_rows),
    }  # fmt: skip
    if answer.is_draft:
        return {f"draft-{name}": f"{DRAFT}\r\n".encode() + raw for name, raw in found.items()}
    return found

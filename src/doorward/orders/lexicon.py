"""reasons.toml, the audit lexicon of a pack: what a recorded access is as a request, and what its words say. Pure.

The words that every police log uses come from a shipped vocabulary (`vocabulary/english-policing-1.toml`), which a pack
names with its version: a released vocabulary never changes, so the pack's digest pins the words as well. A vocabulary
knows no order: it says `means = "crime"`, `agency = "ICE"`, and the pack says which of its words and agencies that is.
Patterns of the pack itself come first.

A door needs no lexicon: a pack without one, or with a fault in it, loads; it cannot be audited.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any, Final

from doorward.cedar.types import EntityType
from doorward.errors import Finding, PolicyCheckError
from doorward.orders.expressions import MAX_SOURCE, find_fault, write_expression, write_words
from doorward.orders.pack import Pack
from doorward.orders.toml import Toml
from doorward.policy.request import Fact, FactSpec, Resource

REASONS: Final = "reasons.toml"
MAX_PATTERNS: Final = 500
CELLS: Final = (
    "reason",
    "prompt",
    "filters",
    "offense",
)  # evidence is taken from the first of these that has any
FROM: Final = (
    "searcher", "for-agency", "purpose", "said", "case", "reach-back-days", "declaration", "participating", "kind",
    "at", "offense-given",
)  # fmt: skip
TAG: Final = "tag:"
SAID_WORDS: Final = {
    "said": ("stated", "vague", "blank"),
    "case": ("given", "none"),
}  # of sources that have words
_SECTIONS: Final = (
    "include", "without", "log", "pattern", "vague", "case_number", "agencies", "means", "names", "words",
)  # fmt: skip
_PATTERN: Final = (
    "tier", "match", "unless", "in", "purpose", "for_agency", "means", "agency", "typos", "raw", "whole", "tags",
    "source", "says",
)  # fmt: skip


class Tier(StrEnum):
    """How much words say; never mixed in a table, a sum or a sentence."""

    EXPLICIT = "explicit"  # the prohibited purpose, in words
    AGENCY_NAMED = "agency-named"  # an agency and no purpose, or one that is not prohibited
    OTHER = "other"  # something else
    VAGUE = "vague"  # words that say nothing


PATTERN_TIERS: Final = (Tier.EXPLICIT, Tier.AGENCY_NAMED, Tier.OTHER)


@dataclass(frozen=True, slots=True)
class Told:
    """Where a fact of the request comes from; with neither source nor value it is open: any value.

    Args:
        source: What the log tells (`FROM`), or `tag:NAME`, whether a pattern of that tag hits.
        value: What it always is.
        words: The fact's value by the word of the log; a word of the log without one leaves the fact open.
        open_where: Words of the log at which the fact is open: the form has no field in which more could stand.
    """

    source: str | None = None
    value: Fact | None = None
    words: Mapping[str, str | bool] = field(default_factory=dict)
    open_where: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Log:
    """What an access in one kind of log is, as a request of the order.

    Args:
        facts: By path. A fact that is left out is what resolvers.toml says of it at the database, or open.
        literal: Its reason and beneficiary are words of the order themselves: no pattern looks at them.
    """

    action: str
    resource: Resource
    facts: Mapping[str, Told]
    literal: bool = False


@dataclass(frozen=True, slots=True)
class Pattern:
    """One thing that words may say.

    Args:
        source: Where it is from.
        expression: What is looked for; its first group is the evidence.
        unless: What takes it back where it stands in the same cell, or None.
        cells: Where it is looked for.
        purposes: Words of the order; where there are two it is either.
        for_agency: An entity id of the order, or None.
        tags: What a policy of an agency may ask for.
        span: Its file and line, `english-policing-1.toml:12`.
    """

    id: str
    tier: Tier
    says: str
    source: str
    expression: str
    unless: str | None
    cells: tuple[str, ...]
    purposes: tuple[str, ...]
    for_agency: str | None
    tags: tuple[str, ...]
    span: str


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What a pack's reasons.toml says, its vocabularies included.

    Args:
        order: Name of the pack.
        digest: SHA-256 over all of it as it is applied: the version of the rules.
        vocabularies: Those included.
        logs: By name.
        patterns: In order of precedence.
        vague: An expression for a cell that says nothing.
        case_number: An expression for a case number within a reason; None where none has a known shape.
        case_unless: What takes it back.
        agencies: The section `agencies`, read by the part that matches searchers.
    """

    order: str
    vocabularies: tuple[str, ...]
    logs: Mapping[str, Log]
    patterns: tuple[Pattern, ...]
    vague: str
    case_number: str | None
    case_unless: str | None
    agencies: Mapping[str, Any] = field(compare=False)
    digest: str = ""

    def counts(self) -> dict[str, int]:
        """Return how many patterns there are in each tier."""
        return {tier.value: sum(pattern.tier is tier for pattern in self.patterns) for tier in PATTERN_TIERS}


def read_lexicon(pack: Pack, vocabularies: Mapping[str, str]) -> tuple[Lexicon | None, tuple[Finding, ...]]:
    """Return the lexicon of a pack, or None, and everything that is wrong with it.

    None without a finding: the pack has no reasons.toml.

    Args:
        pack: An order that loaded.
        vocabularies: Texts by name; those of the pack itself (`vocabulary/NAME.toml`) are added.
    """
    return _read_lexicon(pack, tuple(sorted(vocabularies.items())))


@lru_cache(maxsize=4)  # an audit of many logs asks once for each of them
def _read_lexicon(
    pack: Pack, vocabularies: tuple[tuple[str, str], ...]
) -> tuple[Lexicon | None, tuple[Finding, ...]]:
    text = pack.files.get(REASONS)
    if text is None:
        return None, ()
    own = {
        name.removeprefix("vocabulary/").removesuffix(".toml"): content
        for name, content in pack.files.items()
        if name.startswith("vocabulary/") and name.endswith(".toml")
    }
    try:
        reader = _Reader(pack, Toml(REASONS, text), {**dict(vocabularies), **own})
        lexicon = reader.read()
    except PolicyCheckError as error:
        return None, error.findings
    return (None, tuple(reader.findings)) if reader.findings else (lexicon, ())


class _Reader:
    """Reads one lexicon; faults are noted in the file where they stand."""

    def __init__(self, pack: Pack, file: Toml, vocabularies: Mapping[str, str]) -> None:
        self.pack = pack
        self.file = file
        self.known = dict(vocabularies)
        self.included: dict[str, Toml] = {}
        self.sections = file.get(dict, "means", default={}), file.get(dict, "names", default={})

    @property
    def findings(self) -> list[Finding]:
        return [*self.file.findings, *(fault for file in self.included.values() for fault in file.findings)]

    def read(self) -> Lexicon:
        self.file.refuse_others(_SECTIONS)
        for name in _texts(self.file, "include"):
            if name not in self.known:
                hint = f"one of {', '.join(sorted(self.known)) or 'none'}"
                self.file.note(f"there is no vocabulary `{name[:60]}`", "include", hint=hint)
            else:
                self.included[name] = Toml(f"{name}.toml", self.known[name])
                self.included[name].refuse_others(_SECTIONS[3:6] + _SECTIONS[9:])
        self._check_meanings()
        files = (self.file, *self.included.values())
        patterns = self._patterns(files)
        words = [word for file in files for word in self._expressions(file, "vague", "words")]
        fillers = [word for file in files for word in self._expressions(file, "vague", "fillers")]
        cases = [shape for file in files for shape in self._expressions(file, "case_number", "match")]
        unless = [shape for file in files for shape in self._expressions(file, "case_number", "unless")]
        real = self._real
        tags = {tag for pattern in patterns for tag in pattern.tags}
        lexicon = Lexicon(
            order=self.pack.name,
            vocabularies=tuple(self.included),
            logs={name: self._log(name, tags) for name in self.file.get(dict, "log", default={})},
            patterns=patterns,
            vague=write_words(words, fillers, typos=True, real=real) if words else "^[^0-9A-Za-z]*()$",
            case_number=write_expression(cases) if cases else None,
            case_unless=write_expression(unless) if unless else None,
            agencies=self.file.get(dict, "agencies", default={}),
        )
        return replace(lexicon, digest=_digest(lexicon))

    def _check_meanings(self) -> None:
        means, names = self.sections
        for meaning, word in means.items():
            if word not in self.pack.purposes:
                self._unknown(word, "purpose", self.pack.purposes, "means", meaning)
        for name, agency in names.items():
            if agency not in self.pack.agencies:
                self._unknown(agency, "agency", self.pack.agencies, "names", name)

    def _unknown(self, word: object, what: str, known: Mapping[str, object], *at: str) -> None:
        self.file.note(
            f"`{str(word)[:60]}` is no {what} of the order", *at, hint=f"one of {', '.join(known)}"
        )

    @cached_property
    def _real(self) -> frozenset[str]:
        """Words that are no slip of another; the vocabularies are included before."""
        files = (self.file, *self.included.values())
        return frozenset(word.lower() for file in files for word in _texts(file, "words", "real"))

    def _expressions(self, file: Toml, *at: str) -> tuple[str, ...]:
        """Return a list of expressions without those that have a fault, which is noted."""
        found = []
        for text in _texts(file, *at):
            fault = find_fault(text)
            if fault:
                file.note(f"`{text[:60]}` cannot be looked for: {fault}", *at)
            else:
                found.append(text)
        return tuple(found)

    def _patterns(self, files: Sequence[Toml]) -> tuple[Pattern, ...]:
        without = _texts(self.file, "without")
        named = [(file, name) for file in files for name in file.get(dict, "pattern", default={})]
        for name in set(without) - {name for _, name in named}:
            self.file.note(f"`{name[:60]}` is no pattern of an included vocabulary", "without")
        seen: set[str] = set()
        patterns = []
        for file, name in named:
            if name in seen:
                file.note(f"there are two patterns `{name[:60]}`", "pattern", name)
            elif name not in without or file is self.file:
                seen.add(name)
                patterns.append(self._pattern(file, name))
        if len(patterns) > MAX_PATTERNS:
            self.file.note(f"there are {len(patterns)} patterns; at most {MAX_PATTERNS}", "pattern")
        return tuple(pattern for pattern in patterns if pattern is not None)

    def _pattern(self, file: Toml, name: str) -> Pattern | None:
        at = ("pattern", name)
        raw = file.table(*at)
        file.refuse_others(_PATTERN, *at)
        tier = file.get(str, *at, "tier")
        if tier not in PATTERN_TIERS:
            hint = f"one of {', '.join(PATTERN_TIERS)}; words that say nothing stand in `vague`"
            file.note(f"`{tier[:40]}` is no tier of a pattern", *at, "tier", hint=hint)
        match = self._expressions(file, *at, "match")
        if not match:
            file.note(f"pattern `{name}` looks for nothing", *at, "match")
        unless = self._expressions(file, *at, "unless")
        cells = _texts(file, *at, "in") or CELLS[:2]
        for cell in cells:
            if cell not in CELLS:
                file.note(
                    f"`{cell[:40]}` is no cell that has words", *at, "in", hint=f"of {', '.join(CELLS)}"
                )
        purposes = self._words(file, name, "purpose", "means")
        agencies = self._words(file, name, "for_agency", "agency")
        flags = {
            key: file.get(bool, *at, key, default=False) for key in ("typos", "raw", "whole") if key in raw
        }
        expression = write_expression(match, real=self._real, **flags) if match else ""
        if len(expression) > MAX_SOURCE:
            file.note(f"pattern `{name}` is too large with its slips", *at, "match", hint="split it")
        says, source = (file.get(str, *at, key) for key in ("says", "source"))
        if tier not in PATTERN_TIERS or not match:
            return None
        return Pattern(
            id=name,
            tier=Tier(tier),
            says=says,
            source=source,
            expression=expression,
            unless=write_expression(unless) if unless else None,
            cells=tuple(cell for cell in CELLS if cell in cells),
            purposes=purposes,
            for_agency=agencies[0] if agencies else None,
            tags=_texts(file, *at, "tags"),
            span=f"{file.file}:{file.span(*at).line}",
        )

    def _words(self, file: Toml, name: str, direct: str, neutral: str) -> tuple[str, ...]:
        """Return the purposes or the agency of the order that a pattern states: its own, or what neutral ones are here.

        A meaning that the pack has no word for is none.
        """
        at, of_purpose = ("pattern", name), direct == "purpose"
        known: Mapping[str, object] = self.pack.purposes if of_purpose else self.pack.agencies
        raw = file.table(*at)
        if direct in raw and file is not self.file:
            file.note(f"a vocabulary knows no order: write `{neutral}`", *at, direct)
        elif direct in raw:
            words = _one_or_more(file, *at, direct)
            for word in words:
                if word not in known:
                    self._unknown(word, "purpose" if of_purpose else "agency", known, *at, direct)
            return words
        said = self.sections[0 if of_purpose else 1]
        found = (said.get(word) for word in (_one_or_more(file, *at, neutral) if neutral in raw else ()))
        return tuple(dict.fromkeys(word for word in found if isinstance(word, str)))

    def _log(self, name: str, tags: Collection[str]) -> Log:
        at = ("log", name)
        self.file.refuse_others(("action", "resource", "literal", "fact"), *at)
        action = self.file.get(str, *at, "action")
        kind = self.file.get(str, *at, "resource", "type")
        identity = (
            self.file.get(str, *at, "resource", "id") if "id" in self.file.table(*at, "resource") else ""
        )
        resource, model = Resource(kind, identity), self.pack.requests
        facts: dict[str, Told] = {}
        if action not in model.actions:
            self._unknown(action, "action", model.actions, *at, "action")
        elif kind not in model.actions[action]:
            hint = f"of {', '.join(model.actions[action])}"
            self.file.note(f"`{action}` is not asked of a `{kind[:60]}`", *at, "resource", hint=hint)
        elif model.resources[kind].in_file != bool(identity) or (
            identity and identity not in model.ids(kind)
        ):
            self.file.note(f"`{identity[:60]}` is no {kind} of the order", *at, "resource")
        else:
            specs = model.specs(kind)
            for path in self.file.get(dict, *at, "fact", default={}):
                facts[path] = self._fact(specs.get(path), tags, *at, "fact", path)
        return Log(action, resource, facts, self.file.get(bool, *at, "literal", default=False))

    def _fact(self, spec: FactSpec | None, tags: Collection[str], *at: str) -> Told:
        path = at[-1]
        raw = self.file.table(*at)
        self.file.refuse_others(("from", "words", "value", "open", "open_where"), *at)
        if spec is None or spec.definition is not None:
            why = "no fact of this request" if spec is None else "computed from other facts"
            self.file.note(f"`{path[:80]}` is {why}", *at, hint="see resolvers.toml")
            return Told()
        if len(raw.keys() & {"from", "value", "open"}) != 1 or (
            raw.keys() & {"words", "open_where"} and "from" not in raw
        ):
            self.file.note(
                f"`{path}` needs one of `from`, `value` and `open`; `words` and `open_where` go with `from`",
                *at,
            )
            return Told()
        if "from" in raw:
            return self._told(spec, tags, *at)
        if "value" in raw:
            if not self._allows(spec, raw["value"]):
                self.file.note(f"`{str(raw['value'])[:60]}` is no value of `{path}`", *at)
            return Told(value=raw["value"])
        if raw["open"] is not True:
            self.file.note(f"`open` of `{path}` can only be true", *at)
        return Told()

    def _told(self, spec: FactSpec, tags: Collection[str], *at: str) -> Told:
        source = self.file.get(str, *at, "from")
        tag = source.removeprefix(TAG)
        if tag != source and tag not in tags:
            self.file.note(
                f"no pattern has the tag `{tag[:40]}`", *at, hint=f"one of {', '.join(sorted(tags))}"
            )
        if tag == source and source not in FROM:
            hint = f"one of {', '.join(FROM)}, or `{TAG}` and a tag"
            self.file.note(f"a log does not tell `{source[:40]}`", *at, hint=hint)
        words = self.file.get(dict, *at, "words", default={})
        for word, value in words.items():
            if not self._allows(spec, value):
                self.file.note(f"`{str(value)[:60]}` is no value of `{spec.path}`", *at)
            if source in SAID_WORDS and word not in SAID_WORDS[source]:
                self.file.note(
                    f"`{source}` is never `{word[:40]}`", *at, hint=f"of {', '.join(SAID_WORDS[source])}"
                )
        return Told(source, words=words, open_where=_texts(self.file, *at, "open_where"))

    def _allows(self, spec: FactSpec, value: object) -> bool:
        ids = self.pack.requests.ids(spec.type.name) if isinstance(spec.type, EntityType) else None
        return spec.allows(value) and (ids is None or value in ids)


def _texts(file: Toml, *at: str) -> tuple[str, ...]:
    """Return a list of texts, or an empty one where it is missing; what is no text is noted."""
    found = file.get(list, *at, default=[])
    if not all(isinstance(text, str) for text in found):
        file.note(f"`{'.'.join(at)}` must be a list of texts", *at)
    return tuple(text for text in found if isinstance(text, str))


def _one_or_more(file: Toml, *at: str) -> tuple[str, ...]:
    """Return a text, or a list of them, as a list."""
    at_key = file.table(*at[:-1]).get(at[-1])
    return _texts(file, *at) if isinstance(at_key, list) else (file.get(str, *at),)


def _digest(lexicon: Lexicon) -> str:
    text = json.dumps(asdict(lexicon) | {"digest": ""}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()

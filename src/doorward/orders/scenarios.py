"""Cases on paper: a row of a CSV becomes a request by the phrases of the pack, and its answer is compared. Pure.

The phrases are data of the pack (scenarios.toml), so no word of a city stands in code. A row that the phrases cannot
read is a fault: a case is never passed over in silence. Each row is decided twice, by the compiled policies and by
Cedar's own engine.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from doorward.errors import ConfigError, Finding, PolicyCheckError, Span
from doorward.orders.pack import Pack
from doorward.orders.toml import Toml
from doorward.policy.decision import Decision
from doorward.policy.request import Fact, Request, Resource

COLUMNS = (
    "id", "requester", "city_person", "for_agency", "purpose", "paper", "what", "where",
    "outcome", "posture", "to", "obligations", "clauses", "question",
)  # fmt: skip
REQUIRED = (
    "action", "resource", "principal.role", "principal.agency",
    "context.requester.agency", "context.for_agency", "context.purpose",
)  # fmt: skip
AGENCIES = ("context.for_agency", "context.requester.agency", "principal.agency")
PHRASES = "scenarios.toml"
MAX_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Rule:
    """One phrase: where its pattern is found in a column, it sets facts that no earlier rule has set."""

    column: str
    pattern: re.Pattern[str]
    sets: Mapping[str, Fact]


@dataclass(frozen=True, slots=True)
class Phrases:
    """What holds by default, and the rules in their order."""

    defaults: Mapping[str, Fact]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One row: its texts by column, and where it stands."""

    texts: Mapping[str, str]
    span: Span

    @property
    def name(self) -> str:
        """The row's id."""
        return self.texts["id"]


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case as it was decided; ``beyond`` lists clauses that the case does not."""

    case: Case
    decision: Decision
    differences: tuple[Finding, ...]
    beyond: tuple[str, ...]
    request: Request


@dataclass(frozen=True, slots=True)
class Cases:
    """All cases of a file: decided, and unreadable."""

    decided: tuple[CaseResult, ...]
    findings: tuple[Finding, ...]


def run_cases(pack: Pack, *, file: str, text: str, now: datetime) -> Cases:
    """Return how the order decides each case of a CSV text.

    Args:
        pack: The order, with its phrases.
        file: Name for messages.
        text: CSV with the columns `COLUMNS`.
        now: The time of every request.

    Raises:
        PolicyCheckError: The text is no such CSV, or the phrases are faulty.
    """
    phrases = read_phrases(Toml(PHRASES, pack.files[PHRASES]))
    decided, findings = [], []
    for case in read_cases(file, text):
        try:
            request = make_request(pack, match_rules(phrases, case, pack), now=now)
        except ConfigError as error:
            findings.append(Finding(f"case {case.name}: {error}", case.span, error.hint))
            continue
        decided.append(_decide(pack, case, request))
    return Cases(tuple(decided), tuple(findings))


def _decide(pack: Pack, case: Case, request: Request) -> CaseResult:
    """Return how a case is decided; that Cedar's own engine says otherwise is a difference too."""
    applied, oracle = pack.decider.apply(request), pack.evaluator.apply(request)
    result = compare(case, pack.answer(applied), request)
    if (applied.policies, bool(applied.errors)) != (oracle.policies, bool(oracle.errors)):
        said = f"case {case.name}: compiled policies and Cedar's engine differ"
        return replace(result, differences=(*result.differences, Finding(said, case.span)))
    return result


def read_phrases(file: Toml) -> Phrases:
    """Return the phrases.

    Raises:
        PolicyCheckError: A key or a pattern is wrong.
    """
    file.refuse_others(("defaults", "rule"))
    rules = []
    for number, raw in enumerate(file.get(list, "rule", default=[])):
        at = ("rule", str(number))
        column, match, sets = raw.get("column"), raw.get("match"), raw.get("sets")
        if raw.keys() != {"column", "match", "sets"} or column not in COLUMNS or not isinstance(sets, dict):
            file.note("a rule needs `column`, `match` and `sets`, and nothing else", *at)
            continue
        try:
            rules.append(Rule(column, re.compile(str(match)), sets))
        except re.error as error:
            file.note(f"`{match}` is no pattern: {error}", *at)
    defaults = file.get(dict, "defaults", default={})
    if file.findings:
        raise PolicyCheckError(str(file.findings[0]), findings=file.findings, hint=file.findings[0].hint)
    return Phrases(defaults, tuple(rules))


def read_cases(file: str, text: str) -> list[Case]:
    """Return the rows of a CSV.

    Raises:
        PolicyCheckError: A row has other columns, or there are too many.
    """
    reader = csv.reader(io.StringIO(text), strict=True)
    cases: list[Case] = []
    try:
        header = tuple(next(reader, ()))
        if header != COLUMNS:
            raise _malformed(file, 1, f"expected the columns {', '.join(COLUMNS)}")
        line = reader.line_num + 1
        for row in reader:
            if len(row) != len(COLUMNS) or len(cases) >= MAX_ROWS:
                raise _malformed(file, line, f"expected {len(COLUMNS)} values and at most {MAX_ROWS} rows")
            cases.append(Case(dict(zip(COLUMNS, row, strict=True)), Span(file, line, 1)))
            line = reader.line_num + 1
    except csv.Error as error:
        raise _malformed(file, reader.line_num, f"this is no CSV: {error}") from error
    return cases


def match_rules(phrases: Phrases, case: Case, pack: Pack) -> dict[str, Fact]:
    """Return the facts that the rules read out of a case, with references followed and ids in their own case."""
    facts: dict[str, Fact] = {}
    for rule in phrases.rules:
        found = rule.pattern.search(case.texts[rule.column].lower())
        for path, value in rule.sets.items() if found else ():
            facts.setdefault(path, found.group() if value == "$0" and found else value)
    agencies = {name.lower(): name for name in pack.agencies}
    for path, value in list(facts.items()):
        if isinstance(value, str) and value.startswith("@"):
            facts[path] = facts.get(value[1:], "")
        if path in AGENCIES:
            facts[path] = agencies.get(str(facts[path]).lower(), str(facts[path]))
    # A paper that no rule knows must not be read as no paper.
    known = any(r.column == "paper" and r.pattern.search(case.texts["paper"].lower()) for r in phrases.rules)
    return {**phrases.defaults, **facts, **({} if known else {"paper": ""})}


def make_request(pack: Pack, facts: Mapping[str, Fact], *, now: datetime) -> Request:
    """Return the request of a case; facts of another type of resource than its own are left out.

    Raises:
        ConfigError: A column says something that no phrase of the pack knows.
    """
    missing = [path for path in REQUIRED if not facts.get(path)]
    if missing or facts.get("paper") == "":
        what = ", ".join(f"`{path}`" for path in missing) or "the paper"
        raise ConfigError(
            f"no phrase of {PHRASES} tells {what}", hint=f"add a rule to {PHRASES}, or a word to the order"
        )
    kind, _, name = str(facts["resource"]).partition(":")
    spec = pack.requests.resources.get(kind)
    given = {
        path: value
        for path, value in facts.items()
        if path not in {"resource", "action", "paper"}
        and (not path.startswith("resource.") or (spec is not None and path in spec.facts))
    }
    return pack.request(given, resource=Resource(kind, name), now=now, action=str(facts["action"]))


def compare(case: Case, decision: Decision, request: Request) -> CaseResult:
    """Return where a decision differs from its case: outcome, posture, addressee, obligations, missing clauses."""
    expected = case.texts
    clauses = expected["clauses"].split()
    differences = list(
        _differences(
            case,
            (
                ("outcome", [expected["outcome"]], [decision.outcome.value]),
                ("posture", [expected["posture"]], [decision.posture.value]),
                ("to", expected["to"].split(), [decision.addressee.value] if decision.addressee else []),
                ("obligations", expected["obligations"].split(), decision.obligations),
            ),
        )
    )
    missing = [clause for clause in clauses if clause not in decision.clauses]
    if missing:
        said = f"case {case.name}: expected clauses {' '.join(clauses)}, got {' '.join(decision.clauses) or 'none'}"
        differences.append(Finding(said, case.span))
    beyond = tuple(clause for clause in decision.clauses if clause not in clauses)
    return CaseResult(case, decision, tuple(differences), beyond, request)


def _differences(case: Case, pairs: Sequence[tuple[str, Sequence[str], Sequence[str]]]) -> Iterator[Finding]:
    for name, expected, got in pairs:
        if sorted(expected) != sorted(got):
            said = f"expected {name} {' '.join(expected) or 'none'}, got {' '.join(got) or 'none'}"
            yield Finding(f"case {case.name}: {said}", case.span)


def _malformed(file: str, line: int, message: str) -> PolicyCheckError:
    finding = Finding(message, Span(file, line, 1))
    return PolicyCheckError(str(finding), findings=[finding])

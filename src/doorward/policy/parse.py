"""Cedar text with the order's annotations, as policies.

Each policy bears ``@id`` (unique in the pack) and ``@clauses`` (one or more clause ids), and as needed:

* ``@outcome``: ``refer`` on a forbid, ``outside`` on a permit;
* ``@posture``, ``@to``, ``@obliges``, ``@suspends``: words and ids, separated by spaces where several may stand;
* ``@says``: the sentence for City staff;
* ``@remedy``: ``register: ...``, ``paper: ...`` or ``approval: ...``;
* ``@cure``: of a remedy that is a register or a paper, the facts that it changes, as in ``context.declaration = true``.

Nothing else is an annotation of the order. Whether the conditions are safe is for `doorward.policy.check`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from doorward.cedar.est import read_rules, template_ids
from doorward.cedar.ir import NOWHERE, Effect, Expr, Rule
from doorward.cedar.scan import Source, scan
from doorward.errors import Finding, PolicySyntaxError, Span
from doorward.policy.decision import Addressee, Outcome, Posture

T = TypeVar("T")

ANNOTATIONS = ("id", "clauses", "outcome", "posture", "to", "obliges", "suspends", "says", "remedy", "cure")
REMEDY_KINDS = ("paper", "register", "approval")
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")
_CURE = re.compile(r'\s*([a-z][\w.]*)\s*=\s*(true|false|-?[0-9]+|"[^"\\]*"|[\w-]+)\s*')
_OBLIGATION = re.compile(
    r"count|notify\([a-z-]+\)|verify-issuer|calendar(\([1-9][0-9]{0,3}\))?|legal-hold|notice-to-person|review-account"
    r"|open-incident|observe|oemc-notice|public-source-only|ask-to-leave|sealed|review-within-a-day"
)


@dataclass(frozen=True, slots=True)
class Remedy:
    """What may be done about an answer.

    Args:
        kind: ``paper``, ``register`` or ``approval``.
        text: What, for a person.
        cure: The facts that it changes, by path; empty for an approval, which answers a referral.
    """

    kind: str
    text: str
    cure: Mapping[str, bool | int | str]


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy: what it contributes where its conditions hold.

    Args:
        outcome: What it stands for: deny or refer (a forbid), permit or outside (a permit).
        decides: Whether every clause of it is confirmed or adopted; a policy of needs-counsel clauses decides
            nothing alone.
        remedy: What may be done, or None where nothing is proposed.
        rule: The policy as Cedar has it.
    """

    id: str
    effect: Effect
    outcome: Outcome
    clauses: tuple[str, ...]
    decides: bool
    posture: Posture | None
    addressee: Addressee | None
    obligations: tuple[str, ...]
    suspends: tuple[str, ...]
    says: str | None
    remedy: Remedy | None
    rule: Rule
    source: Source

    @property
    def span(self) -> Span:
        """Where the policy stands: its id, or its first token."""
        return self.source.find(self.rule.number, [f'"{self.id}"'])

    def holds(self, place: Span | None) -> bool:
        """Return whether a place of the pack's text is in the policy."""
        if place is None or place.file != self.source.file:
            return False
        tokens = self.source.policies[self.rule.number]
        first, last = self.source.span(tokens[0].start), self.source.span(tokens[-1].end)
        return (first.line, first.column) <= (place.line, place.column) <= (last.line, last.column)

    def place(self, node: Expr) -> Span:
        """Return where a part of the policy stands; the policy's own place where that is not known."""
        return self.span if node.at == NOWHERE else self.source.span(node.at)

    def place_of(self, text: str) -> Span:
        """Return where a token first stands in the policy; the policy's own place where it does not."""
        tokens = self.source.policies[self.rule.number]
        found = next((token.start for token in tokens if token.text == text), None)
        return self.span if found is None else self.source.span(found)


def parse_policies(
    files: Mapping[str, str], *, clauses: Mapping[str, bool]
) -> tuple[tuple[Policy, ...], tuple[Finding, ...]]:
    """Return the policies of all files in the order of the text, and what is wrong with their annotations.

    Args:
        files: Text by file name, in the order in which they are to be read.
        clauses: Every clause of the order, and whether it is confirmed or adopted.

    Raises:
        PolicySyntaxError: A text is not Cedar.
    """
    policies: list[Policy] = []
    findings: list[Finding] = []
    for file, text in files.items():
        source = scan(file, text)
        if template_ids(source):
            raise PolicySyntaxError(
                "a template with slots stands in the order; an order has policies only",
                span=source.span(source.text.find("?")),
            )
        for rule in read_rules(source):
            policy = _Reader(source, rule, findings).policy(clauses)
            if policy is not None:
                policies.append(policy)
    findings.extend(_check_ids(policies))
    return tuple(policies), tuple(findings)


class _Reader:
    """Reads the annotations of one policy and notes what is wrong with them."""

    def __init__(self, source: Source, rule: Rule, findings: list[Finding]) -> None:
        self._source = source
        self._rule = rule
        self._stated = rule.annotations
        self._findings = findings

    def policy(self, clauses: Mapping[str, bool]) -> Policy | None:
        """Return the policy, or None where it has no usable id; faults are noted."""
        stated = self._stated
        for name in stated:
            if name not in ANNOTATIONS:
                self._note(name, f"unknown annotation `@{name}`", f"one of {', '.join(ANNOTATIONS)}")
        policy_id = stated.get("id", "")
        if not _ID.fullmatch(policy_id):
            self._note(
                "id",
                "a policy needs an `@id`" if not policy_id else f"`{policy_id}` is no id",
                "lower-case letters, digits and hyphens, at most 80",
            )
            return None
        effect = self._rule.effect
        cited = self._words("clauses", lambda word: word if word in clauses else None, "clause of order.toml")
        if not cited:
            self._note("clauses", f"policy `{policy_id}` cites no clause", '`@clauses("C30b")`')
        suspends = self._words("suspends", str, "policy id")
        outcome = self._outcome(effect)
        if suspends and outcome is not Outcome.REFER:
            self._note("suspends", "only a refer forbid suspends another", '`@outcome("refer")` on a forbid')
        return Policy(
            id=policy_id,
            effect=effect,
            outcome=outcome,
            clauses=cited,
            decides=all(clauses[clause] for clause in cited),
            posture=self._word("posture", Posture),
            addressee=self._word("to", Addressee),
            obligations=self._words(
                "obliges",
                lambda word: word if _OBLIGATION.fullmatch(word) else None,
                "obligation of DESIGN.md",
            ),
            suspends=suspends,
            says=self._sentence("says"),
            remedy=self._remedy(),
            rule=self._rule,
            source=self._source,
        )

    def _outcome(self, effect: Literal["permit", "forbid"]) -> Outcome:
        usual, other = (
            (Outcome.PERMIT, Outcome.OUTSIDE) if effect == "permit" else (Outcome.DENY, Outcome.REFER)
        )
        stated = self._stated.get("outcome")
        if stated is None:
            return usual
        if stated != other.value:
            self._note("outcome", f"`{stated}` is no outcome of a {effect}", f'`@outcome("{other}")` or none')
            # Noted, so nothing is installed; refer is the reading that opens nothing.
            return Outcome.REFER
        return other

    def _word(self, name: str, words: Callable[[str], T]) -> T | None:
        stated = self._stated.get(name)
        if stated is None:
            return None
        try:
            return words(stated)
        except ValueError:
            self._note(name, f"`{stated}` is no word for `@{name}`", "the words of DESIGN.md, The decision")
            return None

    def _words(self, name: str, accept: Callable[[str], str | None], kind: str) -> tuple[str, ...]:
        found: list[str] = []
        for word in self._stated.get(name, "").split():
            if accept(word) is None:
                self._note(name, f"`{word}` in `@{name}` is no {kind}", None)
            elif word in found:
                self._note(name, f"`{word}` stands twice in `@{name}`", None)
            else:
                found.append(word)
        return tuple(found)

    def _sentence(self, name: str) -> str | None:
        stated = self._stated.get(name)
        if stated is not None and (not stated.strip() or not stated.isprintable()):
            self._note(name, f"`@{name}` is one printable line", None)
        return stated

    def _remedy(self) -> Remedy | None:
        stated, cure = self._sentence("remedy"), self._sentence("cure")
        if stated is None:
            if cure is not None:
                self._note("cure", "a cure needs its remedy in words", '`@remedy("register: ...")`')
            return None
        kind, _, text = stated.partition(":")
        if kind not in REMEDY_KINDS or not text.strip():
            self._note(
                "remedy",
                "a remedy names a paper, a register or an approval",
                'begin it with `paper:`, `register:` or `approval:`, as in `@remedy("register: ...")`',
            )
        if (kind == "approval") != (cure is None):
            self._note(
                "remedy" if cure is None else "cure",
                "a paper or a register needs its `@cure`, and an approval has none",
                '`@cure("context.declaration = true")` says which facts the remedy changes',
            )
        return Remedy(kind, text.strip(), self._cure(cure or ""))

    def _cure(self, stated: str) -> dict[str, bool | int | str]:
        changes: dict[str, bool | int | str] = {}
        for part in stated.split(";") if stated else ():
            found = _CURE.fullmatch(part)
            if found is None:
                self._note("cure", f"`{part.strip()}` is no change of a fact", "`path = value; path = value`")
                continue
            path, value = found.groups()
            changes[path] = _read_value(value)
        return changes

    def _note(self, annotation: str, message: str, hint: str | None) -> None:
        span = self._source.find(self._rule.number, ["@", annotation])
        self._findings.append(Finding(message, span, hint))


def _check_ids(policies: Sequence[Policy]) -> list[Finding]:
    findings: list[Finding] = []
    first: dict[str, Policy] = {}
    for policy in policies:
        if policy.id in first:
            findings.append(
                Finding(
                    f"`{policy.id}` is already the id of the policy at {first[policy.id].span}", policy.span
                )
            )
        first.setdefault(policy.id, policy)
    for policy in policies:
        for suspended in policy.suspends:
            if suspended not in first or first[suspended].effect != "forbid":
                span = policy.source.find(policy.rule.number, ["@", "suspends"])
                findings.append(Finding(f"`{suspended}` in `@suspends` is no forbid of the order", span))
    return findings


def _read_value(text: str) -> bool | int | str:
    if text in {"true", "false"}:
        return text == "true"
    return int(text) if re.fullmatch(r"-?[0-9]+", text) else text.strip('"')

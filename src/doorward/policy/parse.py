"""Cedar text with the order's annotations, as policies.

Each policy bears ``@id`` (unique in the pack) and ``@clauses`` (one or more clause ids), and as needed:

* ``@outcome``: ``refer`` on a forbid, ``outside`` on a permit;
* ``@posture``, ``@to``, ``@obliges``, ``@suspends``: words and ids, separated by spaces where several may stand;
* ``@says``: the sentence for City staff;
* ``@remedy``: ``register: ...``, ``paper: ...`` or ``approval: ...``.

Nothing else is an annotation of the order.

What the conditions mean is for `doorward.policy.check` (are they safe), `doorward.policy.evaluate` (Cedar
itself) and `doorward.policy.lower` (the compiler).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import cedarpy
from cedarpy import pst

from doorward.errors import Finding, PolicySyntaxError, Span
from doorward.policy.decision import Addressee, Outcome, Posture
from doorward.policy.scan import Source, find_syntax_error, scan

T = TypeVar("T")

ANNOTATIONS = ("id", "clauses", "outcome", "posture", "to", "obliges", "suspends", "says", "remedy")
REMEDY_KINDS = ("paper", "register", "approval")
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")
_OBLIGATION = re.compile(
    r"count|notify\([a-z-]+\)|verify-issuer|calendar(\([1-9][0-9]{0,3}\))?|legal-hold|notice-to-person|review-account"
    r"|open-incident|observe|oemc-notice|public-source-only|ask-to-leave|sealed|review-within-a-day"
)


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy: what it contributes where its conditions hold.

    Args:
        outcome: What it stands for: deny or refer (a forbid), permit or outside (a permit).
        decides: Whether every clause of it is confirmed or adopted; a policy of needs-counsel clauses decides
            nothing alone.
        remedy: What may be done, without its kind; None where nothing is proposed.
    """

    id: str
    effect: Literal["permit", "forbid"]
    outcome: Outcome
    clauses: tuple[str, ...]
    decides: bool
    posture: Posture | None
    addressee: Addressee | None
    obligations: tuple[str, ...]
    suspends: tuple[str, ...]
    says: str | None
    remedy: str | None
    template: pst.Template
    source: Source
    number: int

    @property
    def span(self) -> Span:
        """Where the policy stands: its id, or its first token."""
        return self.source.find(self.number, [f'"{self.id}"'])


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
        for number, template in enumerate(_templates(source)):
            reader = _Reader(source, number, template, findings)
            policy = reader.policy(clauses)
            if policy is not None:
                policies.append(policy)
    findings.extend(_check_ids(policies))
    return tuple(policies), tuple(findings)


def _templates(source: Source) -> Sequence[pst.Template]:
    try:
        parsed = cedarpy.policies_to_pst(source.text)
    except ValueError as error:
        span, said = find_syntax_error(source)
        raise PolicySyntaxError(f"this is no Cedar: {said}", span=span) from error
    if parsed.templates:
        raise PolicySyntaxError(
            "a template with slots stands in the order; version 1 takes policies only",
            span=source.span(source.text.find("?")),
        )
    # Ids are positional; the parser numbers policies as they stand in the text.
    return [parsed.static_policies[f"policy{number}"] for number in range(len(parsed.static_policies))]


class _Reader:
    """Reads the annotations of one policy and notes what is wrong with them."""

    def __init__(self, source: Source, number: int, template: pst.Template, findings: list[Finding]) -> None:
        self._source = source
        self._number = number
        self._template = template
        self._findings = findings

    def policy(self, clauses: Mapping[str, bool]) -> Policy | None:
        """Return the policy, or None where it has no usable id; faults are noted."""
        stated = self._template.annotations
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
        effect = self._template.effect
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
            template=self._template,
            source=self._source,
            number=self._number,
        )

    def _outcome(self, effect: Literal["permit", "forbid"]) -> Outcome:
        usual, other = (
            (Outcome.PERMIT, Outcome.OUTSIDE) if effect == "permit" else (Outcome.DENY, Outcome.REFER)
        )
        stated = self._template.annotations.get("outcome")
        if stated is None:
            return usual
        if stated != other.value:
            self._note("outcome", f"`{stated}` is no outcome of a {effect}", f'`@outcome("{other}")` or none')
            # Noted, so nothing is installed; refer is the reading that opens nothing.
            return Outcome.REFER
        return other

    def _word(self, name: str, words: Callable[[str], T]) -> T | None:
        stated = self._template.annotations.get(name)
        if stated is None:
            return None
        try:
            return words(stated)
        except ValueError:
            self._note(name, f"`{stated}` is no word for `@{name}`", "the words of DESIGN.md, The decision")
            return None

    def _words(self, name: str, accept: Callable[[str], str | None], kind: str) -> tuple[str, ...]:
        found: list[str] = []
        for word in self._template.annotations.get(name, "").split():
            if accept(word) is None:
                self._note(name, f"`{word}` in `@{name}` is no {kind}", None)
            elif word in found:
                self._note(name, f"`{word}` stands twice in `@{name}`", None)
            else:
                found.append(word)
        return tuple(found)

    def _sentence(self, name: str) -> str | None:
        stated = self._template.annotations.get(name)
        if stated is not None and (not stated.strip() or not stated.isprintable()):
            self._note(name, f"`@{name}` is one printable line", None)
        return stated

    def _remedy(self) -> str | None:
        stated = self._sentence("remedy")
        if stated is None:
            return None
        kind, _, text = stated.partition(":")
        if kind not in REMEDY_KINDS or not text.strip():
            self._note(
                "remedy",
                "a remedy names a paper, a register or an approval",
                'begin it with `paper:`, `register:` or `approval:`, as in `@remedy("register: ...")`',
            )
        return text.strip()

    def _note(self, annotation: str, message: str, hint: str | None) -> None:
        span = self._source.find(self._number, ["@", annotation])
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
                span = policy.source.find(policy.number, ["@", "suspends"])
                findings.append(Finding(f"`{suspended}` in `@suspends` is no forbid of the order", span))
    return findings

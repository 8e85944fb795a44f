"""What an answer never sets: the word of a register and the recorded act of a named person, with its evidence. Pure.

INVARIANT (claims are not facts, law 6): an act sets only facts whose resolver in the pack is the one that speaks.
INVARIANT (papers are not mixed): of several papers of one class the request has one, whole: verified, in scope and
current first. Only that one of them forbids telling others is kept from all, since it closes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from doorward.errors import ConfigError
from doorward.policy.request import NOW, Fact, FactSpec

PRESENTED, SEEN, SEALED = "presented", "seen", "sealed"
VERIFIED, SCOPE, CURRENT = "verified", "scope", "current"
SHOWN: Final = (PRESENTED, SEEN, SEALED)  # of a paper, what a person at a desk can say of it
IN_SCOPE: Final = "in"
PAPER: Final = "paper"
PRINCIPAL: Final = "principal."


@dataclass(frozen=True, slots=True)
class Act:
    """One answer of a register, or one recorded act of a named person.

    Args:
        resolver: Who speaks, a resolver of the pack: ``register-of-cases``, ``directory``, ``official-act``.
        evidence: The id under which it is on file; never empty.
        facts: What it says, by path.
    """

    resolver: str
    evidence: str
    facts: Mapping[str, Fact]


def verify_paper(
    paper: str,
    *,
    resolver: str,
    evidence: str,
    verified: bool,
    scope: str,
    current: bool,
    sealed: bool = False,
) -> Act:
    """Return the act of a person who has looked at a paper and says what it is.

    Args:
        paper: The path of its class, such as ``context.papers.court_order``.
        verified: On the original or with its issuer; a paper may be read, found out of scope and not be verified.
        scope: Whether it covers what is asked, a word of the order.
        sealed: It forbids telling others.
    """
    said: dict[str, Fact] = {PRESENTED: True, SEEN: True, VERIFIED: verified, SCOPE: scope, CURRENT: current}
    facts = {f"{paper}.{name}": value for name, value in {**said, SEALED: sealed}.items()}
    return Act(resolver, evidence, facts)


def with_acts(
    facts: Mapping[str, Fact], acts: Sequence[Act], *, specs: Mapping[str, FactSpec]
) -> dict[str, Fact]:
    """Return the facts of a request with what registers and named persons say of it.

    Args:
        facts: What the answers of a form set.
        specs: Every fact of the request by path; acts on facts of another resource are refused.

    Raises:
        ConfigError: An act has no evidence, speaks of a fact that is not its resolver's, or of a part of a paper; or
            two acts say different things of one fact.
    """
    told: dict[str, Fact] = {}
    papers: dict[str, list[dict[str, Fact]]] = {}
    for act in acts:
        _check_act(act, specs)
        for path, value in act.facts.items():
            if specs[path].remedy != PAPER and told.setdefault(path, value) != value:
                raise ConfigError(
                    f"two acts differ on `{path}`", hint="one of them is out of date: leave it out"
                )
        for paper, fields in _papers(act, specs).items():
            papers.setdefault(paper, []).append(fields)
    joined = {**facts, **told}
    for paper, found in papers.items():
        joined |= _choose_paper(paper, found, facts)
    return joined


def _check_act(act: Act, specs: Mapping[str, FactSpec]) -> None:
    if not act.evidence.strip():
        raise ConfigError(
            "an act has no evidence", hint="the id under which the act or the answer is on file"
        )
    for path, value in act.facts.items():
        spec = specs.get(path)
        if spec is None or path.startswith(PRINCIPAL) or path == NOW or spec.definition is not None:
            raise ConfigError(f"`{path[:80]}` is no fact that an act may set in this request")
        if spec.is_claim or spec.resolver != act.resolver:
            raise ConfigError(
                f"`{path}` is not for `{act.resolver[:60]}` to say", hint=f"its resolver is `{spec.resolver}`"
            )
        if not spec.allows(value):
            raise ConfigError(f"an act gives `{path}` no word of the order")


def _papers(act: Act, specs: Mapping[str, FactSpec]) -> dict[str, dict[str, Fact]]:
    """Return the papers that an act speaks of, each whole."""
    papers: dict[str, dict[str, Fact]] = {}
    for path, value in act.facts.items():
        if specs[path].remedy == PAPER:
            paper, _, name = path.rpartition(".")
            papers.setdefault(paper, {})[name] = value
    for paper, fields in papers.items():
        whole = {path.rpartition(".")[2] for path in specs if path.rpartition(".")[0] == paper}
        if fields.keys() != whole:
            raise ConfigError(
                f"an act on `{paper}` says {', '.join(sorted(fields))}",
                hint=f"a paper is read whole: {', '.join(sorted(whole))}",
            )
        if fields.get(VERIFIED) is True and not (fields.get(PRESENTED) is True and fields.get(SEEN) is True):
            raise ConfigError(f"an act on `{paper}` verifies a paper that nobody saw")
    return papers


def _choose_paper(paper: str, found: Sequence[dict[str, Fact]], facts: Mapping[str, Fact]) -> dict[str, Fact]:
    def rank(fields: dict[str, Fact]) -> tuple[bool, bool, bool]:
        return (
            fields.get(VERIFIED) is True,
            fields.get(SCOPE) == IN_SCOPE,
            fields.get(CURRENT) is True,
        )

    highest = max(rank(fields) for fields in found)
    best = dict(next(fields for fields in reversed(found) if rank(fields) == highest))
    if SEALED in best:
        best[SEALED] = facts.get(f"{paper}.{SEALED}") is True or any(
            fields.get(SEALED) is True for fields in found
        )
    return {f"{paper}.{name}": value for name, value in best.items()}

"""What an official's approval changes for one ask, and whether the order's promises still hold then.

Each policy that referred is answered in one of two ways. Where its remedy is a register's word or an approval with
facts to cure, the official's recorded act sets those facts (law 6), and the order is asked again. Where it names no
fact, the policy is taken out for this ask. What denies stays, so an approval never overrides a denial; a permit must
stand beneath, so an approval never opens what nothing permits. A paper is not made good here: that is a named act on
the paper itself.

Facts are free in every theorem, so what is proved for the order holds whatever an official sets. Without a policy that
was taken out the order is another one: its theorems of what is never opened are proved again, and where a proof does
not hold the approval opens nothing.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from doorward.errors import ConfigError
from doorward.orders.pack import Pack
from doorward.policy.request import Fact

NEVER_OPENS = "never-opens"
FORBID = "forbid"
CURABLE = frozenset({"register", "approval"})


@dataclass(frozen=True, slots=True)
class Change:
    """What an approval changes: facts that the official's act sets, and policies that it takes out."""

    facts: Mapping[str, Fact]
    policies: tuple[str, ...]

    def __str__(self) -> str:
        said = [f"{path} = {str(value).lower()}" for path, value in self.facts.items()]
        return "; ".join([*said, *(f"without {policy}" for policy in self.policies)])


def find_change(pack: Pack, policies: Collection[str]) -> Change:
    """Return what an approval of these policies' referral changes.

    Raises:
        ConfigError: There is no policy to answer, one is none of the order's forbids, asks for a paper, or two of them
            ask for different facts.
    """
    named = [policy for policy in pack.policies if policy.id in policies]
    if not named or len(named) != len(set(policies)) or any(policy.effect != FORBID for policy in named):
        raise ConfigError("an answer is about policies of the order that refer, and names others")
    facts: dict[str, Fact] = {}
    rest = []
    for policy in named:
        remedy = policy.remedy
        if remedy is None or not remedy.cure:
            rest.append(policy.id)
            continue
        if remedy.kind not in CURABLE:
            raise ConfigError(f"policy `{policy.id}` asks for a paper, which no approval stands for")
        if any(facts.get(path, value) != value for path, value in remedy.cure.items()):
            raise ConfigError("the policies that referred ask for different facts")
        facts |= remedy.cure
    return Change(facts, tuple(rest))


def without_policies(pack: Pack, policies: Collection[str]) -> Pack:
    """Return the order without these policies; the same one where there is none."""
    if not policies:
        return pack
    rest = tuple(policy for policy in pack.policies if policy.id not in policies)
    model = replace(pack.model, policies=rest) if pack.model is not None else None
    return replace(pack, policies=rest, model=model)


def find_broken_promises(pack: Pack, policies: Collection[str]) -> list[str]:
    """Return the theorems of what is never opened that do not hold without these policies; empty is the proof.

    Raises:
        ConfigError: z3 is not installed, so nothing can be proved and nothing is opened.
    """
    if not policies:
        return []
    try:
        from doorward.orders.prove import prove_theorems
    except ImportError as error:
        raise ConfigError(
            "an approval is proved before it opens anything, and z3 is not there",
            hint="pip install 'doorward[prove]'",
        ) from error
    return prove_theorems(without_policies(pack, policies), kinds={NEVER_OPENS})

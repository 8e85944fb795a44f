"""What a request can be at a door: for each fact its finite words, its one value, or where it follows from.

A fact of which nothing finite is known may not be read by a policy at that door; the compiler refuses it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from doorward.policy.facts import ENTITY_FACTS, Fact
from doorward.policy.hierarchy import Uid
from doorward.policy.terms import Value


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The facts of one door, by dotted path.

    Args:
        words: Facts that take one of some values, in the order in which the compiler asks them.
        constants: Facts with one value at this door.
        derived: Facts that follow from one of ``words``, by its value.
    """

    words: Mapping[str, tuple[Fact, ...]]
    constants: Mapping[str, Fact]
    derived: Mapping[str, tuple[str, Mapping[str, str]]]

    def known(self, path: str, fact: Fact) -> dict[str, Value]:
        """Return what is known once a fact is: itself, and what follows from it."""
        values = {path: as_value(path, fact)}
        for follows, (source, by_value) in self.derived.items():
            if source == path and str(fact) in by_value:
                values[follows] = as_value(follows, by_value[str(fact)])
        return values

    def source_of(self, path: str) -> str:
        """Return the fact that has to be asked to know a fact: the one it follows from, or itself."""
        return self.derived[path][0] if path in self.derived else path


def as_value(path: str, fact: Fact) -> Value:
    """Return a fact as the compiler compares it: agencies and roles are entities."""
    kind = ENTITY_FACTS.get(path)
    return fact if kind is None else Uid(kind, str(fact))

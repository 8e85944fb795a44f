"""What a request can be at a door: for each fact its finite words, its one value, or where it follows from.

A fact of which nothing finite is known may not be read by a policy at that door; the compiler refuses it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from doorward.policy.request import Fact


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The facts of one door, by path.

    Args:
        words: Facts that take one of some values, in the order in which the compiler asks them.
        constants: Facts with one value at this door.
        derived: Facts that follow from one of ``words``, by its value.
        parameters: Facts that stay: a row is compared with them.
    """

    words: Mapping[str, tuple[Fact, ...]]
    constants: Mapping[str, Fact]
    derived: Mapping[str, tuple[str, Mapping[str, Fact]]]
    parameters: frozenset[str] = field(default_factory=frozenset)

    def known(self, path: str, fact: Fact) -> dict[str, Fact]:
        """Return what is known once a fact is: itself, and what follows from it."""
        values = {path: fact}
        for follows, (source, by_value) in self.derived.items():
            if source == path and str(fact) in by_value:
                values[follows] = by_value[str(fact)]
        return values

    def source_of(self, path: str) -> str:
        """Return the fact that has to be asked to know a fact: the one it follows from, or itself."""
        return self.derived[path][0] if path in self.derived else path

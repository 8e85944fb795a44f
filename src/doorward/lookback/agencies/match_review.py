"""What a person is asked to look at: each name with its proposal, by how many accesses hang on it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from doorward.lookback.agencies.match_file import MatchRow
from doorward.lookback.agencies.searchers import Searcher, SearcherMatcher

WAYS: Final = ("entity", "alias", "exact", "near", "rule", "none")
NEEDS_EYES: Final = frozenset({"near", "rule", "none"})


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One name.

    Args:
        accesses: How many rows of the files have it.
        decided: Whether a person has.
    """

    searcher: Searcher
    accesses: int
    decided: bool

    @property
    def open(self) -> bool:
        """True where a person should look: nobody has decided, and the match is no exact one."""
        return not self.decided and self.searcher.how in NEEDS_EYES

    def as_row(self) -> MatchRow:
        """Return the proposal as a row of the file of matches."""
        one = self.searcher
        return MatchRow(
            one.searcher or "", one.ori, one.agency or "", one.how, f"{one.score:g}", note=_note(one)
        )  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        """Return what a script reads."""
        one = self.searcher
        return {
            "searcher": one.searcher, "accesses": self.accesses, "ori": one.ori, "entity": one.agency, "how": one.how,
            "score": one.score, "name": one.name, "state": one.state, "level": one.level, "kind": one.kind,
            "flags": list(one.flags), "may_be": list(one.may_be), "decided": self.decided,
            "candidates": [str(listed) for listed in one.candidates], "note": one.note,
        }  # fmt: skip


def review(matcher: SearcherMatcher, names: Mapping[str, int]) -> list[Reviewed]:
    """Return every name with its match, those with the most accesses first."""
    found = [Reviewed(matcher.match(name), count, name in matcher.decided) for name, count in names.items()]
    return sorted(found, key=lambda one: (-one.accesses, one.searcher.searcher or ""))


def count_ways(found: list[Reviewed]) -> dict[str, dict[str, int]]:
    """Return how many names and accesses were found which way."""
    return {
        way: {
            "names": sum(one.searcher.how == way for one in found),
            "accesses": sum(one.accesses for one in found if one.searcher.how == way),
        }
        for way in WAYS
    }


def _note(one: Searcher) -> str:
    parts = [f"{one.name}, {one.state}" if one.name and one.state else one.name, one.note]
    if one.candidates:
        parts.append(f"candidates: {'; '.join(str(listed) for listed in one.candidates)}")
    if one.may_be and not one.agency:
        parts.append(f"may be {', '.join(one.may_be)}")
    return " | ".join(part for part in parts if part)

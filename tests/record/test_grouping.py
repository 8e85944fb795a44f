"""Who waits for which sync, against a model that knows what is on the disk."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.record.grouping import Grouping

WRITES = st.tuples(st.sampled_from("abcd"), st.sampled_from([True, True, False]))
STEPS = st.one_of(WRITES, WRITES, st.sampled_from(["begin", "end", "begin", "end", "leave a", "fail"]))


class Model:
    """Sessions that write, wait and are released; each write has a number, and a sync covers those before it."""

    def __init__(self) -> None:
        self.groups: Grouping[str] = Grouping()
        self.written = 0  # the number of the last write
        self.waits: dict[str, int] = {}  # who waits, and for which write; in their order
        self.covers: int | None = None  # the last write before the sync that runs began
        self.failed = False
        self.writer: str | None = None

    def write(self, who: str, *, waits: bool) -> None:
        self.written += 1
        holds_up_nobody = self.groups.wrote(who)
        is_quiet = not self.waits and self.covers is None
        assert holds_up_nobody == (self.writer == who and is_quiet)
        self.writer = who
        if waits and not holds_up_nobody:
            starts = self.groups.join(who)
            behind = self.covers if self.covers is not None else 0
            others = [number for number in self.waits.values() if number > behind]
            assert starts == (self.covers is None and not others and not self.failed)
            self.waits[who] = self.written

    def leave(self, who: str) -> None:
        assert self.groups.leave(who) == (who in self.waits)
        self.waits.pop(who, None)

    def begin(self) -> None:
        count = self.groups.begin()
        if self.covers is not None or self.failed:
            assert count == 0
            return
        assert count == len(self.waits)
        if count:
            self.covers = self.written

    def end(self, *, well: bool) -> None:
        if self.covers is None:
            with pytest.raises(RuntimeError, match="no sync runs"):
                self.groups.succeed()
        elif well:
            expected = [who for who, number in self.waits.items() if number <= self.covers]
            assert self.groups.succeed() == expected, "everybody whom it covers, in order, and nobody else"
            self.waits = {who: number for who, number in self.waits.items() if number > self.covers}
        else:
            assert self.groups.fail() == list(self.waits), "those who joined since, too"
            self.waits, self.failed = {}, True
        self.covers = None


def check(steps: list[tuple[str, bool] | str]) -> None:
    model = Model()
    for number, step in enumerate(steps):
        if isinstance(step, tuple):
            if step[0] not in model.waits:  # or what it has to say is held back
                model.write(step[0], waits=step[1])
        elif step.startswith("leave"):
            model.leave(step[-1])
        elif step == "begin":
            model.begin()
        else:
            model.end(well=step == "end" or number % 3 > 0)
        assert model.groups.waiting == len(model.waits)
        assert model.groups.has_failed == model.failed
        assert model.groups.runs == (model.covers is not None)


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, min_size=5, max_size=40))
def test_everybody_is_released_by_the_first_sync_that_covers_them_and_by_no_other(
    steps: list[tuple[str, bool] | str],
) -> None:
    check(steps)


@pytest.mark.long
@settings(max_examples=2_000, deadline=None)
@given(st.lists(STEPS, min_size=5, max_size=200))
def test_everybody_is_released_by_the_first_sync_that_covers_them_for_longer(
    steps: list[tuple[str, bool] | str],
) -> None:
    check(steps)


def test_the_next_group_is_whoever_joined_while_the_sync_ran() -> None:
    groups: Grouping[str] = Grouping()
    assert not groups.wrote("a")
    assert groups.join("a"), "the first of a group starts its sync"
    assert not groups.wrote("b")
    assert not groups.join("b"), "the second rides along"
    assert groups.begin() == 2
    groups.wrote("c")
    assert not groups.join("c"), "one runs, and the next begins behind it"
    assert groups.begin() == 0
    assert groups.succeed() == ["a", "b"]
    assert groups.begin() == 1
    assert groups.succeed() == ["c"]
    assert groups.begin() == 0


def test_who_is_alone_at_work_is_told_so_until_somebody_else_writes() -> None:
    groups: Grouping[str] = Grouping()
    assert [groups.wrote(who) for who in "aaabaab"] == [False, True, True, False, False, True, False]


def test_after_a_failure_whoever_joins_is_never_released() -> None:
    groups: Grouping[str] = Grouping()
    groups.wrote("a")
    groups.join("a")
    groups.begin()
    assert groups.fail() == ["a"]
    groups.wrote("b")
    assert not groups.join("b")
    assert groups.begin() == 0
    assert groups.fail() == ["b"]

"""The turns in which files are read: one of each account, and so many in all."""

import pytest

from doorward.desk.fund.turns import Turns


def test_one_account_has_one_turn_and_leaves_the_other_to_others() -> None:
    turns = Turns(2, patience=0)
    with turns.take("north") as first, turns.take("north") as again, turns.take("south") as second:
        assert (first, again, second) == (True, False, True)
    with turns.take("north") as later:
        assert later


def test_no_more_are_read_than_there_are_turns() -> None:
    turns = Turns(2, patience=0)
    with turns.take("north"), turns.take("south"), turns.take("west") as third:
        assert not third
    with turns.take("west") as later, turns.take("north") as other:
        assert (later, other) == (True, True)


def test_a_turn_ends_with_what_fails_in_it() -> None:
    turns = Turns(1, patience=0)
    with pytest.raises(OSError, match="of a test"), turns.take("north"):
        raise OSError("of a test")
    with turns.take("north") as later:
        assert later

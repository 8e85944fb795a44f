"""The examples in the docstrings do what they say, and the codes are codes."""

import doctest
import re
from types import ModuleType

import pytest

from doorward.pgwire import frames, options, replies, sqlstate


@pytest.mark.parametrize("module", [frames, options, replies], ids=lambda module: module.__name__)
def test_the_examples_of_a_module_hold(module: ModuleType) -> None:
    tried = doctest.testmod(module)
    assert tried.attempted > 0
    assert tried.failed == 0


def test_every_sqlstate_is_one_and_stands_once() -> None:
    codes = [value for name, value in vars(sqlstate).items() if name.isupper()]
    assert all(re.fullmatch(r"[0-9A-Z]{5}", code) for code in codes)
    assert len(codes) == len(set(codes))

"""Guessing a password at a real door: five failures, and the right one is refused like the wrong ones."""

from typing import Any

import psycopg
import pytest

from doorward.cli.sample import PEOPLE

pytestmark = pytest.mark.pg


def said(up: Any, login: str, password: str) -> str:
    with pytest.raises(psycopg.OperationalError) as error:
        up.connect(user=login, password=password)
    return str(error.value).partition("FATAL:")[2].replace(login, "LOGIN")


def test_five_wrong_passwords_lock_a_login_and_tell_nothing(own_up: Any) -> None:
    detective, clerk = PEOPLE[0], PEOPLE[1]
    wrong = {said(own_up, detective.login, f"guess-{number}") for number in range(5)}
    assert wrong == {said(own_up, detective.login, detective.password)}
    assert wrong == {said(own_up, "nobody.example", "x") for _ in range(7)}
    with own_up.connect(clerk) as session:  # of the same address, and never wrong
        assert session.execute("SELECT 1").fetchone() == (1,)

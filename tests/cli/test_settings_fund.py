"""`[fund]` of doorward.toml: the ledger is never behind the door, and no secret stands in the file."""

from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from cli.test_settings import GOOD, write
from doorward.cli.settings import read_settings
from doorward.errors import ConfigError

FUND = '[fund]\nconninfo = "host=record.city.example sslmode=verify-full"\n'


def test_the_role_the_database_and_the_order_have_defaults(tmp_path: Path) -> None:
    fund = read_settings(write(tmp_path, GOOD + FUND)).fund
    assert fund is not None
    given = conninfo_to_dict(fund.conninfo)
    assert (given["user"], given["dbname"], fund.order) == ("doorward_fund", "doorward_fund", "chicago")
    assert read_settings(write(tmp_path, GOOD)).fund is None


def test_the_password_is_in_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    (tmp_path / "fund.pass").write_text("record.city.example:*:*:doorward_fund:secret", encoding="utf-8")
    (tmp_path / "fund.pass").chmod(0o644)
    named = write(tmp_path, GOOD + FUND + 'passfile = "fund.pass"\n')
    with pytest.raises(ConfigError, match="others may read"):
        read_settings(named)
    (tmp_path / "fund.pass").chmod(0o600)
    fund = read_settings(named).fund
    assert fund is not None
    assert conninfo_to_dict(fund.conninfo)["passfile"] == str(tmp_path / "fund.pass")
    assert "secret" not in fund.conninfo


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[fund]\nconninfo = "host=db.city.example"\n', "behind the door"),
        ('[fund]\nconninfo = "host=db.city.example port=5432"\n', "behind the door"),
        ('[fund]\nconninfo = "host=record.city.example password=hunter2"\n', "holds no password"),
        ('[fund]\nconninfo = "host"\n', "none that libpq reads"),
        (FUND + 'pasfile = "x"\n', "unknown key `pasfile`"),
        (FUND + 'passfile = "nowhere"\n', "`nowhere` is no file"),
        ("[fund]\n", "`fund.conninfo` must be a text"),
    ],
)
def test_what_is_wrong_is_named_and_no_secret_repeated(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        read_settings(write(tmp_path, GOOD + text))
    assert "hunter2" not in str(caught.value)


def test_beside_a_desk_there_are_fifteen_workers(tmp_path: Path) -> None:
    sixteen = GOOD.replace("plain = true", "plain = true\nworkers = 16")
    assert read_settings(write(tmp_path, sixteen)).listen.workers == 16
    desk = '[desk]\nconninfo = "host=record.city.example"\norigins = ["https://desk.city.example"]\n'
    with pytest.raises(ConfigError, match="at most 15"):
        read_settings(write(tmp_path, sixteen + desk))

"""doorward.toml is read strictly: each fault is named with its place, and no secret is taken or repeated."""

from dataclasses import replace
from pathlib import Path

import pytest

from doorward.cli.settings import read_settings
from doorward.errors import ConfigError
from doorward.gateway.limits import Limits

GOOD = """
order = "chicago"
production = false
data = "data"

[database]
conninfo = "host=db.city.example dbname=clear"

[listen]
host = "127.0.0.1"
port = 6432
plain = true

[record]
conninfo = "host=record.city.example"
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "doorward.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    settings = read_settings(write(tmp_path, GOOD))
    assert settings.data == tmp_path / "data"
    assert settings.listen.plain
    assert not settings.production


def test_limits_have_defaults_and_a_purpose_its_own(tmp_path: Path) -> None:
    assert read_settings(write(tmp_path, GOOD)).limits.default == Limits()
    more = "[limits]\nrows = 7\n[limits.purpose.audit]\nbytes = 0\n"
    rules = read_settings(write(tmp_path, GOOD + more)).limits
    assert rules.of("audit") == replace(Limits(), rows=7, bytes=0)
    assert rules.of("court-process") == replace(Limits(), rows=7)


def test_an_orders_folder_beside_the_file_is_that_order(tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    settings = read_settings(write(tmp_path, GOOD.replace('"chicago"', '"ours"')))
    assert settings.order == str(tmp_path / "ours")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('order = "chicago"', "", "`order` must be a text; it is missing"),
        ("production = false", 'production = "no"', "`production` must be true or false"),
        ("production = false", "", "`listen.plain` is refused with `production = true`"),
        ("port = 6432", "port = 70000", "must be a port"),
        ("port = 6432", 'port = "6432"', "must be a port"),
        ("port = 6432", "port = true", "must be a port"),
        ("plain = true", "", "needs a certificate and a key"),
        ('host = "127.0.0.1"', 'host = "0.0.0.0"', "on the loopback address only"),
        ("plain = true", 'plain = true\ncertificate = "no.crt"', "`no.crt` is no file"),
        ("plain = true", "plain = true\nplan = 1", "unknown key `plan` in `listen`"),
        ("[record]", "[records]", "unknown key `records`"),
        ("dbname=clear", "dbname=clear password=secret-word", "a password stands in this file"),
        ("dbname=clear", "dbname=clear user=postgres", "leave `user` out"),
        ("host=db.city.example dbname=clear", "not a connection string", "no connection string"),
        ("[record]", '[register]\ntable = "a.b"\n[record]', "`register` needs"),
        ("[record]", "[record", "this is no TOML"),
        ("[record]", "[limits]\nrows = -1\n[record]", "`limits.rows` is from 0, for none"),
        ("[record]", "[limits]\nrows = true\n[record]", "`limits.rows` is from 0, for none"),
        ("[record]", "[limits]\nrow = 1\n[record]", "unknown key `row` in `limits`"),
        ("[record]", "[limits]\npurpose = 1\n[record]", "`limits.purpose` has a table for each purpose"),
        ("[record]", "[limits.purpose.audit]\nrow = 1\n[record]", "unknown key `row`"),
    ],
)
def test_each_fault_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read_settings(write(tmp_path, GOOD.replace(old, new, 1)))
    assert said in str(refused.value)
    assert "secret-word" not in str(refused.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_settings(tmp_path / "nothing.toml")

"""doorward.toml is read strictly: each fault is named with its place, and no secret is taken or repeated."""

from pathlib import Path

import pytest

from doorward.cli.settings import read_settings
from doorward.cli.tell import Relay
from doorward.errors import ConfigError
from doorward.grants.notices import OnCall
from doorward.grants.reviews import EmergencyRules

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
    ],
)
def test_each_fault_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read_settings(write(tmp_path, GOOD.replace(old, new, 1)))
    assert said in str(refused.value)
    assert "secret-word" not in str(refused.value)


NOTICES = """
[emergency]
hours = 2
sessions_a_day = 5

[notices]
timeout_seconds = 5

[notices.smtp]
host = "mail.city.example"
from = "door@city.example"

[notices.office.supervisor]
command = ["/usr/local/bin/page", "supervisor"]
mail = ["watch@city.example"]
then = "law"

[notices.office.law]
spool = true
"""


def test_notices_and_emergencies_are_read(tmp_path: Path) -> None:
    settings = read_settings(write(tmp_path, GOOD + NOTICES))
    assert settings.emergency == EmergencyRules(2.0, 5)
    assert settings.notices.offices == {
        "supervisor": OnCall(("/usr/local/bin/page", "supervisor"), ("watch@city.example",), "law"),
        "law": OnCall(spool=True),
    }
    assert settings.notices.relay == Relay("mail.city.example", 587, "door@city.example")
    assert read_settings(write(tmp_path, GOOD)).notices.offices == {}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("hours = 2", "hours = 0", "`emergency.hours` is more than 0"),
        ("hours = 2", "hours = true", "`emergency.hours` is more than 0"),
        ("hours = 2", "closed = true", "unknown key `closed` in `emergency`"),
        ("sessions_a_day = 5", "sessions_a_day = 0", "`emergency.sessions_a_day` is from 1"),
        ("timeout_seconds = 5", "timeout_seconds = -1", "`notices.timeout_seconds`"),
        ('"/usr/local/bin/page"', '"page"', "named by its whole path"),
        ('command = ["/usr', 'command = "/usr', "this is no TOML"),
        ('command = ["/usr/local/bin/page", "supervisor"]', 'command = "x"', "is a list of texts"),
        ('"watch@city.example"', '"watch"', "is a list of mail addresses"),
        ('"watch@city.example"', '"a@b.example, c@d.example"', "is a list of mail addresses"),
        ('"watch@city.example"', r'"a@b.example\nBcc: c@d.example"', "is a list of mail addresses"),
        ('then = "law"', 'then = "nobody"', "names no office"),
        ("spool = true", 'spool = "yes"', "`spool` is true or false"),
        ("spool = true", "pager = true", "unknown key `pager`"),
        ('from = "door@city.example"', 'from = "door"', "`notices.smtp.from` is a mail address"),
        ('from = "door@city.example"', "", "`notices.smtp.from` must be a text"),
        ('host = "mail.city.example"', 'host = "m.example"\nuser = "door"', "are given together"),
        ('host = "mail.city.example"', 'host = "m.example"\nauthority = "no.crt"', "`no.crt` is no file"),
        ('host = "mail.city.example"', 'host = "m.example"\nport = 0', "must be a port"),
        (
            '[notices.smtp]\nhost = "mail.city.example"\nfrom = "door@city.example"',
            "",
            "sent through a relay",
        ),
    ],
)
def test_each_fault_in_notices_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in NOTICES
    with pytest.raises(ConfigError) as refused:
        read_settings(write(tmp_path, GOOD + NOTICES.replace(old, new, 1)))
    assert said in str(refused.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_settings(tmp_path / "nothing.toml")

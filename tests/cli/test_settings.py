"""doorward.toml is read strictly: each fault is named with its place, and no secret is taken or repeated."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from doorward.cli.register_settings import RegisterSettings
from doorward.cli.settings import OperationSettings, read_settings
from doorward.cli.tell import Relay
from doorward.errors import ConfigError
from doorward.gateway.health_address import HealthAddress
from doorward.gateway.limits import Limits
from doorward.gateway.logbook import Form
from doorward.grants.careful import RegisterRules
from doorward.grants.notices import OnCall, Webhook
from doorward.grants.register_https import HttpsPlace
from doorward.grants.registers import RegisterTable
from doorward.grants.reviews import EmergencyRules
from doorward.record.cosignature import Cosigner, format_key

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


def test_witnesses_are_a_policy_with_addresses_and_see_the_released_copy(tmp_path: Path) -> None:
    key = format_key(Cosigner.make("w.example", bytes(32)).key)
    policy = tmp_path / "policy"
    policy.write_text(f"witness w {key} https://w.example\nquorum w\n")
    more = '[witnesses]\npolicy = "policy"\n'
    found = read_settings(write(tmp_path, GOOD + more)).witnesses
    assert found is not None
    assert (found.policy.quorum, found.public, found.every_seconds, found.timeout_seconds) == (
        "w",
        None,
        10,
        5,
    )
    found = read_settings(write(tmp_path, GOOD + more + 'public = "public"\n')).witnesses
    assert found is not None
    assert found.public == tmp_path / "public"
    assert read_settings(write(tmp_path, GOOD)).witnesses is None
    for text, said in (
        ("[witnesses]\n", "policy"),
        ('[witnesses]\npolicy = "none"\n', "cannot be read"),
        (more + "every_seconds = 0\n", "every_seconds"),
        (more + "timeout_seconds = 31\n", "timeout_seconds"),
        (more + 'authority = "none.crt"\n', "is no file"),
        (more + "quorum = 2\n", "quorum"),
    ):
        with pytest.raises(ConfigError, match=said):
            read_settings(write(tmp_path, GOOD + text))
    policy.write_text(f"witness w {key}\nquorum w\n")
    with pytest.raises(ConfigError, match="a witness's address"):
        read_settings(write(tmp_path, GOOD + more))
    policy.write_text(f"witness w {key} https://w.example\nquorum w\n")
    production = (GOOD + more).replace("production = false", "production = true")
    with pytest.raises(ConfigError, match=r"`witnesses\.public` is needed with `production = true`"):
        read_settings(write(tmp_path, production))


def test_a_directory_of_logs_lies_beside_the_file_and_a_host_is_one_word(tmp_path: Path) -> None:
    keeping = read_settings(write(tmp_path, GOOD)).keeping
    assert (keeping.directory, keeping.host) == (None, "main")
    keeping = read_settings(
        write(tmp_path, GOOD + 'directory = "other/directory"\nhost = "gate-1"\n')
    ).keeping
    assert (keeping.directory, keeping.host) == (tmp_path / "other/directory", "gate-1")
    for text, said in (
        ('host = "two words"\n', "is one word"),
        ("host = 1\n", "must be a text"),
        ('directory = "data/directory"\n', "lies in the data folder"),
        ('directory = "other/../data/x/directory"\n', "lies in the data folder"),
    ):
        with pytest.raises(ConfigError, match=said):
            read_settings(write(tmp_path, GOOD + text))


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
    ("text", "address"),
    [
        ("127.0.0.1:6480", HealthAddress("127.0.0.1", 6480)),
        ("[::1]:6480", HealthAddress("::1", 6480)),
        ("/run/doorward/health.sock", HealthAddress(path=Path("/run/doorward/health.sock"))),
    ],
)
def test_health_is_a_loopback_port_or_a_socket(tmp_path: Path, text: str, address: HealthAddress) -> None:
    settings = read_settings(write(tmp_path, GOOD + f'[operation]\nhealth = "{text}"\nlog = "text"\n'))
    assert settings.operation == OperationSettings(address, Form.TEXT, 60)
    assert read_settings(write(tmp_path, GOOD)).operation == OperationSettings(None, Form.JSON, 60)


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
        ("plain = true", "plain = true\nworkers = 0", "`listen.workers` is a whole number from 1 to 16"),
        ("plain = true", "plain = true\nworkers = 17", "`listen.workers` is a whole number from 1 to 16"),
        ("plain = true", "plain = true\nworkers = true", "`listen.workers` is a whole number from 1 to 16"),
        ("[record]", '[operation]\nhealth = "0.0.0.0:6480"\n[record]', "a port of the loopback address or"),
        ("[record]", '[operation]\nhealth = "127.0.0.1:0"\n[record]', "a port of the loopback address or"),
        ("[record]", '[operation]\nhealth = "6480"\n[record]', "a port of the loopback address or"),
        ("[record]", '[operation]\nlog = "xml"\n[record]', "`operation.log` is `json` or `text`"),
        (
            "[record]",
            "[operation]\nstalled_seconds = 0\n[record]",
            "`operation.stalled_seconds` is a whole number",
        ),
        (
            "[record]",
            "[operation]\nstalled_seconds = 90\nstalled_closes_seconds = 90\n[record]",
            "`operation.stalled_closes_seconds` is more than `stalled_seconds`",
        ),
        ("[record]", '[record]\ndurable_kinds = ["decisions"]', "`decisions`, which is no kind of entry"),
        ("[record]", "[record]\nneighbours = [1]", "`record.neighbours` has `key` and `place`"),
        ("[record]", '[record]\nneighbours = [{key = "x", place = "log"}]', "has a key that is none"),
        ("[record]", "[record]\nneighbours_seconds = 0", "`record.neighbours_seconds` is a whole number"),
        ("[record]", "[record]\ndurable_purposes = [1]", "`record.durable_purposes` is a list of words"),
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


HOOK = """
[notices]
[notices.office.law]
webhook = "https://hooks.city.example/in"
webhook_secret_file = "hook.secret"
webhook_private = true
[notices.person."counsel.example"]
webhook = "https://hooks.city.example/counsel"
webhook_secret_file = "hook.secret"
"""


def test_webhooks_of_offices_and_of_named_counsel_are_read(tmp_path: Path) -> None:
    secret = tmp_path / "hook.secret"
    secret.touch()
    found = read_settings(write(tmp_path, GOOD + HOOK)).notices
    assert found.offices["law"].webhook == Webhook("https://hooks.city.example/in", secret, private=True)
    assert found.people["counsel.example"].webhook == Webhook("https://hooks.city.example/counsel", secret)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("https://hooks.city.example/in", "http://hooks.city.example/in", "a webhook is `https://`"),
        (
            "https://hooks.city.example/in",
            "https://user:word@hooks.city.example/in",
            "a webhook is `https://`",
        ),
        ("https://hooks.city.example/in", "https://hooks.city.example/in?x=1", "a webhook is `https://`"),
        (
            "https://hooks.city.example/in",
            r"https://hooks.city.example/in\r\nX: y",
            "a webhook is `https://`",
        ),
        ("https://hooks.city.example/in", "file:///etc/passwd", "a webhook is `https://`"),
        ('webhook_secret_file = "hook.secret"\nwebhook_private', "webhook_private", "notices are signed"),
        ('webhook_secret_file = "hook.secret"', 'webhook_secret_file = "none"', "is no file"),
        ("webhook_private = true", 'webhook_private = "yes"', "is true or false"),
        ('webhook = "https://hooks.city.example/in"\n', "", "has parts of a webhook and no `webhook`"),
        (
            '[notices.person."counsel.example"]',
            '[notices.person."counsel.example"]\nspool = true',
            "unknown key",
        ),
    ],
)
def test_each_fault_of_a_webhook_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    (tmp_path / "hook.secret").touch()
    assert old in HOOK
    with pytest.raises(ConfigError) as refused:
        read_settings(write(tmp_path, GOOD + HOOK.replace(old, new, 1)))
    assert said in str(refused.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_settings(tmp_path / "nothing.toml")


SERVICE = """
[register]
source = "https"
url = "https://register.city.example/cases"
authority = "city.crt"
token_file = "token"
"""


def service(folder: Path, more: str = "", text: str = SERVICE) -> RegisterSettings | None:
    for name in ("city.crt", "token"):
        (folder / name).touch()
    return read_settings(write(folder, GOOD + text + more)).register


def test_a_register_over_https_is_read_with_its_rules(tmp_path: Path) -> None:
    found = service(tmp_path, "timeout_seconds = 1.5\ncache_seconds = 0\nrecheck_minutes = 5\n")
    assert found is not None
    assert found.https == HttpsPlace(
        "register.city.example", 443, "/cases", tmp_path / "city.crt", token_file=tmp_path / "token"
    )
    assert found.rules == RegisterRules(1.5, 0, 5)


def test_a_register_on_a_server_of_its_own_is_a_table_there(tmp_path: Path) -> None:
    table = 'table = "cms.doorward"\ncase = "no"\nstatus = "s"\nkind = "k"\nassigned_to = "who"\n'
    conninfo = 'conninfo = "host=cms.city.example dbname=cms user=doorward sslmode=verify-full"\n'
    found = service(tmp_path, text=f'[register]\nsource = "query"\n{conninfo}{table}')
    assert found is not None
    assert found.table == RegisterTable("cms.doorward", "no", "s", "k", "who")
    assert "user=doorward" in found.conninfo


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"https"', '"carrier-pigeon"', "`register.source` is one of"),
        ('"https"', '"query"', "unknown key `url` in `register`"),
        ("https://", "http://", "must be `https://`"),
        ("/cases", "/cases?case=", "must be `https://`"),
        ("city.crt", "no.crt", "`no.crt` is no file"),
        ('authority = "city.crt"', "", "`register.authority` is missing"),
        ('token_file = "token"', "", "needs `certificate` and `key`, or `token_file`"),
        ("token_file", 'certificate = "city.crt"\ntoken_file', "are given together"),
        (SERVICE, SERVICE + "timeout_seconds = 0", "is from 0.1 to 30"),
        (SERVICE, SERVICE + "timeout_seconds = true", "must be a number"),
        (SERVICE, SERVICE + "recheck_minutes = 0", "is from 1 to 240"),
        (SERVICE, SERVICE + "recheck_minutes = 1.5", "must be a whole number"),
        (SERVICE, SERVICE + "recheck_minutes = 1\ncache_seconds = 61", "is longer than `recheck_minutes`"),
        (SERVICE, SERVICE + 'table = "a.b"', "unknown key `table`"),
        (SERVICE, '[register]\nsource = "query"\ntable = "a.b"', "`register` needs"),
        (
            SERVICE,
            (
                '[register]\nsource = "query"\nconninfo = "host=a password=secret-word"\ntable = "a.b"\ncase = "c"\n'
                'status = "s"\nkind = "k"\nassigned_to = "w"'
            ),
            "a password stands in this file",
        ),
    ],
    ids=itertools.count(),
)
def test_each_fault_of_a_register_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        service(tmp_path, text=SERVICE.replace(old, new, 1))
    assert said in str(refused.value)
    assert "secret-word" not in str(refused.value)

"""A program and a mail relay that are told: real ones, and what they may do wrong."""

import json
import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from doorward.cli.folders import Folders
from doorward.cli.notifier import tell_once
from doorward.cli.tell import NoticeSettings, Relay, run_program, send_mail, tell
from doorward.grants.notice_files import Notices
from doorward.grants.notices import Notice, OnCall, Stage
from doorward.grants.referral_files import Referrals
from doorward.grants.referrals import Ask, make_referral
from tests_support.certificates import Authority
from tests_support.mailbox import mailbox

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
NOTICE = Notice(
    "answer", "5d0c1b8e77aa", "supervisor", "watch", Stage.HALF, NOW + timedelta(minutes=15), "criminal work",
    NOW, NOW,
)  # fmt: skip


def program(folder: Path, text: str) -> tuple[str, ...]:
    file = folder / "page"
    file.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    file.chmod(0o700)
    return (str(file), "$HOME; rm -rf *")


def test_a_program_is_given_the_notice_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "secret")
    command = program(
        tmp_path, f'cat > {tmp_path}/got; printenv > {tmp_path}/env; echo "$1" > {tmp_path}/said; pwd'
    )
    assert run_program(command, NOTICE, timeout_seconds=30) == ""
    got = json.loads((tmp_path / "got").read_text())
    assert (got["id"], got["to"], got["work"]) == (NOTICE.id, "watch", "criminal work")
    assert "PGPASSWORD" not in (tmp_path / "env").read_text()
    assert (tmp_path / "said").read_text() == "$HOME; rm -rf *\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("echo the pager is off >&2; exit 3", "the program ended with 3: the pager is off"),
        ("exit 1", "the program ended with 1"),
        ("printf '\\033[2Jx\\ny' >&2; exit 1", "the program ended with 1: [2Jx"),
        ("exec <&-; exit 4", "the program ended with 4"),
        ("head -c 10000000 /dev/zero; exit 5", "the program ended with 5"),
    ],
)
def test_why_it_did_not_take_it_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    assert run_program(program(tmp_path, text), NOTICE, timeout_seconds=30) == said


@pytest.mark.parametrize(
    "text", ["sleep 600", "head -c 10000000 /dev/zero >&2", "trap '' TERM; sleep 600 & sleep 600"]
)
def test_one_that_does_not_end_is_ended_with_all_that_it_started(tmp_path: Path, text: str) -> None:
    command = program(tmp_path, f"echo $$ > {tmp_path}/group; {text}")
    assert run_program(command, NOTICE, timeout_seconds=0.5).startswith(
        "the program did not end within 0.5 s"
    )
    group = int((tmp_path / "group").read_text())
    with suppress(ProcessLookupError):
        while _runs(group):
            pass


def _runs(group: int) -> bool:
    os.killpg(group, 0)
    states = [
        (Path("/proc") / name / "stat").read_text().rpartition(")")[2].split()
        for name in os.listdir("/proc")  # noqa: PTH208  # numbers only
        if name.isdigit() and (Path("/proc") / name / "stat").exists()
    ]
    return any(int(state[2]) == group and state[0] != "Z" for state in states)


def test_one_that_is_not_there_is_told() -> None:
    assert run_program(("/nowhere/page",), NOTICE, timeout_seconds=1).startswith(
        "the program could not be started"
    )


@pytest.fixture(name="authority")
def authority_fixture(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority", "city")


def test_a_mail_goes_through_a_relay_that_is_who_it_says(authority: Authority) -> None:
    with mailbox(authority) as box:
        relay = Relay("localhost", box.port, "door@city.example", authority.root)
        assert send_mail(NOTICE, ["watch@city.example", "two@city.example"], relay, timeout_seconds=20) == ""
    (mail,) = box.got
    assert "5d0c1b8e77aa, criminal work; the office `supervisor` until 2026-12-01 12:15 UTC" in mail
    assert "Auto-Submitted: auto-generated" in mail
    assert not [command for command in box.commands if command.startswith("plain") and "MAIL" in command]


def test_a_relay_of_another_name_or_authority_or_without_tls_gets_nothing(
    authority: Authority, tmp_path: Path
) -> None:
    other = Authority(tmp_path / "other", "other")
    for trusted, hosts, has_tls in (
        (other.root, ("localhost",), True),
        (authority.root, ("mail.elsewhere.example",), True),
        (authority.root, ("localhost",), False),
    ):
        with mailbox(authority, hosts) as box:
            box.has_tls = has_tls
            relay = Relay("localhost", box.port, "door@city.example", trusted)
            said = send_mail(NOTICE, ["watch@city.example"], relay, timeout_seconds=20)
        assert said.startswith("the mail relay did not take it")
        assert (box.got, [one for one in box.commands if "MAIL" in one]) == ([], [])


def test_what_a_relay_says_is_not_repeated(authority: Authority) -> None:
    with mailbox(authority) as box:
        box.refuses = True
        relay = Relay("localhost", box.port, "door@city.example", authority.root)
        said = send_mail(NOTICE, ["watch@city.example"], relay, timeout_seconds=20)
    assert said == "the mail relay did not take it: SMTPRecipientsRefused"


def test_one_way_that_reaches_somebody_is_enough(tmp_path: Path) -> None:
    relay = Relay("localhost", 1, "door@city.example")
    good = OnCall(command=program(tmp_path, "exit 0"), mail=("watch@city.example",))
    assert tell(NOTICE, good, relay, timeout_seconds=10) == ""
    assert "did not take it" in tell(NOTICE, OnCall(mail=good.mail), relay, timeout_seconds=10)
    assert tell(NOTICE, OnCall(spool=True), None, timeout_seconds=10) == ""
    assert "neither a program nor a mail address" in tell(NOTICE, OnCall(), None, timeout_seconds=10)


def test_an_ask_is_told_goes_on_and_is_not_told_twice(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "data")
    folders.make()
    referrals = Referrals(folders.asks, folders.answers, list)
    ask = Ask("dana.example", "criminal-investigation", "JH555111", "CPD", ("case-not-verified",), "d" * 64)
    referrals.note(
        make_referral(
            ask,
            agency="CPD",
            office="supervisor",
            says="none",
            clauses=("B1",),
            sets="",
            can_open=True,
            now=NOW,
        )
    )
    offices = {
        "supervisor": OnCall(command=program(tmp_path, f"cat >> {tmp_path}/told"), then="watch"),
        "watch": OnCall(command=("/nowhere/page",)),
    }
    settings = NoticeSettings(offices, None, 10)
    assert [tell_once(folders, settings, now=NOW + timedelta(seconds=n)) for n in range(3)] == [1, 0, 0]
    half = NOW + timedelta(minutes=16)
    assert tell_once(folders, settings, now=half) == 0
    kept = Notices(folders.notices)
    assert [(one.stage, one.is_told) for one in kept.kept().values()] == [
        (Stage.ASKED, True),
        (Stage.HALF, False),
    ]
    assert [(id_, to) for id_, to, _ in kept.untold()] == [(ask.id, "watch")]
    assert tell_once(folders, settings, now=half) == 0  # not before its time
    mended = NoticeSettings(offices | {"watch": OnCall(spool=True)}, None, 10)
    assert tell_once(folders, mended, now=half + timedelta(minutes=1)) == 1
    assert kept.untold() == []
    assert len((tmp_path / "told").read_text().splitlines()) == 1


def test_a_line_break_in_an_address_sends_nothing(authority: Authority) -> None:
    with mailbox(authority) as box:
        for sender, to in (
            ("a@b.example\nBcc: c@d.example", "x@y.example"),
            ("a@b.example", "x@y.example\nBcc: c@d.example"),
        ):
            said = send_mail(
                NOTICE, [to], Relay("localhost", box.port, sender, authority.root), timeout_seconds=20
            )
            assert said == "the mail was not sent: an address or a subject is no line"
    assert (box.got, box.commands) == ([], [])

"""The statement that puts an order into force: two signatures, one pack, a time, and no way back by old signatures."""

import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from doorward.cli.main import app
from doorward.errors import LogError, MalformedError, VerificationError
from doorward.notes.note import Signer, cosign_note, format_verifier, sign_note
from doorward.orders.load import load_pack
from doorward.orders.statement import Statement, format_statement, parse_statement, verify_statement

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DIGEST, BEFORE = sha256(b"pack").hexdigest(), sha256(b"before").hexdigest()
FIRST, SECOND, STRANGER = (
    Signer.make(f"law/{name}", sha256(name.encode()).digest()) for name in ("a", "b", "x")
)
TWIN = Signer.make("law/other", FIRST.seed)
KEYS = [FIRST.verifier, SECOND.verifier]
STATEMENT = Statement(
    "chicago", DIGEST, 2, NOW - timedelta(days=1), NOW + timedelta(days=1), BEFORE, is_sample=False
)
LAST = replace(STATEMENT, digest=BEFORE, number=1, replaces=None)


def signed(statement: Statement, *signers: Signer) -> bytes:
    raw = sign_note(format_statement(statement), signers[0])
    for signer in signers[1:]:
        raw = cosign_note(raw, signer)
    return raw


statements = st.builds(
    Statement,
    order=st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,2}", fullmatch=True),
    digest=st.binary().map(lambda raw: sha256(raw).hexdigest()),
    number=st.integers(1, 10**9),
    effective=st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1)).map(  # UTC is put on below
        lambda at: at.replace(microsecond=0, tzinfo=UTC)
    ),
    until=st.none() | st.just(datetime(2095, 1, 1, tzinfo=UTC)),
    replaces=st.none() | st.binary().map(lambda raw: sha256(raw).hexdigest()),
    is_sample=st.booleans(),
)


@given(statements)
def test_a_statement_is_read_as_it_was_written(statement: Statement) -> None:
    text = format_statement(statement)
    assert parse_statement(text) == statement
    assert format_statement(parse_statement(text)) == text


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_are_a_statement_or_refused(text: bytes) -> None:
    try:
        assert format_statement(parse_statement(text)) == text
    except MalformedError:
        return


def test_two_people_put_an_order_into_force() -> None:
    found = verify_statement(signed(STATEMENT, FIRST, SECOND), KEYS, digest=DIGEST, now=NOW, last=LAST)
    assert (found.statement, found.signers) == (STATEMENT, ("law/a", "law/b"))


@given(st.data())
def test_one_byte_changed_is_refused(data: st.DataObject) -> None:
    raw = signed(STATEMENT, FIRST, SECOND)
    at = data.draw(st.integers(0, len(raw) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != raw[at]))
    with pytest.raises(LogError):
        verify_statement(raw[:at] + bytes((other,)) + raw[at + 1 :], KEYS, digest=DIGEST, now=NOW)


@pytest.mark.parametrize(
    ("signers", "keys"),
    [
        ((FIRST,), KEYS),
        ((FIRST, STRANGER), KEYS),
        ((STRANGER,), KEYS),
        ((FIRST, SECOND), [FIRST.verifier]),
        ((FIRST, SECOND), []),
        ((FIRST, TWIN), [FIRST.verifier, TWIN.verifier]),
    ],
    ids=["one", "a stranger", "strangers", "one key", "no key", "one person twice"],
)  # fmt: skip
def test_fewer_than_two_known_people_are_not_enough(signers: tuple[Signer, ...], keys: list[object]) -> None:
    with pytest.raises(VerificationError, match="expected 2 signatures of the law department"):
        verify_statement(signed(STATEMENT, *signers), keys, digest=DIGEST, now=NOW)  # type: ignore[arg-type]  # verifiers


@pytest.mark.parametrize(
    ("changed", "last", "said"),
    [
        ({"digest": BEFORE}, None, "is about the pack"),
        ({"effective": NOW + timedelta(seconds=1)}, None, "is not in force before"),
        ({"until": NOW}, None, "is no longer in force since"),
        ({"number": 1}, replace(LAST, number=2), "number 1, and 2 was in force already"),
        ({"number": 2}, replace(LAST, number=2), "number 2, and 2 was in force already"),
        ({"replaces": None}, LAST, "it replaces none"),
        ({"replaces": DIGEST}, LAST, "the order in force; it replaces"),
        ({"order": "other"}, LAST, "expected the order `chicago`, got `other`"),
    ],
)
def test_what_is_not_in_force_here_and_now_is_refused(
    changed: dict[str, object], last: Statement | None, said: str
) -> None:
    statement = replace(STATEMENT, **changed)  # type: ignore[arg-type]  # fields of the statement
    with pytest.raises(VerificationError, match=said):
        verify_statement(signed(statement, FIRST, SECOND), KEYS, digest=DIGEST, now=NOW, last=last)


def test_the_order_in_force_stays_in_force() -> None:
    verify_statement(signed(STATEMENT, FIRST, SECOND), KEYS, digest=DIGEST, now=NOW, last=STATEMENT)


def test_going_back_takes_a_new_statement() -> None:
    back = replace(LAST, number=3, replaces=DIGEST)
    found = verify_statement(signed(back, FIRST, SECOND), KEYS, digest=BEFORE, now=NOW, last=STATEMENT)
    assert found.statement.number == 3
    with pytest.raises(VerificationError, match="was in force already") as caught:
        verify_statement(signed(LAST, FIRST, SECOND), KEYS, digest=BEFORE, now=NOW, last=STATEMENT)
    assert "new statement" in str(caught.value.hint)


SIGN = ("sign", "@sample-town", "--key", "@a.key")
Run = Callable[..., Result]


@pytest.fixture(name="office")
def office_fixture(tmp_path: Path) -> tuple[Path, Run]:
    """A folder with a new order, two keys of the law department and a stranger's, and a way to run commands there."""
    runner = CliRunner()

    def run(*arguments: str) -> Result:
        return runner.invoke(
            app, ["order", *(str(tmp_path / a[1:]) if a.startswith("@") else a for a in arguments)]
        )

    assert run("new", "sample-town", "--folder", str(tmp_path)).exit_code == 0
    public = [run("key", f"law/{name}", "--out", f"@{name}.key").stdout for name in ("a", "b")]
    (tmp_path / "law.keys").write_text("# the law department\n" + "".join(public))
    run("key", "law/x", "--out", "@x.key")
    return tmp_path, run


def test_an_order_is_signed_by_two_and_verified(office: tuple[Path, Run]) -> None:
    home, run = office
    assert stat.S_IMODE((home / "a.key").stat().st_mode) == 0o600
    first = run("sign", "@sample-town", "--key", "@a.key", "--effective", "2026-01-01")
    assert first.exit_code == 0
    assert "signed by law/a\n" in first.stdout
    assert run("verify", "@sample-town", "--keys", "@law.keys").exit_code == 1
    assert run("sign", "@sample-town", "--key", "@b.key").exit_code == 0
    done = run("verify", "@sample-town", "--keys", "@law.keys")
    assert done.exit_code == 0
    assert "verified   yes" in done.stdout
    assert "sample     yes" in done.stdout
    report = json.loads(run("verify", "@sample-town", "--keys", "@law.keys", "--json").stdout)
    assert report["signers"] == ["law/a", "law/b"]
    assert report["digest"] == load_pack(home / "sample-town").digest
    refused = run("verify", "@sample-town", "--keys", "@law.keys", "--production")
    assert refused.exit_code == 1
    assert "the office `sample` does not exist" in refused.stdout
    assert run("verify", "@sample-town", "--keys", "@law.keys", "--at", "2025-12-31").exit_code == 1


def test_a_pack_that_was_changed_after_it_was_signed_is_refused(office: tuple[Path, Run]) -> None:
    home, run = office
    run("sign", "@sample-town", "--key", "@a.key", "--effective", "2026-01-01")
    file = home / "sample-town" / "records.cedar"
    file.write_text(file.read_text() + "// a comment\n")
    cosigned = run("sign", "@sample-town", "--key", "@b.key")
    assert isinstance(cosigned.exception, Exception)
    assert "is about another pack" in str(cosigned.exception)
    file.write_text(file.read_text().removesuffix("// a comment\n"))
    run("sign", "@sample-town", "--key", "@b.key")
    assert run("verify", "@sample-town", "--keys", "@law.keys").exit_code == 0
    file.write_text(file.read_text() + "// a comment\n")
    done = run("verify", "@sample-town", "--keys", "@law.keys")
    assert done.exit_code == 1
    assert "is about the pack" in done.stdout


def test_a_new_order_follows_the_old_one_and_old_signatures_do_not_bring_it_back(
    office: tuple[Path, Run],
) -> None:
    home, run = office
    old, note = home / "sample-town" / "signatures" / "statement.note", home / "old.note"
    for name in "ab":
        options = ("--effective", "2026-01-01") if name == "a" else ()
        run("sign", "@sample-town", "--key", f"@{name}.key", *options)
    note.write_bytes(old.read_bytes())
    old.unlink()
    file = home / "sample-town" / "records.cedar"
    before = file.read_text()
    file.write_text(before + "// changed\n")
    for name in "ab":
        again = ("--effective", "2026-02-01", "--replaces", "@old.note") if name == "a" else ()
        assert run("sign", "@sample-town", "--key", f"@{name}.key", *again).exit_code == 0
    done = run("verify", "@sample-town", "--keys", "@law.keys", "--last", "@old.note")
    assert (done.exit_code, "number     2" in done.stdout) == (0, True)
    newest = home / "new.note"
    newest.write_bytes(old.read_bytes())
    file.write_text(before)
    done = run(
        "verify", "@sample-town", "--keys", "@law.keys", "--statement", "@old.note", "--last", "@new.note"
    )
    assert done.exit_code == 1
    assert "number 1, and 2 was in force already" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("sign", "@sample-town", "--key", "@none.key", "--effective", "2026-01-01"), "cannot be read"),
        (SIGN, "`--effective` is missing"),
        ((*SIGN, "--effective", "2026-01-01", "--number", "-1"), "number is from 1"),
        ((*SIGN, "--effective", "2026-01-02", "--until", "2026-01-01"), "ends after"),
        ((*SIGN, "--effective", "2026-01-02", "--replaces", "@law.keys"), "law.keys"),
        (("verify", "@sample-town", "--keys", "@law.keys"), "cannot read"),
        (("verify", "@sample-town", "--keys", "@a.key"), "a.key:1: "),
        (("key", "law/a", "--out", "@a.key"), "there is a key at"),
        (("key", "a b", "--out", "@c.key"), "no spaces"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_in_one_line(
    office: tuple[Path, Run], arguments: tuple[str, ...], said: str
) -> None:
    home, run = office
    before = sorted(path.name for path in home.iterdir())
    done = run(*arguments)
    assert done.exit_code == 1  # the runner's own; `doorward` exits with 2
    assert said in str(done.exception)
    assert "\n" not in str(done.exception)
    secret = (home / "a.key").read_text().split("+", 4)[4].strip()
    assert secret not in f"{done.output}{done.exception}"
    assert before == sorted(path.name for path in home.iterdir())


def test_an_order_with_a_fault_is_not_signed(office: tuple[Path, Run]) -> None:
    home, run = office
    file = home / "sample-town" / "records.cedar"
    file.write_text(file.read_text().replace("resource.sealed", "resource.seald"))
    done = run("sign", "@sample-town", "--key", "@a.key", "--effective", "2026-01-01")
    assert "and is not signed" in str(done.exception)
    assert not (home / "sample-town" / "signatures").exists()


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_a_key_that_others_may_read_is_refused(office: tuple[Path, Run]) -> None:
    home, run = office
    (home / "a.key").chmod(0o640)
    done = run("sign", "@sample-town", "--key", "@a.key", "--effective", "2026-01-01")
    assert "open to other users" in str(done.exception)


def test_a_public_key_that_stands_twice_is_refused(office: tuple[Path, Run]) -> None:
    home, run = office
    line = format_verifier(FIRST.verifier)
    (home / "twice.keys").write_text(f"{line}\n{line}\n")
    run("sign", "@sample-town", "--key", "@a.key", "--effective", "2026-01-01")
    done = run("verify", "@sample-town", "--keys", "@twice.keys")
    assert "has a key twice" in str(done.exception)

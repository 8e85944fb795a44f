"""`doorward letter`, as a law department and somebody who got a letter run it."""

import io
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from desk.letters.conftest import Made
from desk.letters.tagged import assert_well_told, read_text
from doorward.cli.main import main
from doorward.desk.letters.release import format_statement, make_draft, sign_draft
from doorward.desk.letters.sample import DAY
from doorward.notes.note import Signer, format_verifier
from doorward.orders.load import find_pack
from doorward.record.keys import make_log_key

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["doorward", "letter", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        with pytest.raises(SystemExit) as ended:
            main()
        written = capsys.readouterr()
        return int(ended.value.code or 0), written.out, written.err

    return call


def test_check_sets_every_letter_and_says_what_is_not_sent(run: Run) -> None:
    code, out, _ = run("check")
    assert code == 0
    assert "declined-paper (en): set, released by 2 of `law`" in out
    assert "person-told: not sent in es; no person has reviewed it" in out
    assert out.endswith("chicago: no fault\n")


def test_check_of_an_order_without_letters_names_the_plain_ones(run: Run) -> None:
    code, out, _ = run("check", "--order", "oregon")
    assert code == 0
    assert "the plain ones" in out


def test_check_finds_a_combination_without_a_letter_and_a_template_that_is_not_set(
    run: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "city"
    shutil.copytree(find_pack("chicago"), folder)
    file = folder / "letters.toml"
    whole = file.read_text(encoding="utf-8")
    file.write_text(
        whole.replace('outcome = "permit"\nletter = "allowed"', 'kind = "fund"\nletter = "allowed"')
    )
    code, out, _ = run("check", "--order", folder)
    assert code == 1
    assert "no rule says which letter: agreement, answered, permit, stand-aside" in out
    file.write_text(whole)
    template = folder / "letters" / "declined.typ"
    template.write_text(template.read_text(encoding="utf-8") + "\n=== A level is skipped\n")
    code, out, _ = run("check", "--order", folder)
    assert code == 1
    assert "declined (en): typst does not set `declined.typ`" in out


def test_show_writes_a_letter_and_a_preview_says_that_it_is_one(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "letter.pdf"
    assert run("show", "declined-paper", "--remedy", "--out", out)[0] == 0
    assert_well_told(out.read_bytes())
    assert "What would change this answer" in read_text(out.read_bytes())
    assert run("show", "person-told", "--language", "es", "--out", out)[0] == 0
    assert "SIN REVISAR" in read_text(out.read_bytes())


def test_show_refuses_what_is_no_letter_and_a_remedy_where_there_is_none(run: Run, tmp_path: Path) -> None:
    code, _, error = run("show", "pardon", "--out", tmp_path / "x.pdf")
    assert code == 2
    assert "one of declined-paper" in error
    assert run("show", "extended", "--remedy", "--out", tmp_path / "x.pdf")[0] == 2
    assert run("show", "extended", "--out", tmp_path / "no" / "x.pdf")[0] == 2


def test_somebody_who_got_a_letter_verifies_it(run: Run, made: Made, tmp_path: Path) -> None:
    people = [Signer.make(f"law/{name}.example", bytes([at]) * 32) for at, name in enumerate(("ann", "ben"))]
    draft = make_draft(*made("declined-paper"), day=DAY)
    both = sign_draft(sign_draft(draft, people[0]), people[1])
    pdf, note, keys = (tmp_path / name for name in ("letter.pdf", "letter.note", "law.keys"))
    pdf.write_bytes(both.pdf)
    note.write_bytes(both.note)
    keys.write_text("\n".join(format_verifier(one.verifier) for one in people))
    code, out, _ = run("verify", pdf, "--note", note, "--keys", keys)
    assert code == 0
    assert out.startswith("released: declined-paper, reference D-2026-0117, of 2026-12-01, by 2 of `law`\n")
    pdf.write_bytes(both.pdf + b"\n")
    code, out, error = run("verify", pdf, "--note", note, "--keys", keys)
    assert (code, out) == (1, "")
    assert "changed, or is another" in error
    assert run("verify", pdf, "--note", tmp_path / "gone", "--keys", keys)[0] == 2
    assert run("verify", pdf, "--note", keys, "--keys", keys)[0] == 3


def test_two_people_sign_on_their_own_machines_and_an_outsider_verifies_it(
    run: Run, made: Made, tmp_path: Path
) -> None:
    draft = make_draft(*made("declined-paper"), day=DAY)
    letter, note = tmp_path / "letter.pdf", tmp_path / "letter.note"
    letter.write_bytes(draft.pdf)
    note.write_bytes(format_statement(draft.statement))
    keys = []
    for name in ("law/ann.example", "law/ben.example"):
        signer = make_log_key(tmp_path / f"{name[4:]}.key", origin=name)
        keys.append(format_verifier(signer.verifier))
        code, out, _ = run(
            "sign", letter, "--note", note, "--key", tmp_path / f"{name[4:]}.key", "--out", note
        )
        assert code == 0
        assert f"by {name}" in out
    (tmp_path / "law.keys").write_text("\n".join(keys), encoding="utf-8")
    code, out, _ = run("verify", letter, "--note", note, "--keys", tmp_path / "law.keys")
    assert (code, "by 2 of `law`" in out) == (0, True)
    code, _, err = run("sign", letter, "--note", note, "--key", tmp_path / "ann.example.key", "--out", note)
    assert (code, "released already" in err) == (1, True)
    letter.write_bytes(draft.pdf + b"%")
    code, _, err = run("sign", letter, "--note", note, "--key", tmp_path / "ann.example.key", "--out", note)
    assert (code, "not the one that the note is about" in err) == (1, True)
    assert run("sign", letter, "--note", tmp_path / "none", "--key", "x", "--out", note)[0] == 2

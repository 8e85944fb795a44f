"""`doorward protocol` as a person types it."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from doorward.cli.main import app
from doorward.errors import ConfigError
from doorward.orders.load import find_pack

RUNNER = CliRunner()
SITE = "https://desk.sample.invalid"


def run(*words: str, code: int = 0) -> str:
    found = RUNNER.invoke(app, ["protocol", *words], catch_exceptions=False)
    assert found.exit_code == code, found.output
    return found.output


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A pack's folder that may be changed."""
    home = tmp_path / "order"
    shutil.copytree(find_pack("chicago"), home)
    return home


def test_check_says_what_is_shown_where_and_that_nothing_is_wrong() -> None:
    told = run("check")
    assert "cha, office: own-office, nothing adopted" in told
    assert "1108 ways" in told
    assert "ar: 282 not reviewed by a person, marked for staff, never printed" in told
    assert told.endswith("no fault\n")


def test_check_of_a_faulty_pack_ends_with_1_and_names_file_line_and_column(folder: Path) -> None:
    file = folder / "protocols" / "visit.yaml"
    file.write_text(file.read_text().replace("title: Call 911 first", "title: Permit nothing"))
    told = json.loads(run("check", "--order", str(folder), "--json", code=1))
    messages = [finding for finding in told["findings"] if "permit" in finding["message"]]
    assert [(m["file"], m["column"]) for m in messages] == [("protocols/visit.yaml", 12)]
    assert file.read_text().splitlines()[messages[0]["line"] - 1].strip() == "title: Permit nothing"


def test_check_of_a_file_that_is_no_yaml_names_the_place(folder: Path) -> None:
    (folder / "protocols" / "lot.yaml").write_text("protocol: lot\nprotocol: lot\n")
    told = run("check", "--order", str(folder), code=1)
    assert "fault: protocols/lot.yaml:2:1: the key `protocol` stands twice" in told


def test_an_order_without_protocols_says_so() -> None:
    with pytest.raises(ConfigError, match="has no folder `protocols`"):
        run("check", "--order", "oregon")


def test_list_names_each_place_its_protocol_and_the_act() -> None:
    lines = run("list").splitlines()
    assert lines[0].split("\t")[:3] == ["city", "library", "library"]
    assert len(lines) == 7


def test_show_draws_the_tree_from_the_first_screen() -> None:
    told = run("show", "library")
    assert "FIRST  Stay calm and get the person in charge; you don't have to answer." in told
    assert "[decide] Is anybody in danger right now?  (danger, front-desk)" in told
    assert "-> fetch" in told
    assert "(not reviewed)" not in told


def test_show_in_another_language_marks_what_nobody_has_reviewed() -> None:
    told = run("show", "school", "--lang", "pl")
    assert "(not reviewed) Zachowaj spokój i sprowadź administratora" in told


@pytest.mark.parametrize(
    "words", [("show", "museum"), ("show", "library", "--lang", "xx"), ("show", "library", "--tenant", "cps")]
)
def test_what_is_not_there_is_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError):
        run(*words)


def test_compile_writes_the_app_s_file(tmp_path: Path) -> None:
    file = tmp_path / "cps.json"
    assert "version" in run("compile", "cps", "--lang", "es", "--out", str(file))
    assert json.loads(file.read_bytes())["tenant"]["id"] == "cps"


def test_extract_of_the_shipped_pack_changes_nothing() -> None:
    assert run("extract", "--check").endswith("282 texts, 5 languages, 0 files changed\n")


def test_extract_writes_what_a_changed_text_asks_for(folder: Path) -> None:
    file = folder / "protocols" / "lot.yaml"
    file.write_text(file.read_text().replace("Ask them once to leave", "Ask them to leave, once"))
    run("extract", "--check", "--order", str(folder), code=1)
    run("extract", "--order", str(folder))
    assert "#, fuzzy" in (folder / "locale/es/LC_MESSAGES/protocols.po").read_text()
    assert "fuzzy: its English changed" in run("check", "--order", str(folder), code=1)


def test_a_reviewed_language_is_printed_and_no_other(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "paper"
    words = ("print", "--place", "library", "--site", SITE, "--out", str(out), "--order", str(folder))
    with pytest.raises(ConfigError, match="no person has reviewed"):
        run(*words, "--lang", "es")
    assert not out.exists()
    assert "282 texts of `es`" in run(
        "reviewed", "--lang", "es", "--by", "sample", "--all", "--order", str(folder)
    )
    run(*words, "--lang", "es")
    assert sorted(file.name for file in out.iterdir()) == [
        "city-library-card-es.pdf",
        "city-library-form-es.pdf",
        "city-library-poster-es.pdf",
        "city-library-visitors-es.pdf",
    ]
    with pytest.raises(ConfigError, match="no person has reviewed"):
        run(*words, "--lang", "pl")


def test_one_text_can_be_reviewed_alone(folder: Path) -> None:
    told = run("reviewed", "--lang", "es", "--by", "sample", "--text", "Library", "--order", str(folder))
    assert told == "1 texts of `es` reviewed by sample\n"
    assert "es: 281 not reviewed" in run("check", "--order", str(folder))


def test_reviewing_nothing_in_particular_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match="say which texts"):
        run("reviewed", "--lang", "es", "--by", "sample", "--order", str(folder))


def test_checking_an_order_checks_its_protocols(folder: Path) -> None:
    file = folder / "protocols" / "visit.yaml"
    file.write_text(file.read_text().replace("outcome: [permit]", "outcome: [refer]"))
    found = RUNNER.invoke(app, ["order", "check", str(folder), "--json"], catch_exceptions=False)
    assert found.exit_code == 1
    assert any(
        "`escort` tells outcome refer" in finding["message"]
        for finding in json.loads(found.output)["findings"]
    )
    assert "1108 ways" in json.loads(found.output)["protocols"]

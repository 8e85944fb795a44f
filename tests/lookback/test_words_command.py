"""`doorward audit words`: one reason, and why."""

import json

import typer
from typer.testing import CliRunner

from doorward.cli.audit_words import words

app = typer.Typer()
app.command()(words)


def said(*arguments: str, given: str | None = None) -> str:
    result = CliRunner().invoke(app, list(arguments), input=given)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_reason_is_explained_with_pattern_evidence_and_source() -> None:
    text = said("HSI narcotics")
    assert (
        "HSI narcotics: agency-named, stated\n  purpose   criminal-investigation\n  for       HSI\n" in text
    )
    assert "agency-named, hsi: `HSI`, Homeland Security Investigations" in text
    assert "(english-policing-1.toml:" in text


def test_reasons_come_a_line_each_and_leave_as_json() -> None:
    lines = said("--json", given="ICE detainer\ninv\n\n").splitlines()
    found = [json.loads(line) for line in lines]
    assert [(one["reason"], one["tier"], one["said"]) for one in found] == [
        ("ICE detainer", "explicit", "stated"),
        ("inv", "vague", "vague"),
        ("", "other", "blank"),
    ]


def test_an_offense_type_says_why_too() -> None:
    assert "purpose   traffic-safety" in said("inv", "--offense", "Traffic Infraction")


def test_the_query_is_printed_whole() -> None:
    text = said("--sql")
    assert "/*" not in text
    assert "FROM wordings" in text

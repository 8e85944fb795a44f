"""What a wording says: in DuckDB and in Python the same, whatever the wording, the chunk and the order of the files."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doorward.errors import ConfigError
from doorward.lookback.cells import State
from doorward.lookback.engine import open_engine
from doorward.lookback.folder import AuditFolder
from doorward.lookback.words import phrases as phrases_module
from doorward.lookback.words.phrase import Classifier, Phrase, Wording
from doorward.lookback.words.phrases import check_expressions, write_phrases
from doorward.orders.expressions import find_fault, write_expression
from doorward.orders.lexicon import Lexicon, Tier
from doorward.orders.load import load_lexicon, load_pack
from lookback.wordings import portal_wordings, read_phrases, write_rows
from tests_support.examples import examples

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

CIVIL, CRIME = "civil-immigration-enforcement", "criminal-investigation"


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon(load_pack("chicago"))


@pytest.fixture(scope="module")
def classifier(lexicon: Lexicon) -> Classifier:
    return Classifier(lexicon)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator["DuckDBPyConnection"]:
    with open_engine(tmp_path_factory.mktemp("engine") / "scratch", memory="600MB", threads=2) as connection:
        yield connection


def reason(text: str | None, **others: Any) -> Wording:
    state = State.BLANK if text is None else State.VALUE
    return replace(Wording(), reason=text, reason_state=state, **others)


# ---------------------------------------------------------------- the rules


@pytest.mark.parametrize(
    ("text", "tier", "purposes", "agencies", "said"),
    [
        ("ICE detainer", "explicit", (CIVIL,), ("ICE",), "stated"),
        ("immigration/drugs", "explicit", (CIVIL, CRIME), ("unknown",), "stated"),
        ("HSI narcotics", "agency-named", (CRIME,), ("HSI",), "stated"),
        ("HSI", "agency-named", ("unknown",), ("HSI",), "stated"),
        ("Immigration (criminal)", "other", (CRIME,), ("unknown",), "stated"),
        ("investigation", "vague", ("unknown",), ("unknown",), "vague"),
        ("inv. - suspect veh", "vague", ("unknown",), ("unknown",), "vague"),
        ("investgation", "vague", ("unknown",), ("unknown",), "vague"),
        ("investigation 26-01234", "other", ("unknown",), ("unknown",), "stated"),
        ("project sample", "other", ("unknown",), ("unknown",), "stated"),
        ("***", "other", ("unknown",), ("unknown",), "blank"),
        (None, "other", ("unknown",), ("unknown",), "blank"),
        ("211PC", "other", (CRIME,), ("unknown",), "stated"),
        ("border security", "explicit", ("border-security",), ("unknown",), "stated"),
    ],
)
def test_a_reason_says(  # noqa: PLR0917  # one argument a column of the table
    classifier: Classifier, text: str | None, tier: str, purposes: object, agencies: object, said: str
) -> None:
    found = classifier.classify(reason(text))
    assert (found.tier, found.purposes, found.for_agencies, found.said) == (tier, purposes, agencies, said)


@pytest.mark.parametrize(
    ("wording", "purposes", "said"),
    [
        (Wording(reason_state="masked"), None, None),
        (Wording(reason_state="withheld"), None, None),
        (Wording(reason="***", reason_state="masked"), None, None),
        (Wording(), None, None),  # no column that says why
        (
            Wording(offense="Robbery", offense_state="value"),
            (CRIME,),
            "stated",
        ),  # the drop-down instead of the text
        (Wording(reason_state="masked", offense="Robbery", offense_state="value"), None, "stated"),
        (reason("inv", offense_state="masked"), None, None),
        (reason("deportation warrant", offense_state="masked"), (CIVIL,), "stated"),
        (reason("theft", prompt_state="unreadable"), None, "stated"),
        (reason("theft", prompt_state="not-exported"), (CRIME,), "stated"),
        (
            reason("inv", filters_state="masked"),
            ("unknown",),
            "vague",
        ),  # filters say what was searched for, not why
        (reason("inv", offense="Traffic Infraction", offense_state="value"), ("traffic-safety",), "stated"),
        (
            reason("theft", offense="Immigration (civil/administrative)", offense_state="value"),
            (CIVIL, CRIME),
            "stated",
        ),
    ],
)
def test_a_cell_that_cannot_be_read_leaves_the_purpose_open_unless_it_is_said_explicitly(
    classifier: Classifier, wording: Wording, purposes: object, said: str | None
) -> None:
    found = classifier.classify(wording)
    assert (found.purposes, found.said) == (purposes, said)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("26-01234", "26-01234"),
        ("theft, 2604010138", "2604010138"),
        ("case # 26-1234", "case # 26-1234"),
        ("26prcw001", "26prcw001"),
        ("pa2026-12345", "pa2026-12345"),
        ("2604C-0532", "2604C-0532"),
        ("211pc", None),
        ("10-65", None),
        ("245(a)(1)pc", None),
        ("555-010-0199", None),
        ("10851", None),
    ],
)
def test_a_case_number_is_known_by_its_shape(classifier: Classifier, text: str, number: str | None) -> None:
    assert classifier.classify(reason(text)).case_in_reason == number


@pytest.mark.parametrize(
    ("text", "evidence"),
    [
        ("\uff29\uff23\uff25 detainer", "\uff29\uff23\uff25 detainer"),  # full width
        ("\u0406\u0421\u0415 detainer", "\u0406\u0421\u0415 detainer"),  # Cyrillic letters
        ("dep\u00f3rtation warrant", "dep\u00f3rtation"),
        ("immi\u200bgration status", "immi\u200bgration status"),  # a space without width
        ("ICE\u00a0detainer", "ICE\u00a0detainer"),
        ("see \u2013 ICE\u2013detainer", "ICE\u2013detainer"),
    ],
)
def test_letters_in_disguise_are_found_and_shown_as_they_were_written(
    classifier: Classifier, text: str, evidence: str
) -> None:
    found = classifier.classify(reason(text))
    assert found.tier == Tier.EXPLICIT
    assert evidence in found.evidence


def test_a_language_that_the_lexicon_does_not_have_is_not_called_vague(classifier: Classifier) -> None:
    assert classifier.classify(reason("\u8c03\u67e5 investigation")).said == "stated"


# ---------------------------------------------------------------- SQL and Python

WORDS = [
    "ICE",
    "ice",
    "detainer",
    "warrant",
    "immigration",
    "immigraton",
    "status",
    "civil",
    "(civil",
    "HSI",
    "narcotics",
    "inv",
    "investigation",
    "investgation",
    "suspect",
    "vehicle",
    "211pc",
    "26-01234",
    "10851",
    "cream",
    "287(g)",
    "287(b)",
    "removal",
    "of",
    "stolen",
    "not",
    "protest",
    "dui",
    "traffic",
    "stop",
    "my",
    "car",
    "test",
    "deport",
    "depot",
    "weather",
    "alert",
    "\u0456ce",
    "d\u00e9tainer",
    "\uff49\uff43\uff45",
    "\u200b",
    "'",
    '"',
    "\\",
    "%",
    "\x0b",
    "\x00"[:0],
    "\n",
    "ero",
    "dhs",
]
TEXTS = st.one_of(
    st.lists(st.sampled_from(WORDS), min_size=0, max_size=6).flatmap(
        lambda words: st.sampled_from([" ", "+", "  ", "-", "/", "_", "\n"]).map(lambda gap: gap.join(words))
    ),
    st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20),
)
STATES = st.sampled_from([str(state) for state in State])


def cells() -> st.SearchStrategy[tuple[str | None, str]]:
    values = st.tuples(TEXTS, st.just("value"))
    return st.one_of(values, values, st.tuples(st.one_of(st.none(), TEXTS), STATES))


WORDINGS = st.tuples(cells(), cells(), cells(), cells()).map(
    lambda found: Wording(*found[0], *found[1], *found[2], *found[3])
)


def both(
    engine: "DuckDBPyConnection", lexicon: Lexicon, folder: AuditFolder, wordings: list[Wording]
) -> tuple[dict[Wording, Phrase], dict[Wording, Phrase]]:
    write_rows(engine, folder, wordings)
    write_phrases(engine, lexicon, folder)
    classifier = Classifier(lexicon)
    return read_phrases(engine, folder), {one: classifier.classify(one) for one in set(wordings)}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=3)
@given(st.lists(WORDINGS, min_size=20, max_size=120))  # few and long: the statement costs more than its rows
def test_sql_and_python_agree_on_any_wording(
    engine: "DuckDBPyConnection", lexicon: Lexicon, tmp_path: Path, wordings: list[Wording]
) -> None:
    in_sql, in_python = both(engine, lexicon, AuditFolder(tmp_path), wordings)
    assert in_sql == in_python


@pytest.mark.shared
def test_sql_and_python_agree_on_every_real_wording(
    engine: "DuckDBPyConnection", lexicon: Lexicon, tmp_path: Path, shared: Path
) -> None:
    files = [*(shared / "data/alpr-portals/logs").glob("*.csv"), shared / "data/alpr-eugene/search-audit.csv"]
    wordings = [wording for file in files for wording in portal_wordings(file)]
    assert len(wordings) == 12_037 + 4_294
    in_sql, in_python = both(engine, lexicon, AuditFolder(tmp_path), wordings)
    assert in_sql == in_python
    # Read by eye: none of the published exports says it in words, and none names such an agency.
    assert {found.tier for found in in_sql.values()} == {Tier.OTHER, Tier.VAGUE}
    assert not any("immigration" in found.tags for found in in_sql.values())
    infractions = [found for one, found in in_sql.items() if one.offense == "Traffic Infraction"]
    assert infractions
    assert all("traffic-enforcement" in found.tags for found in infractions)


# ---------------------------------------------------------------- the table


def test_the_table_does_not_depend_on_files_chunks_or_a_second_run(
    engine: "DuckDBPyConnection", lexicon: Lexicon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wordings = [reason(f"theft {number}") for number in range(40)] + [reason("d\u00e9tenu"), reason(None)]
    one, other = AuditFolder(tmp_path / "one"), AuditFolder(tmp_path / "other")
    write_rows(engine, one, wordings)
    assert write_phrases(engine, lexicon, one) == 42
    written = one.phrases.read_bytes()
    write_phrases(engine, lexicon, one)
    assert one.phrases.read_bytes() == written
    write_rows(engine, other, wordings[30:] * 2, "0000")
    write_rows(engine, other, wordings[:35], "0001")
    monkeypatch.setattr(phrases_module, "CHUNK", 16)
    monkeypatch.setattr(phrases_module, "BATCH", 1)
    told: list[tuple[int, int]] = []
    write_phrases(engine, lexicon, other, progress=lambda done, total: told.append((done, total)))
    assert read_phrases(engine, other) == read_phrases(engine, one)
    assert told == [(16, 42), (32, 42), (42, 42)]
    assert not list(tmp_path.rglob("*.partial"))


def test_a_wording_has_one_number_for_every_order(
    engine: "DuckDBPyConnection", lexicon: Lexicon, tmp_path: Path
) -> None:
    folder, oregon = AuditFolder(tmp_path), load_lexicon(load_pack("oregon"))
    write_rows(engine, folder, [reason("ICE detainer"), reason("theft"), reason("211pc")])
    write_phrases(engine, lexicon, folder)
    write_phrases(engine, oregon, folder, into=tmp_path / "oregon.parquet")
    rows = engine.execute(
        f"SELECT a.reason = b.reason, a.purposes, b.purposes FROM read_parquet('{folder.phrases}') a "
        f"JOIN read_parquet('{tmp_path / 'oregon.parquet'}') b USING (phrase) ORDER BY phrase"
    ).fetchall()
    assert rows == [
        (True, [CRIME], ["unknown"]),  # 211PC: oregon takes no codes of California
        (True, [CIVIL], ["immigration-enforcement"]),
        (True, [CRIME], ["crime-investigation"]),
    ]


def test_no_rows_are_said_to_be_none(engine: "DuckDBPyConnection", lexicon: Lexicon, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no rows have been read"):
        write_phrases(engine, lexicon, AuditFolder(tmp_path))


def test_an_empty_log_has_no_phrases(engine: "DuckDBPyConnection", lexicon: Lexicon, tmp_path: Path) -> None:
    folder = AuditFolder(tmp_path)
    write_rows(engine, folder, [])
    assert write_phrases(engine, lexicon, folder) == 0
    assert read_phrases(engine, folder) == {}


def test_what_re2_does_not_take_is_named_with_its_place(
    engine: "DuckDBPyConnection", lexicon: Lexicon
) -> None:
    first, *rest = lexicon.patterns
    broken = replace(lexicon, patterns=(replace(first, expression="(?=a)b"), *rest))
    with pytest.raises(ConfigError, match=re.escape(f"pattern `{first.id}` ({first.span})")):
        check_expressions(engine, broken)


def test_a_cell_is_looked_through_to_its_20_000th_sign(
    engine: "DuckDBPyConnection", lexicon: Lexicon, tmp_path: Path
) -> None:
    within, beyond = (reason("a b " * count + "ICE detainer") for count in (4_900, 5_000))
    folded = reason("\u00e9 " + "inves " * 3_000 + "ICE detainer")
    in_sql, in_python = both(engine, lexicon, AuditFolder(tmp_path), [within, beyond, folded])
    assert in_sql == in_python
    assert [in_sql[one].tier for one in (within, beyond, folded)] == ["explicit", "other", "explicit"]


EXPRESSIONS = st.lists(
    st.sampled_from(
        [
            "a",
            "b",
            "ab",
            " ",
            "?",
            "*",
            "+",
            "(?:",
            ")",
            "(",
            "|",
            "[ab]",
            "[^a]",
            r"\d",
            r"\b",
            "{2}",
            "{1,3}",
            r"\.",
            ".",
            "-",
        ]
    ),
    min_size=1,
    max_size=9,
).map("".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(25, deep=300))
@given(
    EXPRESSIONS,
    st.lists(st.text("aAbB1.- +\n_", max_size=10), min_size=1, max_size=8),
    st.sampled_from(("whole", "within")),
)
def test_what_the_loader_takes_is_read_alike_by_both_engines(
    engine: "DuckDBPyConnection", expression: str, texts: list[str], where: str
) -> None:
    if find_fault(expression) is not None:
        return
    written = write_expression([expression], whole=where == "whole")
    compiled = re.compile(written, re.IGNORECASE | re.ASCII)
    in_python = [found[1] if (found := compiled.search(text)) else "" for text in texts]
    in_sql = [
        engine.execute("SELECT regexp_extract(?, ?, 1)", [text, f"(?i){written}"]).fetchone()
        for text in texts
    ]
    assert [row[0] for row in in_sql if row] == in_python

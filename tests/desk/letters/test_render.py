"""A letter on paper: tagged, complete, the same each time, and shown as text whatever it was given."""

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from desk.letters.conftest import Made
from desk.letters.tagged import assert_well_told, read_text
from doorward.desk.letters.answer import check_answer
from doorward.desk.letters.render import render
from doorward.desk.letters.sample import DAY, sample_answer, sample_letter
from doorward.errors import ConfigError
from doorward.orders.letter_book import LetterBook
from doorward.orders.load import load_letters, load_pack
from doorward.orders.pack import Pack

HOSTILE = '#panic("x") *bold* _i_ $x^2$ @ref <label> \\#eval("1") ]) "); // /* `raw` #read("letter.typ")'


@pytest.mark.parametrize("name", ["chicago", "oregon", "hospital-records"])
def test_each_letter_is_tagged_names_its_clauses_and_says_whom_to_write_to(name: str) -> None:
    pack = load_pack(name)
    book = load_letters(pack)
    for form in book.forms.values():
        letter = sample_letter(pack, book, form)
        answer = sample_answer(letter)
        pdf = render(letter, answer, day=DAY)
        told = assert_well_told(pdf)
        assert (told.language, told.title) == ("en", form.title)
        assert told.headings
        text = read_text(pdf)
        for piece in (
            form.title,
            answer.reference,
            "December 1, 2026",
            *answer.to,
            pack.contacts.law_department,
        ):
            assert piece in text
        assert "SAMPLE" in text
        for clause in answer.clauses:
            assert f"{clause}, {pack.clauses[clause].cite}" in text
            assert " ".join(pack.clauses[clause].says.split()) in text.replace("\u2010", "-")


def test_a_letter_that_no_sample_office_adopted_says_nothing_of_a_sample(made: Made, pack: Pack) -> None:
    letter, answer = made("declined-paper")
    real = replace(pack, clauses={name: replace(one, adopted_by=None) for name, one in pack.clauses.items()})
    assert "SAMPLE" in read_text(render(letter, answer, day=DAY))
    assert "SAMPLE." not in read_text(render(replace(letter, pack=real), answer, day=DAY))


def test_the_declined_paper_says_why_and_neither_confirms_nor_denies(made: Made) -> None:
    text = read_text(render(*made("declined-paper"), day=DAY))
    for piece in (
        "The City does not act on it.",
        "C20a1C, MCC 2-173-020(a)(1)(C) Nobody is held on an immigration detainer.",
        "neither that a person is or was in custody nor that none is",
        "order-desk@law.sample.invalid",
    ):
        assert piece in text


def test_a_remedy_is_said_only_where_counsel_switches_it_on(made: Made) -> None:
    letter, answer = made("declined-paper")
    remedy = (
        "the warrant is verified on the original or with the clerk of the court, and is in scope and current"
    )
    off = read_text(render(letter, replace(answer, remedies=(remedy,)), day=DAY))
    on = read_text(render(letter, replace(answer, remedies=(remedy,), remedy=True), day=DAY))
    assert "What would change" not in off
    assert remedy[1:] not in off
    assert f"What would change this answer • T{remedy[1:]}." in on


@pytest.mark.parametrize(
    "remedy",
    [
        "the case is open in the register of cases and assigned to this login",
        "say that it is for the FBI",
        "",
    ],
)
def test_a_letter_names_no_register_and_no_remedy_of_anybodys_own(made: Made, remedy: str) -> None:
    letter, answer = made("declined-paper", remedies=(remedy,), remedy=True)
    with pytest.raises(ConfigError, match="nothing that a letter may name"):
        render(letter, answer, day=DAY)


def test_a_letter_whose_form_has_no_remedy_gets_none(made: Made) -> None:
    with pytest.raises(ConfigError, match="`remedy` must be off"):
        render(*made("certification-not-given", remedy=True), day=DAY)


def test_hostile_text_is_shown_to_the_letter(made: Made) -> None:
    pdf = render(*made("declined", fields={"asked": HOSTILE}, to=(HOSTILE[:60],)), day=DAY)
    assert_well_told(pdf)
    text = read_text(pdf)
    assert HOSTILE in text
    assert HOSTILE[:60] in text


def test_marks_of_direction_and_controls_stand_as_codes_and_the_letter_says_so(made: Made) -> None:
    text = read_text(
        render(*made("declined", fields={"asked": "a \u202eelpmas\x07 \U0001f600 \u5317"}), day=DAY)
    )
    assert "a [U+202E]elpmas[U+0007] [U+1F600] [U+5317]" in text
    assert "stands for a character that was sent" in text


def test_a_long_text_is_refused_with_both_numbers_and_the_longest_is_set(made: Made) -> None:
    with pytest.raises(ConfigError, match="`reasons` must have at most 3000 characters, got 10000"):
        render(*made("certification-not-given", fields={"reasons": "x" * 10_000}), day=DAY)
    for text in ("x" * 3_000, "long words " * 270, "\n".join(["line"] * 590), "\U0001f600" * 3_000):
        assert_well_told(render(*made("certification-not-given", fields={"reasons": text}), day=DAY))


def test_a_table_of_many_rows_goes_over_pages(made: Made) -> None:
    rows = [[str(number), "w" * 300, "words of the paper"] for number in range(200)]
    told = assert_well_told(render(*made("produced", fields={"produced": rows}), day=DAY))
    assert told.tags.count("TR") == 201


@pytest.mark.parametrize(
    ("name", "changed", "said"),
    [
        ("declined", {"fields": {"asked": ""}}, "`asked` must be a line that is not empty"),
        ("declined", {"fields": {"asked": " \u00a0 "}}, "not empty"),
        ("declined", {"fields": {"asked": None}}, "`asked` is missing"),
        ("declined", {"fields": {"asked": "one\ntwo"}}, "must be one line"),
        ("declined", {"fields": {"asked": "one\u2028two"}}, "must be one line"),
        ("declined", {"fields": {"asked": 3}}, "must be a line"),
        ("declined", {"fields": {"more": "x"}}, "`more` is no field of the letter `declined`"),
        ("declined", {"fields": {"asked": "the file A123-456-789"}}, "`asked` holds what no letter holds"),
        ("declined", {"fields": {"asked": "the file A# \uff11\uff12\uff13456789"}}, "holds what no letter holds"),
        ("declined", {"to": ("000-12-3456",)}, "a social security number"),
        ("declined", {"to": ()}, "`to` must be 1 to 6 lines, got 0"),
        ("declined", {"to": ("x",) * 7}, "got 7"),
        ("declined", {"reference": "D 1"}, "`reference` must be"),
        ("declined", {"reference": "D-1\n"}, "`reference` must be"),
        ("declined", {"clauses": ()}, "no answer without the clause"),
        ("declined", {"clauses": ("C99",)}, "1 of them are none"),
        ("declined", {"clauses": ("C20a6", "C20a6")}, "each once"),
        ("declined", {"received": date(2026, 12, 2)}, "must not be after the day of the letter"),
        ("declined-paper", {"fields": {"paper": "I-247A"}}, "`paper` must be one of detainer, arrest"),
        ("declined-paper", {"fields": {"paper-day": "2026-11-30"}}, "`paper-day` must be a day"),
        ("declined-agreement", {"fields": {"terms": []}}, "must be 1 to 12 lines"),
        ("declined-agreement", {"fields": {"terms": "one"}}, "must be 1 to 12 lines"),
        ("produced", {"fields": {"produced": [["1", "2"]]}}, "3 cells in each row"),
        ("public-records", {"fields": {"found": True}}, "must be a number"),
        ("public-records", {"fields": {"found": -1}}, "must be a number"),
    ],
)  # fmt: skip
def test_what_a_letter_cannot_be_written_with_is_refused(
    made: Made, name: str, changed: dict[str, Any], said: str
) -> None:
    letter, answer = made(name, **changed)
    with pytest.raises(ConfigError, match=said):
        render(letter, answer, day=DAY)
    assert len(check_answer(letter, answer, day=DAY)) >= 1


def test_every_fault_is_listed_at_once_for_a_form(made: Made) -> None:
    letter, answer = made("declined-paper", fields={"paper": "x", "paper-day": 3}, reference="", clauses=())
    assert [fault.field for fault in check_answer(letter, answer, day=DAY)] == [
        "reference",
        "clauses",
        "paper",
        "paper-day",
    ]


def test_a_translation_is_sent_only_where_a_person_reviewed_it(made: Made) -> None:
    letter, answer = made("person-told")
    with pytest.raises(ConfigError, match="nobody has reviewed the translation"):
        render(letter, answer, day=DAY, language="es")
    with pytest.raises(ConfigError, match="not translated into `pl`"):
        render(letter, answer, day=DAY, language="pl", is_preview=True)
    preview = render(letter, answer, day=DAY, language="es", is_preview=True)
    assert assert_well_told(preview).language == "es"
    assert "SIN REVISAR" in read_text(preview)
    reviewed = replace(letter.form.translations["es"], reviewed_by="law", reviewed_on=date(2026, 11, 1))
    sent = replace(letter, form=replace(letter.form, translations={"es": reviewed}))
    text = read_text(render(sent, answer, day=DAY, language="es"))
    assert "SIN REVISAR" not in text
    assert "1 de diciembre de 2026" in text


def test_the_same_letter_has_the_same_bytes_in_another_process(made: Made) -> None:
    digest = hashlib.sha256(render(*made("produced"), day=DAY)).hexdigest()
    program = (
        "import hashlib; from doorward.desk.letters.render import render; from doorward.desk.letters.sample import *;"
        "from doorward.orders.load import load_letters, load_pack; p = load_pack('chicago'); b = load_letters(p);"
        "l = sample_letter(p, b, b.forms['produced']); pdf = render(l, sample_answer(l), day=DAY);"
        "print(hashlib.sha256(pdf).hexdigest())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        cwd="/",
        timeout=120,
    )
    assert done.stdout.strip() == digest
    assert hashlib.sha256(render(*made("produced"), day=date(2026, 12, 2))).hexdigest() != digest


def test_a_template_that_typst_refuses_is_a_settings_error(made: Made, book: LetterBook) -> None:
    letter, answer = made("declined")
    for template, said in (
        ("= Skips\n=== a level", "UA-1"),
        ("#value(", "unclosed"),
        ('#read("../answer.py")', "escape the project root"),
    ):
        broken = replace(
            book,
            sources={**book.sources, "declined.typ": f'#import "letter.typ": *\n#show: letter\n{template}'},
        )
        with pytest.raises(ConfigError, match=f"typst does not set `declined.typ`: .*{said}"):
            render(replace(letter, book=broken), answer, day=DAY)


def test_letters_set_by_several_threads_are_the_same_letters(made: Made) -> None:
    letter, answer = made("declined-paper")
    each = [replace(answer, reference=f"D-{number}") for number in range(6)]
    alone = [render(letter, one, day=DAY) for one in each]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(lambda one: render(letter, one, day=DAY), each)) == alone

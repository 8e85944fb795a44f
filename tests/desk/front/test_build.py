"""What is built: the same bytes each time, small, whole, in every language, and nothing of anybody else's."""

import base64
import gzip
import json
import re
import struct
import zlib
from hashlib import sha256
from importlib.resources import files
from typing import Any

import polib
import pytest

from doorward.desk.front.build import MAX_BYTES, build_app, load_words
from doorward.desk.front.icons import make_png, make_svg
from doorward.errors import ConfigError
from doorward.orders.load import load_pack
from doorward.orders.protocols import compile_protocols
from tests_support.front_sample import LANGUAGES, make_compiled

COMPILED = make_compiled()
BUILT = build_app(COMPILED, "0.1.0")
SOURCES = files("doorward.desk.front") / "app"
CODES = [code for code, _, _ in LANGUAGES]


def script(name: str) -> str:
    return (SOURCES / name).read_text(encoding="utf-8")


def named(ending: str) -> bytes:
    (found,) = [content for path, content in BUILT.items() if path.endswith(ending)]
    return found


def test_the_same_protocols_give_the_same_bytes() -> None:
    assert build_app(COMPILED, "0.1.0") == BUILT


@pytest.mark.parametrize(
    ("compiled", "version"), [(COMPILED, "0.1.1"), (make_compiled(changed="Now."), "0.1.0")]
)
def test_another_version_stands_in_another_folder(compiled: dict[str, Any], version: str) -> None:
    other = build_app(compiled, version)
    assert {path.rpartition("/")[0] for path in other} & {path.rpartition("/")[0] for path in BUILT} == {""}
    assert other["sw.js"] != BUILT["sw.js"]


def test_protocols_of_another_format_are_refused() -> None:
    with pytest.raises(ConfigError, match="format 1, got `2`"):
        build_app({**COMPILED, "format": 2}, "0.1.0")


@pytest.mark.parametrize("tenant", ["city", "cps", "park-district", "cha"])
def test_as_sent_it_is_under_its_bound(tenant: str) -> None:
    built = build_app(compile_protocols(load_pack("chicago"), tenant, CODES), "0.1.0")
    assert sum(min(len(content), len(gzip.compress(content, 9))) for content in built.values()) < MAX_BYTES


def test_the_worker_lists_every_file_with_its_digest() -> None:
    listed = json.loads(re.search(r"const FILES = (\{.*?\});", BUILT["sw.js"].decode()).group(1))  # type: ignore[union-attr]  # found, or the test fails
    wanted = {
        "./" if path == "index.html" else path: base64.b64encode(sha256(content).digest()).decode()
        for path, content in BUILT.items()
        if path != "sw.js"
    }
    assert listed == wanted


def test_the_page_names_only_files_that_are_there() -> None:
    page = BUILT["index.html"].decode()
    assert set(re.findall(r'(?:href|src)="([^"#]+)"', page)) <= BUILT.keys()
    assert "@" not in page.replace("@media", "")


def test_every_import_is_a_module_of_the_build() -> None:
    for path, content in BUILT.items():
        if path.endswith(".js"):
            imported = re.findall(r'from "\./([^"]+)"', content.decode())
            assert {f"{path.rpartition('/')[0]}/{name}" for name in imported} <= BUILT.keys()


def test_nothing_names_another_site() -> None:
    for path, content in BUILT.items():
        if path.endswith((".js", ".css", ".html", ".webmanifest")):
            # A digest of a file, in base64, begins with two slashes once in 4096 times, and names no site.
            said = re.sub(rb'"[A-Za-z0-9+/]{43}="', b'""', content)
            assert re.findall(rb"https?://|[\"'(`]//", said) == [], path


def test_no_script_makes_markup_or_code_of_text() -> None:
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|\.style\b|localStorage"
    )
    assert [name for name in _scripts() if re.search(forbidden, script(name))] == []


def test_no_text_runs_over_the_end_of_a_line() -> None:
    """So that taking indentation and comment lines away changes no program."""
    for name in [*_scripts(), "style.css"]:
        for line in script(name).splitlines():
            assert line.count("`") % 2 == 0, (name, line)
            assert not line.endswith("\\"), (name, line)
            assert "/*" not in line.lstrip()[1:] or "*/" in line, (name, line)


def _scripts() -> list[str]:
    return sorted(path.name for path in SOURCES.iterdir() if path.name.endswith(".js"))


def test_every_module_is_built() -> None:
    assert {path.rpartition("/")[2] for path in BUILT if path.endswith(".js")} == set(_scripts())


def test_every_word_that_the_app_asks_for_is_there() -> None:
    words = set(load_words("en")[0]) | set(COMPILED["words"])
    asked = {
        name
        for each in _scripts()
        for name in re.findall(r'(?:word|wordText|say)\(\s*"([a-z-]+)"', script(each))
    }
    conditional = {
        name
        for each in _scripts()
        for pair in re.findall(r'word(?:Text)?\([^()"]*\? "([a-z-]+)" : "([a-z-]+)"', script(each))
        for name in pair
    }
    assert len(asked) > 30
    assert (asked | conditional) - words == set()


def test_no_word_of_the_app_is_left_over() -> None:
    everything = "".join(script(each) for each in _scripts())
    computed = ("fault-", "need-", "by-", "enrol-")
    left = [
        name
        for name in load_words("en")[0]
        if f'"{name}"' not in everything and not name.startswith(computed)
    ]
    assert left == []


@pytest.mark.parametrize("code", CODES)
def test_every_word_is_translated_from_the_present_english(code: str) -> None:
    catalog = polib.pofile(
        (files("doorward.desk.front") / "locale" / f"{code}.po").read_text(encoding="utf-8")
    )
    english = load_words("en")[0]
    assert {entry.msgctxt: entry.msgid for entry in catalog} == english
    for entry in catalog:
        assert entry.msgstr, entry.msgctxt
        assert re.findall(r"\{\w+\}", entry.msgstr).sort() == re.findall(r"\{\w+\}", entry.msgid).sort()
        assert set(re.findall(r"\{\w+\}", entry.msgstr)) == set(re.findall(r"\{\w+\}", entry.msgid)), (
            entry.msgctxt
        )


@pytest.mark.parametrize("code", CODES)
def test_nobody_has_reviewed_a_word_yet_and_each_is_marked(code: str) -> None:
    words, unreviewed = load_words(code)
    english, none = load_words("en")
    assert none == []
    assert unreviewed == sorted(name for name in english if words[name] != english[name])
    assert len(unreviewed) > 70


def test_a_language_without_a_catalog_has_english_words() -> None:
    assert load_words("tlh") == load_words("en")


def test_texts_stand_in_the_order_of_their_ids() -> None:
    data = json.loads(named("protocol.json"))
    for code in ["en", *CODES]:
        catalog = json.loads(named(f"texts.{code}.json"))
        assert dict(zip(data["textIds"], catalog["texts"], strict=True)) == COMPILED["texts"][code]
        marked = (
            data["textIds"]
            if catalog["unreviewed"] is True
            else [data["textIds"][i] for i in catalog["unreviewed"]]
        )
        assert marked == sorted(COMPILED["unreviewed"].get(code, []))


def test_places_have_their_steps_and_records_back() -> None:
    data = json.loads(named("protocol.json"))
    for place, wanted in zip(data["places"], COMPILED["places"], strict=True):
        assert {name: data["bodies"][at] for name, at in place["steps"].items()} == wanted["steps"]
        assert data["bodies"][place["record"]] == wanted["record"]


@pytest.mark.parametrize("pixels", [32, 192, 512])
def test_an_icon_is_a_png_of_its_size(pixels: int) -> None:
    png = make_png(pixels)
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    at, rows = 8, b""
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + data)
        if kind == b"IHDR":
            assert struct.unpack(">II", data[:8]) == (pixels, pixels)
        if kind == b"IDAT":
            rows = zlib.decompress(data)
        at += 12 + length
    assert len(rows) == pixels * (pixels + 1)
    assert set(rows) == {0, 1, 2}
    assert make_svg().startswith(b"<svg ")

"""An order with a fault does not load, and says in which file, at which line and column, and what to do."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.errors import Finding, PolicyCheckError
from doorward.orders.assemble import assemble_pack
from doorward.orders.load import find_pack, load_pack

Files = dict[str, bytes]
Faults = Callable[..., tuple[Finding, ...]]
CEDAR, ORDER = "database.cedar", "order.toml"

CASES = tomllib.loads(Path(__file__).with_name("faults.toml").read_text(encoding="utf-8"))["fault"]


@pytest.mark.parametrize("case", CASES, ids=[f"{n}-{case['says']}" for n, case in enumerate(CASES)])
def test_a_fault_is_named_with_its_place(
    faults: Faults, changed: Callable[..., Files], case: dict[str, str]
) -> None:
    change = (case["file"], case["old"], case["new"])
    every = faults(*change)
    found = [fault for fault in every if case["says"] in f"{fault.message} {fault.hint}"]
    assert found, [str(fault) for fault in every]
    if "at" in case:
        text = changed(*change)[case["file"]].decode()
        before = text[: text.index(case["at"])]
        span = found[0].span
        assert span is not None
        assert (span.file, span.line) == (case["file"], before.count("\n") + 1)
        assert span.column == len(before) - (before.rfind("\n") + 1) + 1


def test_every_fault_of_a_pack_is_listed_at_once(files: Files) -> None:
    text = (
        files[CEDAR]
        .decode()
        .replace("resource.sealed &&", "resource.seald &&")
        .replace('@to("law")', '@to("x")', 1)
    )
    order = files[ORDER].decode().replace('evidence = "press"', 'evidence = "rumour"')
    with pytest.raises(PolicyCheckError) as caught:
        assemble_pack(files | {CEDAR: text.encode(), ORDER: order.encode()})
    said = "\n".join(map(str, caught.value.findings))
    assert all(word in said for word in ("seald", "`x` is no word", "rumour"))


@pytest.mark.parametrize(
    "name", ["order.toml", "theorems.toml", "resolvers.toml", "scenarios.csv", "chicago.cedarschema"]
)
def test_a_missing_file_is_named(files: Files, name: str) -> None:
    with pytest.raises(PolicyCheckError, match="cedarschema" if name.endswith("schema") else name):
        assemble_pack({path: content for path, content in files.items() if path != name})


def test_a_pack_without_policies_does_not_load(files: Files) -> None:
    none = {name: b"// nothing\n" if name.endswith(".cedar") else text for name, text in files.items()}
    with pytest.raises(PolicyCheckError, match="no policy"):
        assemble_pack(none)


def test_a_file_that_is_no_text_is_named(files: Files) -> None:
    with pytest.raises(PolicyCheckError, match=r"`order.toml` is no UTF-8 text at byte 3"):
        assemble_pack(files | {ORDER: b"abc\xff"})


@pytest.mark.parametrize("examples", [20, pytest.param(200, marks=pytest.mark.long)])
def test_a_tampered_file_is_a_pack_or_a_list_of_faults(files: Files, examples: int) -> None:
    @settings(max_examples=examples)
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(files)))
        content = files[name]
        at = data.draw(st.integers(0, len(content)))
        added = data.draw(st.text(alphabet='"{}[]=.,:;ax1\n\\', max_size=4)).encode()
        tampered = content[:at] + added + content[at + data.draw(st.integers(0, 30)) :]
        findings: tuple[Finding, ...] = ()
        digest = ""
        try:
            digest = assemble_pack(files | {name: tampered}).digest
        except PolicyCheckError as error:
            findings = error.findings
        assert bool(digest) != bool(findings)

    holds()


def test_a_pack_of_the_sample_office_is_none_for_production() -> None:
    with pytest.raises(
        PolicyCheckError, match=r"sample and no order for production.*adopted C20b, T15h1"
    ) as caught:
        load_pack("chicago", production=True)
    assert caught.value.hint is not None
    assert load_pack(find_pack("chicago")).is_sample

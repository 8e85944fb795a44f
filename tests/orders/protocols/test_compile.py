"""The app's JSON: whole, walkable, the same bytes, and only what a tenant has adopted."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from doorward.errors import ConfigError, PolicyCheckError
from doorward.orders.load import Pack
from doorward.orders.protocols.compile import compile_protocols, format_compiled
from doorward.orders.protocols.model import Protocols
from doorward.orders.protocols.ways import find_ways

LANGUAGES = ("es", "pl", "zh-Hans", "zh-Hant", "ar")
TENANTS = ("city", "cps", "park-district", "cha")
Json = dict[str, Any]


@pytest.fixture(scope="module")
def city(chicago: Pack) -> Json:
    return compile_protocols(chicago, "city", LANGUAGES)


@pytest.fixture(scope="module", params=TENANTS)
def compiled(request: pytest.FixtureRequest, chicago: Pack) -> Json:
    return compile_protocols(chicago, request.param, LANGUAGES)


def texts_of(value: object, *, key: str = "") -> Iterator[str]:
    """Yield every text id that a document names, by the keys that hold one."""
    held = {"label", "help", "title", "name", "sentence", "wait", "notice", "do", "say", "never", "lines"}
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from texts_of(inner, key=name)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_of(inner, key=key)
    elif isinstance(value, str) and key in held:
        yield value


def ends_of(place: Json) -> Iterator[tuple[Json, dict[str, str]]]:
    """Yield each end that the document's own steps lead to, with what the answers fill."""
    stack: list[tuple[str, dict[str, str], int]] = [(place["first"]["next"], {}, 0)]
    while stack:
        name, fills, depth = stack.pop()
        assert depth < 40
        step = place["steps"][name]
        if step["kind"] == "end":
            yield step, fills
        elif step["kind"] == "do":
            stack.append((step["next"], fills, depth + 1))
        else:
            stack += [(option["next"], fills | option["fills"], depth + 1) for option in step["options"]]


def test_the_same_pack_tenant_and_languages_give_the_same_bytes(chicago: Pack, city: Json) -> None:
    again = compile_protocols(chicago, "city", LANGUAGES)
    assert format_compiled(again) == format_compiled(city)
    assert len(city["version"]) == len(city["training"]) == 64


def test_every_text_that_is_named_stands_in_every_language_and_no_other(compiled: Json) -> None:
    named = {*texts_of(compiled["places"]), *texts_of(compiled["contacts"]), *texts_of(compiled["cards"])}
    named |= {*compiled["words"].values()}
    codes = [language["code"] for language in compiled["languages"]]
    assert codes == ["en", *LANGUAGES]
    for code in codes:
        assert compiled["texts"][code].keys() == named
        assert all(compiled["texts"][code].values())
    assert set(compiled["public"]) <= named


def test_what_no_person_has_reviewed_is_named_and_english_is_the_source(compiled: Json) -> None:
    texts = compiled["texts"]
    assert compiled["unreviewed"]["en"] == []
    for language in compiled["languages"]:
        expected = [] if language["code"] == "en" else sorted(texts["en"])
        assert compiled["unreviewed"][language["code"]] == expected
        assert language["unreviewed"] == len(expected)
    assert {language["direction"] for language in compiled["languages"] if language["code"] == "ar"} == {
        "rtl"
    }


def test_reviewed_texts_are_no_longer_named(reviewed: Pack) -> None:
    document = compile_protocols(reviewed, "cha", ["pl"])
    assert document["unreviewed"] == {"en": [], "pl": []}


def test_every_way_of_the_document_ends_and_a_record_has_its_beginning(compiled: Json) -> None:
    for place in compiled["places"]:
        choices = {field["id"]: {c["id"] for c in field["choices"]} for field in place["record"]["fields"]}
        count = 0
        for end, fills in ends_of(place):
            count += 1
            assert end["record"] == ("begun" in fills)
            assert all(value in choices[name] for name, value in fills.items())
            assert end["posture"] in {"stand-aside", "decline", "tolerate", "hold", "perform-in-scope"}
        assert count > 5


def test_the_document_has_the_ways_of_the_pack(city: Json, protocols: Protocols) -> None:
    expected = {s.place.id: len(list(find_ways(s.protocol))) for s in protocols.showings("city")}
    assert {place["id"]: len(list(ends_of(place))) for place in city["places"]} == expected


def test_an_end_tells_what_the_order_answers_at_that_very_place(chicago: Pack) -> None:
    (school,) = compile_protocols(chicago, "cps")["places"]
    (library, *_) = compile_protocols(chicago, "city")["places"]
    assert school["steps"]["waiting"]["to"] == ["administrator"]
    assert library["steps"]["waiting"]["to"] == ["law"]
    assert library["steps"]["public-stay"] == library["steps"]["public-stay"] | {
        "posture": "tolerate",
        "to": [],
        "record": False,
    }


def test_every_first_screen_has_one_call_and_each_button_a_number(compiled: Json) -> None:
    contacts = compiled["contacts"]
    for place in compiled["places"]:
        calls = [place["first"]["call"], *(step["call"] for step in place["steps"].values() if step["call"])]
        assert place["first"]["call"]
        for call in calls:
            assert contacts[call[-1]]["phone"]
            assert all(contacts[name]["phone"] or contacts[name]["site"] for name in call)


def test_the_law_department_s_number_is_that_of_the_order(city: Json) -> None:
    assert city["contacts"]["attorney"] == {
        "label": "contacts.attorney",
        "detail": "Sample Law Department, order desk, +1 312 555 0100, order-desk@law.sample.invalid",
        "phone": "+13125550100",
        "site": False,
    }


def test_every_step_cites_and_every_citation_is_there(compiled: Json) -> None:
    for place in compiled["places"]:
        for thing in (*place["steps"].values(), *place["record"]["fields"], place["record"]):
            assert thing["cite"] or thing["guidance"]
            assert set(thing["cite"]) <= compiled["clauses"].keys()
            assert set(thing["guidance"]) <= compiled["guidance"].keys()


def test_a_tenant_sees_only_what_it_has_adopted(chicago: Pack) -> None:
    seen = {
        tenant: [
            (p["id"], p["protocol"], bool(p["adopted"])) for p in compile_protocols(chicago, tenant)["places"]
        ]
        for tenant in TENANTS
    }
    assert seen == {
        "city": [
            ("library", "library", True),
            ("senior-center", "senior-center", True),
            ("clinic", "clinic", True),
            ("lot", "lot", True),
        ],
        "cps": [("school", "school", True)],
        "park-district": [("park", "park", True)],
        "cha": [("office", "own-office", False)],
    }


def test_no_word_of_a_decision_is_on_a_screen(compiled: Json) -> None:
    told = " ".join(compiled["texts"]["en"].values()).lower()
    assert not {"deny", "denied", "permit", "permitted", "refused"} & set(told.replace(".", " ").split())
    assert "I can't consent past this point. I stand aside." in compiled["texts"]["en"].values() or (
        compiled["tenant"]["id"] == "cha"
    )


def test_a_corrected_translation_changes_the_version_and_not_the_training(
    edited: Callable[..., Pack], chicago: Pack
) -> None:
    path = "locale/es/LC_MESSAGES/protocols.po"
    other = edited(path, ('msgstr "Quieren entrar"', 'msgstr "Desean entrar"'))
    before, after = (compile_protocols(pack, "cps", ["es"]) for pack in (chicago, other))
    assert before["version"] != after["version"]
    assert before["training"] == after["training"]


def test_a_changed_step_changes_both(edited: Callable[..., Pack], chicago: Pack) -> None:
    other = edited(
        "protocols/own-office.yaml", ("title: Wait for your own office", "title: Wait for your office")
    )
    before, after = (compile_protocols(pack, "cha") for pack in (chicago, other))
    assert before["version"] != after["version"]
    assert before["training"] != after["training"]


def test_protocols_with_a_fault_are_not_compiled(edited: Callable[..., Pack]) -> None:
    wrong = edited(
        "protocols/visit.yaml", ("posture: [tolerate], to: [law]", "posture: [decline], to: [law]")
    )
    with pytest.raises(PolicyCheckError, match="are not compiled") as caught:
        compile_protocols(wrong, "city")
    assert len(caught.value.findings) > 0


def test_a_language_that_is_not_whole_is_not_compiled_and_the_others_are(edited: Callable[..., Pack]) -> None:
    gap = edited("locale/es/LC_MESSAGES/protocols.po", ('msgstr "Quieren entrar"', 'msgstr ""'))
    with pytest.raises(PolicyCheckError, match="is not translated"):
        compile_protocols(gap, "cps", ["es"])
    assert compile_protocols(gap, "cps", ["pl"])["texts"].keys() == {"en", "pl"}


@pytest.mark.parametrize(("tenant", "language"), [("nobody", "es"), ("city", "xx"), ("city", "../es")])
def test_what_the_pack_has_not_is_refused(chicago: Pack, tenant: str, language: str) -> None:
    with pytest.raises(ConfigError, match="the protocols have no"):
        compile_protocols(chicago, tenant, [language])


def test_the_record_of_a_school_has_the_fields_of_the_statute(chicago: Pack) -> None:
    """105 ILCS 5/22-105 as its form has them: LAW.md 5.1, written down here by hand."""
    (school,) = compile_protocols(chicago, "cps")["places"]
    fields = {field["id"]: field for field in school["record"]["fields"]}
    asked = {
        "staff", "building", "came", "where", "agent-names", "agency", "agency-contact", "badges", "paper",
        "paper-names", "danger-claimed", "attorney",
    }  # fmt: skip
    assert asked <= fields.keys()
    assert all("22-105" in fields[name]["cite"] for name in asked)
    assert fields["badges"]["handwritten"] is True
    assert fields["badges"]["identifies"] == "agent"


def test_only_places_whose_rule_asks_for_it_write_down_badges(chicago: Pack, city: Json) -> None:
    (school,) = compile_protocols(chicago, "cps")["places"]
    (park,) = compile_protocols(chicago, "park-district")["places"]
    with_badges = {
        place["id"]
        for place in (*city["places"], school, park)
        if any(field["id"] == "badges" for field in place["record"]["fields"])
    }
    assert with_badges == {"school", "clinic"}


def test_a_field_that_names_a_person_says_so(compiled: Json) -> None:
    for place in compiled["places"]:
        for field in place["record"]["fields"]:
            names = {"leader", "agent-names", "badges", "agency-contact", "staff"}
            assert (field["id"] in names) <= (field["identifies"] is not None)
            assert "picture" not in field["kind"]


def test_an_answer_that_leaves_something_open_puts_nothing_definite_into_the_record(compiled: Json) -> None:
    english = compiled["texts"]["en"]
    for place in compiled["places"]:
        for step in place["steps"].values():
            for option in step.get("options", ()):
                if "can't tell" in english[option["label"]]:
                    assert option["fills"].get("paper", "unclear") == "unclear"

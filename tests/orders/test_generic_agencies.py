"""The section [agencies] of reasons.toml: which entity stands for an agency that the file does not name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import PolicyCheckError
from doorward.orders.generic_agencies import GenericAgencies, Traits, read_generic_agencies
from tests_support.agency_sections import chicago_with

CHICAGO = read_generic_agencies(chicago_with())


@pytest.mark.parametrize(
    ("traits", "entity"),
    [
        (Traits("federal"), "FEDERAL"),
        (Traits("federal", "IL", "FEDERAL", own=False, declared=False), "FEDERAL"),
        (Traits("local", "IL", "PD", own=True), "CPD"),
        (Traits("local", "IL", "PD", own=False), "IL-PD"),
        (Traits("local", "IL", "SO", own=False), "IL-SO"),
        (Traits("local", "IL", "DA", own=False), "STATES-ATTORNEY"),
        (Traits("state", "IL", "SP", own=False), "IL-STATE"),
        (Traits("local", "CA", "PD", own=False, declared=False), "OUT-OF-STATE"),
        (Traits("state-or-local", "CA", "CAMPUS", own=False, declared=False), "OUT-OF-STATE"),
        (Traits("state-or-local", "IL", "CAMPUS", own=False, declared=False), "IL-PD"),
        (Traits("state", "CA", "SP", own=False, declared=True), "OUT-OF-STATE-DECLARED"),
    ],
)
def test_the_first_true_rule_gives_the_entity(traits: Traits, entity: str) -> None:
    assert CHICAGO.find(traits) == (entity, (entity,))


def test_state_or_local_makes_neither_of_two_rules_true() -> None:
    section = "[agencies]\ngeneric = [{ level = 'state', id = 'ISP' }, { level = 'local', id = 'IL-PD' }]"
    either = read_generic_agencies(chicago_with(section)).find(Traits("state-or-local"))
    assert either == (None, ())  # that it must be one of them no single rule can say


def test_what_is_not_known_leaves_what_it_can_be() -> None:
    declared = ("OUT-OF-STATE-DECLARED", "OUT-OF-STATE")
    assert CHICAGO.find(Traits("local", "CA", "PD", own=False)) == (None, declared)
    entity, may_be = CHICAGO.find(Traits("local", "", "PD", own=False, declared=False))
    assert (entity, may_be) == (None, ())  # Illinois without a kind that is named: anything
    assert CHICAGO.find(Traits()) == (None, ())
    assert CHICAGO.find(Traits("", "IL", "FUSION", own=False)) == (None, ())


@given(
    st.builds(
        Traits, st.sampled_from(["", "federal", "local", "state"]), st.sampled_from(["", "IL", "CA"]),
        st.sampled_from(["", "PD", "SO", "DA", "SP"]), st.sampled_from([None, True, False]),
        st.sampled_from([None, True, False]),
    )
)  # fmt: skip
def test_an_entity_holds_for_every_value_of_what_is_open(traits: Traits) -> None:
    entity, may_be = CHICAGO.find(traits)
    assert entity is None or may_be == (entity,)
    for own in [traits.own] if traits.own is not None else [True, False]:
        for declared in [traits.declared] if traits.declared is not None else [True, False]:
            for state in [traits.state] if traits.state else ["IL", "CA"]:
                full = Traits(traits.level, state, traits.kind, own, declared)
                sure, _ = CHICAGO.find(full)
                if entity is not None:
                    assert sure == entity
                elif may_be and sure is not None:
                    assert sure in may_be


def test_an_order_without_the_section_knows_only_what_its_file_names() -> None:
    assert read_generic_agencies(chicago_with("")) == GenericAgencies()
    assert read_generic_agencies(chicago_with("[log.x]\naction = 'query'\n")) == GenericAgencies()
    assert GenericAgencies().find(Traits("federal")) == (None, ())


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ("[agencies]\ngeneric = [{ level = 'federal' }]", "needs an `id`"),
        ("[agencies]\ngeneric = [{ level = 'federal', id = 'NASA' }]", "needs an `id`"),
        ("[agencies]\ngeneric = ['FEDERAL']", "must be a table"),
        ("[agencies]\ngeneric = [{ lvl = 'federal', id = 'FEDERAL' }]", "unknown key `lvl`"),
        ("[agencies]\ngeneric = [{ level = 3, id = 'FEDERAL' }]", "a text or a list of texts"),
        ("[agencies]\ngeneric = [{ own = 'yes', id = 'CPD' }]", "true or false"),
        ("[agencies]\ngeneral = []", "unknown key `general`"),
        ("[agencies]\nwithin = { USBP = 'NASA' }", "`NASA`"),
        ("[agencies]\nalso = { USBP = 'border' }", "a list of names"),
        ("[agencies]\ngeneric = 3", "must be a list"),
    ],
)
def test_a_fault_is_named_with_its_place(section: str, says: str) -> None:
    with pytest.raises(PolicyCheckError) as caught:
        read_generic_agencies(chicago_with(section))
    assert says in str(caught.value.findings[0].message)
    assert str(caught.value.findings[0].span).startswith("reasons.toml:")

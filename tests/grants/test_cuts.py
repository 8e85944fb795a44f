"""Cuts: whom they end, who may make them, and what a kept file must be."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import ConfigError, MalformedError, VerificationError
from doorward.grants.cut_files import change_cuts, load_cuts, load_officers
from doorward.grants.cuts import (
    Cut,
    Subject,
    What,
    check_cut,
    decode_cuts,
    encode_cuts,
    find_cut,
    format_cut,
    parse_cut,
    verify_cut,
)
from doorward.notes.note import Signer, cosign_note, format_verifier, sign_note

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
ANNA, BEN, CARL = (
    Signer.make(f"{name}.sample.invalid", bytes([i]) * 32) for i, name in enumerate(("anna", "ben", "carl"))
)
OFFICERS = [ANNA.verifier, BEN.verifier]
SESSION = Subject("ab12" * 8, "dana", "CPD", "ICE-ERO", "criminal-investigation")


def make(what: What, target: str, *, until: datetime | None = LATER, also: tuple[str, ...] = ()) -> Cut:
    return Cut(what, target, NOW, until, "a reason", ("officer",), also)


def wide(cut: Cut, *signers: Signer) -> bytes:
    first, *others = signers
    raw = sign_note(format_cut(cut), first)
    for signer in others:
        raw = cosign_note(raw, signer)
    return raw


@pytest.mark.parametrize(
    ("cut", "ends"),
    [
        (make(What.GRANT, "ab12ab12"), True),
        (make(What.GRANT, "ab12ab13"), False),
        (make(What.PERSON, "dana"), True),
        (make(What.PERSON, "dan"), False),
        (make(What.AGENCY, "CPD"), True),
        (make(What.AGENCY, "ICE-ERO"), True),
        (make(What.AGENCY, "FBI"), False),
        (make(What.PURPOSE, "criminal-investigation"), True),
        (make(What.PURPOSE, "audit"), False),
        (make(What.ALL, "everybody"), True),
        (make(What.LIFT, "ab12ab12ab12"), False),
    ],
)
def test_each_kind_ends_what_it_names(cut: Cut, ends: bool) -> None:  # noqa: FBT001  # a table's column
    assert cut.ends(SESSION) is ends


@pytest.mark.parametrize("what", [What.AGENCY, What.PURPOSE, What.ALL])
def test_court_process_and_the_floor_are_left_unless_named_one_by_one(what: What) -> None:
    target = {What.AGENCY: "CPD", What.PURPOSE: "criminal-investigation", What.ALL: "everybody"}[what]
    protected = Subject("cd34" * 8, "dana", "CPD", "CPD", "criminal-investigation", is_protected=True)
    assert not make(what, target).ends(protected)
    assert make(what, target, also=("cd34cd34",)).ends(protected)
    assert make(What.GRANT, "cd34cd34").ends(protected)


def test_a_cut_begins_and_ends_and_a_lifted_one_is_over() -> None:
    cut = make(What.ALL, "everybody")
    assert find_cut([cut], SESSION, now=NOW) is cut
    assert find_cut([cut], SESSION, now=NOW - timedelta(seconds=1)) is None
    assert find_cut([cut], SESSION, now=LATER) is None
    assert find_cut([cut, make(What.LIFT, cut.id, until=None)], SESSION, now=NOW) is None


@given(
    st.sampled_from(list(What)), st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._@:-]{7,40}", fullmatch=True),
    st.text(st.characters(categories=("L", "N", "P", "Zs")), min_size=1, max_size=60).filter(
        lambda text: bool(text.strip()) and text.isprintable()
    ),
    st.lists(st.from_regex(r"[0-9a-f]{8,32}", fullmatch=True), max_size=3),
)  # fmt: skip
def test_what_is_written_is_read_as_it_was(what: What, target: str, reason: str, also: list[str]) -> None:
    cut = Cut(what, target, NOW, LATER, reason, ("officer",), tuple(also))
    assert parse_cut(format_cut(check_cut(cut)), by=("officer",)) == cut


@given(st.binary(max_size=300))
def test_anything_else_is_told_as_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_cut(raw, by=())


@pytest.mark.parametrize(
    "cut",
    [
        make(What.PERSON, "two words"), make(What.PERSON, ""), make(What.GRANT, "ab12"),
        make(What.ALL, "x", until=None),
        make(What.PERSON, "dana", until=NOW), Cut(What.PERSON, "dana", NOW, None, "", ()),
        Cut(What.PERSON, "dana", NOW, None, "two\nlines", ()), Cut(What.PERSON, "dana", NOW, None, "x" * 201, ()),
        make(What.ALL, "everybody", also=("a b",)),
    ],
)  # fmt: skip
def test_what_is_no_cut_is_refused(cut: Cut) -> None:
    with pytest.raises(MalformedError):
        check_cut(cut)


class TestTwoOfficers:
    CUT = make(What.AGENCY, "ICE-ERO")

    def test_two_known_keys_make_it(self) -> None:
        verified = verify_cut(wide(self.CUT, ANNA, BEN), OFFICERS)
        assert (verified.target, verified.by) == ("ICE-ERO", (ANNA.name, BEN.name))

    @pytest.mark.parametrize("signers", [(ANNA,), (ANNA, CARL), (CARL,), (ANNA, ANNA)])
    def test_one_or_a_stranger_does_not(self, signers: tuple[Signer, ...]) -> None:
        with pytest.raises((VerificationError, MalformedError)):
            verify_cut(wide(self.CUT, *signers), OFFICERS)

    def test_one_key_under_two_names_is_one_officer(self) -> None:
        twin = Signer.make("twin.sample.invalid", ANNA.seed)
        with pytest.raises(VerificationError, match="2 officers"):
            verify_cut(wide(self.CUT, ANNA, twin), [ANNA.verifier, twin.verifier])

    def test_what_is_changed_under_the_signatures_is_refused(self) -> None:
        raw = wide(self.CUT, ANNA, BEN).replace(b"ICE-ERO", b"FBI")
        with pytest.raises(VerificationError):
            verify_cut(raw, OFFICERS)

    def test_a_wide_cut_that_is_kept_unsigned_is_none(self) -> None:
        row = {"text": format_cut(self.CUT).decode(), "by": ["root"]}
        with pytest.raises(MalformedError, match="nobody signed it"):
            decode_cuts([row], OFFICERS)

    def test_kept_cuts_are_read_as_they_were_and_with_their_signatures(self) -> None:
        cuts = [make(What.PERSON, "dana"), verify_cut(wide(self.CUT, ANNA, BEN), OFFICERS)]
        rows = json.loads(json.dumps(encode_cuts(cuts)))
        assert decode_cuts(rows, OFFICERS) == cuts
        with pytest.raises(VerificationError):
            decode_cuts(rows, [ANNA.verifier])


class TestFiles:
    def test_no_file_is_no_cut_and_no_officer(self, tmp_path: Path) -> None:
        assert load_cuts(tmp_path / "cuts.json", []) == []
        assert load_officers(tmp_path / "officers.keys") == []

    def test_a_change_is_kept(self, tmp_path: Path) -> None:
        file = tmp_path / "cuts.json"
        change_cuts(file, [], lambda cuts: [*cuts, make(What.PERSON, "dana")])
        change_cuts(file, [], lambda cuts: [*cuts, make(What.PERSON, "erin")])
        assert [cut.target for cut in load_cuts(file, [])] == ["dana", "erin"]
        assert file.stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize("text", ["", "{}", "[1]", '[{"text": "x", "by": []}]', "[" * 10_000, "nul"])
    def test_what_is_no_list_of_cuts_closes_rather_than_opens(self, tmp_path: Path, text: str) -> None:
        file = tmp_path / "cuts.json"
        file.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError):
            load_cuts(file, [])

    def test_officers_are_keys_one_a_line(self, tmp_path: Path) -> None:
        file = tmp_path / "officers.keys"
        file.write_text(f"# the security office\n{format_verifier(ANNA.verifier)}\n\n", encoding="utf-8")
        assert load_officers(file) == [ANNA.verifier]
        file.write_text("nonsense\n", encoding="utf-8")
        with pytest.raises(ConfigError, match="public keys"):
            load_officers(file)

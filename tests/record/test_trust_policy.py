import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.errors import MalformedError, VerificationError
from doorward.notes.note import Signer, append_signature, format_verifier
from doorward.record.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint
from doorward.record.cosignature import Algorithm, Cosigner, format_key
from doorward.record.hashes import EMPTY_ROOT
from doorward.record.trust_policy import MAX_OF_EACH, format_policy, parse_policy, verify_by_policy

LOG = Signer.make("city.example/log", bytes(range(32)))
LOG_LINE = f"log {format_verifier(LOG.verifier)}\n"
WITNESSES = {
    name: Cosigner.make(f"{name}.example/w", bytes([number] * 32))
    for number, name in enumerate(("X1", "X2", "X3", "Y1", "Y2", "Y3"), 1)
}
LINES = "".join(f"witness {name} {format_key(one.key)}\n" for name, one in WITNESSES.items())
# The example of the specification, with keys.
EXAMPLE = (
    LOG_LINE + LINES + "group X-witnesses 2 X1 X2 X3\ngroup Y-witnesses any Y1 Y2 Y3\n"
    "group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n"
).encode()


def checkpoint_of(*names: str, size: int = 7, root: bytes = bytes(32)) -> bytes:
    raw = format_checkpoint(Checkpoint(LOG.name, size, root), LOG)
    text = parse_checkpoint(raw).note.text
    for number, name in enumerate(names):
        raw = append_signature(text, raw, WITNESSES[name].cosign(parse_checkpoint(raw), 1_000 + number))
    return raw


@pytest.mark.parametrize(
    ("names", "met"),
    [
        (("X1", "X3", "Y2"), True),
        (("X1", "X2", "X3", "Y1", "Y2", "Y3"), True),
        (("X1", "Y1", "Y2", "Y3"), False),
        (("X1", "X2", "X3"), False),
        ((), False),
    ],
)
def test_the_specifications_example_counts_its_groups(names: tuple[str, ...], *, met: bool) -> None:
    policy, checkpoint = parse_policy(EXAMPLE), parse_checkpoint(checkpoint_of(*names))
    assert policy.is_met(names) is met
    if met:
        found = verify_by_policy(checkpoint, policy)
        assert (found.tree_size, set(found.witnesses), found.witnesses["X1"]) == (7, set(names), 1_000)
    else:
        with pytest.raises(VerificationError, match="the quorum `X-and-Y` is not met: cosigned by"):
            verify_by_policy(checkpoint, policy)


def test_the_log_must_be_one_of_the_policys() -> None:
    other = parse_policy(
        b"log " + format_verifier(Signer.make("b.example", bytes(32)).verifier).encode() + b"\nquorum none\n"
    )
    with pytest.raises(VerificationError, match="one of the policy's logs"):
        verify_by_policy(parse_checkpoint(checkpoint_of()), other)
    forged = format_checkpoint(Checkpoint(LOG.name, 7, bytes(32)), Signer.make(LOG.name, bytes(32)))
    ours = parse_policy(f"{LOG_LINE}quorum none\n".encode())
    with pytest.raises(VerificationError, match="without its signature"):
        verify_by_policy(parse_checkpoint(forged), ours)
    assert verify_by_policy(parse_checkpoint(checkpoint_of()), ours).witnesses == {}
    with pytest.raises(VerificationError, match="empty root"):
        verify_by_policy(parse_checkpoint(checkpoint_of(size=0)), ours)
    assert verify_by_policy(parse_checkpoint(checkpoint_of(size=0, root=EMPTY_ROOT)), ours).tree_size == 0


def test_a_log_may_sign_with_ml_dsa_and_have_extension_lines() -> None:
    log = Cosigner.make("pq.example/log", b"\7" * 32, Algorithm.COSIGNATURE_ML_DSA_44)
    text = b"pq.example/log\n1\n" + b"A" * 43 + b"=\nan extension\n"
    unsigned = append_signature(text, b"", WITNESSES["X1"].cosign(parse_checkpoint(checkpoint_of()), 1))
    raw = append_signature(text, unsigned, log.cosign(parse_checkpoint(unsigned, with_extensions=True), 5))
    policy = parse_policy(f"log {format_key(log.key)}\nquorum none\n".encode())
    assert verify_by_policy(parse_checkpoint(raw, with_extensions=True), policy).log == log.key


def test_space_comments_and_bytes_that_are_no_utf_8_are_read() -> None:
    raw = (
        b"# \xe2\x84\xaa and \xff\n\n \t \n\twitness \xffK  " + format_key(WITNESSES["X1"].key).encode()
        + b"\thttps://w.example/ \n  # comment\nwitness K " + format_key(WITNESSES["X2"].key).encode()
        + b"\nquorum \xffK\n"
    )  # fmt: skip
    policy = parse_policy(raw)
    assert policy.is_met(["\udcffK"])
    assert not policy.is_met(["K"])
    assert policy.witnesses["\udcffK"].url == "https://w.example/"
    assert parse_policy(format_policy(policy)) == policy
    assert b"\xffK" in format_policy(policy)


X1 = f"witness X1 {format_key(WITNESSES['X1'].key)}\n"
X2 = f"witness X2 {format_key(WITNESSES['X2'].key)}\n"
AGAIN = f"witness again {format_key(Cosigner.make('another.name', bytes([1] * 32)).key)}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names its quorum"),
        (LINES, "names its quorum"),
        ("quorum none", "ends in a newline"),
        ("quorum none\nquorum none\n", "line 2 of the policy: a policy has one quorum"),
        ("quorum X1\n" + LINES, "not defined above"),
        (f"{LOG_LINE}{LOG_LINE}quorum none\n", "stands in the policy already"),
        (f"{X1}{AGAIN}quorum none\n", "stands in the policy already"),
        (f"{X1}{X1.replace('example', 'exemple')}quorum none\n", "line 2"),
        (f"witness none {format_key(WITNESSES['X1'].key)}\nquorum none\n", "is taken"),
        (LOG_LINE.replace("log ", "witness w ", 1) + "quorum none\n", "type 4 or 6"),
        (f"{X1}group g any X1\ngroup g any X1\nquorum g\n", "is taken"),
        (f"{X1}group g any X1\ngroup h any X1\nquorum g\n", "a member already"),
        (f"{X1}group g any X1 X1\nquorum g\n", "a member already"),
        (f"{X1}group g any none\nquorum g\n", "not defined"),
        (f"{X1}group g any\nquorum g\n", "expected `log`"),
        (f"{X1}group g 0 X1\nquorum g\n", "`any`, `all` or 1 to 1"),
        (f"{X1}group g 2 X1\nquorum g\n", "`any`, `all` or 1 to 1"),
        (f"{X1}{X2}group g 01 X1 X2\nquorum g\n", "`any`, `all` or 1 to 2"),
        (f"{X1}{X2}group g ² X1 X2\nquorum g\n", "`any`, `all` or 1 to 2"),
        (f"{X1}group g any g\nquorum g\n", "not defined"),
        ("log nonsense\nquorum none\n", "verifier key"),
        ("quorum none # a comment\n", "expected `log`"),
        ("quorum\x0bnone\n", "control characters"),
        ("quorum none\r\n", "control characters"),
    ],
)  # fmt: skip
def test_each_fault_of_a_policy_is_named(text: str, message: str) -> None:
    with pytest.raises(MalformedError, match=message):
        parse_policy(text.encode())


def test_more_than_the_bound_is_refused_and_thirty_two_are_not() -> None:
    def text(count: int) -> bytes:
        keys = (Cosigner.make("w.example", number.to_bytes(32, "big")).key for number in range(1, count + 1))
        witnesses = "".join(f"witness w{at} {format_key(key)}\n" for at, key in enumerate(keys))
        groups = "".join(f"group g{at} any w{at}\n" for at in range(count))
        return (witnesses + groups + f"quorum g{count - 1}\n").encode()

    assert len(parse_policy(text(32)).groups) == 32
    with pytest.raises(MalformedError, match="at most 64 witnesses"):
        parse_policy(text(MAX_OF_EACH + 1))


@given(st.binary(max_size=200))
@settings(max_examples=50)
def test_any_bytes_are_a_policy_or_malformed(raw: bytes) -> None:
    for tried in (raw, EXAMPLE + raw):
        try:
            policy = parse_policy(tried)
        except MalformedError:
            continue
        assert parse_policy(format_policy(policy)) == policy

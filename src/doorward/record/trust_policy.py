"""Whom a reader of checkpoints believes: logs, witnesses, groups of them, and one quorum; pure.

1. A checkpoint holds where one of the policy's logs signed it under its own origin.
2. A witness has witnessed it where its cosignature stands there and holds; a group, where at least k of its members
   have.
3. The quorum is one witness or group, or `none`.

Names are bytes to the format; here they are text in which bytes that are no UTF-8 survive.

Source: C2SP tlog-policy.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from doorward.errors import MalformedError, VerificationError
from doorward.record.checkpoint import UnverifiedCheckpoint
from doorward.record.cosignature import COSIGNING, CheckpointKey, find_cosignatures, format_key, parse_key
from doorward.record.hashes import EMPTY_ROOT

NONE: Final = "none"
MAX_POLICY_BYTES: Final = 256 * 1024  # 64 keys of ML-DSA-44, with addresses and comments
MAX_OF_EACH: Final = 64  # logs, witnesses, groups; the specification asks for 32

_ALLOWED: Final = re.compile(rb"[\t\n\x20-\x7e\x80-\xff]*")


@dataclass(frozen=True, slots=True)
class TrustedLog:
    """A log whose checkpoints are believed."""

    key: CheckpointKey
    url: str = ""


@dataclass(frozen=True, slots=True)
class TrustedWitness:
    """A witness under the name that the policy gives it."""

    name: str
    key: CheckpointKey
    url: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Members of whom at least `threshold` must have witnessed."""

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """What `parse_policy` made; every name in it is defined.

    Args:
        witnesses: By name.
        groups: By name, each after its members.
        quorum: A witness's or group's name, or `none`.
    """

    logs: tuple[TrustedLog, ...]
    witnesses: Mapping[str, TrustedWitness]
    groups: Mapping[str, Group]
    quorum: str

    def is_met(self, witnessed: Collection[str]) -> bool:
        """Return True where the named witnesses are enough."""
        return self.quorum == NONE or self._is_witnessed(self.quorum, witnessed)

    def _is_witnessed(self, name: str, witnessed: Collection[str]) -> bool:
        group = self.groups.get(name)
        if group is None:
            return name in witnessed
        return sum(self._is_witnessed(member, witnessed) for member in group.members) >= group.threshold

    def find_witnesses(self, checkpoint: UnverifiedCheckpoint) -> dict[str, int]:
        """Return the names of the witnesses that cosigned a checkpoint, and when.

        Raises:
            VerificationError: A known witness's cosignature does not hold.
        """
        names = {witness.key: witness.name for witness in self.witnesses.values()}
        return {names[key]: time for key, time in find_cosignatures(checkpoint, names).items()}


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A checkpoint that holds by a policy: whose it is, and who saw it when, in seconds since 1970."""

    log: CheckpointKey
    tree_size: int
    root: bytes
    witnesses: Mapping[str, int]


def verify_by_policy(checkpoint: UnverifiedCheckpoint, policy: TrustPolicy) -> Witnessed:
    """Return what a checkpoint states, where a policy believes it.

    Raises:
        VerificationError: No log of the policy signed it, a signature does not hold, the empty tree has another root,
            or the quorum is not met.
    """
    keys = [log.key for log in policy.logs if log.key.name == checkpoint.origin]
    signed = find_cosignatures(checkpoint, keys)
    if not signed:
        raise VerificationError(
            f"expected a checkpoint of one of the policy's logs, got one of `{checkpoint.origin}`"
            + (" without its signature" if keys else "")
        )
    if checkpoint.tree_size == 0 and checkpoint.root != EMPTY_ROOT:
        raise VerificationError("expected the empty root at size 0, got another")
    witnesses = policy.find_witnesses(checkpoint)
    if not policy.is_met(witnesses):
        raise VerificationError(
            f"the quorum `{policy.quorum}` is not met: cosigned by {', '.join(sorted(witnesses)) or 'nobody'}"
        )
    return Witnessed(next(iter(signed)), checkpoint.tree_size, checkpoint.root, witnesses)


def parse_policy(raw: bytes) -> TrustPolicy:
    """Return the policy that a file describes.

    Raises:
        MalformedError: It is none; names the line.
    """
    if len(raw) > MAX_POLICY_BYTES:
        raise MalformedError(f"a policy has at most {MAX_POLICY_BYTES} bytes, got {len(raw)}")
    if not _ALLOWED.fullmatch(raw):
        raise MalformedError("a policy has no control characters but tabs and newlines")
    if raw and not raw.endswith(b"\n"):
        raise MalformedError("each line of a policy ends in a newline")
    reader = _Reader()
    for number, line in enumerate(raw.decode("utf-8", "surrogateescape").split("\n"), 1):
        words = [word for word in re.split(r"[ \t]+", line) if word]
        if words and not words[0].startswith("#"):
            try:
                reader.read(words)
            except MalformedError as error:
                raise MalformedError(f"line {number} of the policy: {error}") from error
    return reader.policy()


class _Reader:
    def __init__(self) -> None:
        self._logs: list[TrustedLog] = []
        self._witnesses: dict[str, TrustedWitness] = {}
        self._groups: dict[str, Group] = {}
        self._members: set[str] = set()
        self._quorum: str | None = None

    def read(self, words: list[str]) -> None:
        kind, *rest = words
        if kind == "log" and 1 <= len(rest) <= 2:
            self._read_log(*rest)
        elif kind == "witness" and 2 <= len(rest) <= 3:
            self._read_witness(*rest)
        elif kind == "group" and len(rest) >= 3:
            self._read_group(rest[0], rest[1], rest[2:])
        elif kind == "quorum" and len(rest) == 1:
            if self._quorum is not None:
                raise MalformedError("a policy has one quorum")
            if rest[0] != NONE:
                self._check_defined(rest[0])
            self._quorum = rest[0]
        else:
            raise MalformedError("expected `log`, `witness`, `group` or `quorum` with what belongs to it")

    def policy(self) -> TrustPolicy:
        if self._quorum is None:
            raise MalformedError("a policy names its quorum, or `quorum none`")
        return TrustPolicy(tuple(self._logs), self._witnesses, self._groups, self._quorum)

    def _read_log(self, vkey: str, url: str = "") -> None:
        key = parse_key(vkey)
        if any(_is_same(key, log.key) for log in self._logs):
            raise MalformedError("this log's key stands in the policy already")
        _check_room(self._logs, "logs")
        self._logs.append(TrustedLog(key, url))

    def _read_witness(self, name: str, vkey: str, url: str = "") -> None:
        self._check_new(name)
        key = parse_key(vkey)
        if key.algorithm not in COSIGNING:
            raise MalformedError("a witness has a key of type 4 or 6")
        if any(_is_same(key, witness.key) for witness in self._witnesses.values()):
            raise MalformedError("this witness's key stands in the policy already")
        _check_room(self._witnesses, "witnesses")
        self._witnesses[name] = TrustedWitness(name, key, url)

    def _read_group(self, name: str, threshold: str, members: list[str]) -> None:
        self._check_new(name)
        for member in members:
            self._check_defined(member)
            if member in self._members:
                raise MalformedError(f"`{_shown(member)}` is a member already")
            self._members.add(member)
        count = {"any": 1, "all": len(members)}.get(threshold)
        if count is None:
            is_number = re.fullmatch("[1-9][0-9]{0,3}", threshold)
            if not is_number or int(threshold) > len(members):
                raise MalformedError(f"a group asks for `any`, `all` or 1 to {len(members)} of its members")
            count = int(threshold)
        _check_room(self._groups, "groups")
        self._groups[name] = Group(count, tuple(members))

    def _check_new(self, name: str) -> None:
        if name == NONE or name in self._witnesses or name in self._groups:
            raise MalformedError(f"the name `{_shown(name)}` is taken")

    def _check_defined(self, name: str) -> None:
        if name not in self._witnesses and name not in self._groups:
            raise MalformedError(f"`{_shown(name)}` is not defined above")


def format_policy(policy: TrustPolicy) -> bytes:
    """Return a policy as a file: logs, witnesses, groups, quorum."""
    words: list[tuple[str, ...]] = [("log", format_key(log.key), log.url) for log in policy.logs]
    words += [("witness", one.name, format_key(one.key), one.url) for one in policy.witnesses.values()]
    lines = [" ".join(filter(None, line)) for line in words]
    lines += [
        f"group {name} {group.threshold} {' '.join(group.members)}" for name, group in policy.groups.items()
    ]
    lines.append(f"quorum {policy.quorum}")
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")


def _is_same(one: CheckpointKey, other: CheckpointKey) -> bool:
    return one.public_key == other.public_key  # whatever their names and ids


def _check_room(present: Collection[object], what: str) -> None:
    if len(present) >= MAX_OF_EACH:
        raise MalformedError(f"a policy has at most {MAX_OF_EACH} {what}")


def _shown(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")

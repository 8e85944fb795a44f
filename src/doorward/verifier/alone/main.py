"""Check a public log, a proof or an exhibit. One file; needs Python 3.8 or later and nothing else.

    python3 verify_log.py PLACE [--key VKEY] [--since CHECKPOINT] [--witness VKEY] [--leaf HEX] [--json]

PLACE is a folder with a copy of the log, an uncompressed tar of it, its https or http address, a `.tlog-proof` file
(with --leaf: the entry that it is about, in hex) or an exhibit. Exit code: 0 everything that was checked holds, 1
something is false, 2 used wrongly, 3 could not tell. Without --key the key beside the log is taken, which shows only
that the log agrees with itself: get the key by another way, and keep each checkpoint that you checked for --since.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from typing import Dict, List, Optional, Sequence, Tuple

from doorward.verifier.alone.log import Address, Folder, Source, Tar, Tree
from doorward.verifier.alone.notes import (
    MAX_NOTE,
    ML_DSA,
    FalseError,
    Hash,
    Key,
    UnknownError,
    UsageError,
    is_included,
    read_checkpoint,
    read_key,
    sha,
    unbase64,
)

MAX_EXHIBIT = 96 * 1024 * 1024
MAX_FINDINGS = 100
PROOF_HEADER = "c2sp.org/tlog-proof@v1"
EXHIBIT_HEADER = b"doorward-exhibit@v1\nsum "


class Report:
    """What was found."""

    def __init__(self) -> None:
        self.findings: List[Dict[str, str]] = []
        self.left_out = 0
        self.notes: List[str] = []
        self.unknown: List[str] = []

    def find(self, kind: str, place: str, what: str) -> None:
        """Add what is false."""
        if self.is_full:
            self.left_out += 1
        else:
            self.findings.append({"kind": kind, "place": place, "what": what})

    @property
    def is_full(self) -> bool:
        """True where further findings are only counted."""
        return len(self.findings) >= MAX_FINDINGS

    @property
    def code(self) -> int:
        """The exit code."""
        return 1 if self.findings else 3 if self.unknown else 0


def check_log(
    source: Source, key: Key, witnesses: Sequence[Key], since: Optional[bytes], report: Report
) -> None:
    """Check a log's files against its checkpoint, and that against one that was kept."""
    kept = None
    if since is not None:
        try:
            kept = read_checkpoint(since, key, ())
        except FalseError as error:
            raise UsageError(f"what --since names is no checkpoint that this key signed: {error}") from error
    try:
        raw = source.read("checkpoint", MAX_NOTE)
        if raw is None:
            report.find("checkpoint-missing", "checkpoint", "the file is missing")
            return
        size, root, said, unknown = read_checkpoint(raw, key, witnesses)
    except FalseError as error:
        kind = "checkpoint-malformed" if error.kind == "file-malformed" else error.kind
        report.find(kind, "checkpoint", str(error))
        return
    report.notes += [f"{size} leaves under {root.hex()}", *said]
    report.unknown += unknown
    tree = Tree(source, size, root, report.find, is_full=lambda: report.is_full)
    tree.check()
    if report.is_full:
        report.notes.append(f"it stopped at {MAX_FINDINGS} findings; the rest was not checked")
        return
    named = {name for one in report.findings for name in one["place"].split(",")[0].split(" and ")}
    beyond = tree.check_others(named)
    if beyond:
        report.notes.append(f"{beyond} files hold leaves beyond the checkpoint; they were not signed")
    if kept is not None:
        compare(kept[:2], (size, root), tree, report)


def compare(kept: Tuple[int, Hash], now: Tuple[int, Hash], tree: Tree, report: Report) -> None:
    """Say whether the log goes on from the checkpoint that was kept."""
    if kept[0] > now[0]:
        report.find(
            "rollback", "checkpoint", f"it had {kept[0]} leaves when it was kept and shows {now[0]} now"
        )
    elif kept[0] == now[0] and kept[1] != now[1]:
        report.find("fork", "checkpoint", "the key signed two histories of one size; keep both files")
    elif report.findings:
        report.notes.append(
            "not checked: whether the log goes on from the kept one, as its own files are false"
        )
    elif kept[0] and tree.root_at(kept[0]) != kept[1]:
        report.find(
            "fork", "checkpoint", f"the {kept[0]} leaves that were signed before are others; keep both files"
        )
    else:
        report.notes.append(f"the log is the one that was kept, with {now[0] - kept[0]} leaves more")


def check_proof(raw: bytes, leaf: bytes, key: Key, witnesses: Sequence[Key], report: Report) -> None:
    """Check that an entry is in the log, from a tlog-proof alone."""
    head, mark, note = raw.partition(b"\n\n")
    lines = head.decode("ascii", "replace").split("\n")
    if len(lines) > 1 and lines[1].startswith("extra "):
        unbase64(lines.pop(1)[6:], "proof-malformed")
    number = re.fullmatch(r"index (0|[1-9][0-9]{0,18})", lines[1] if len(lines) > 1 else "")
    if not mark or lines[0] != PROOF_HEADER or not number or len(lines) > 65:
        raise FalseError("proof-malformed", f"expected a file of `{PROOF_HEADER}`")
    hashes = [unbase64(line, "proof-malformed", 32) for line in lines[2:]]
    size, root, said, unknown = read_checkpoint(note, key, witnesses)
    if not is_included(sha(b"\x00" + leaf), int(number.group(1)), size, hashes, root):
        raise FalseError("proof-false", "the entry is not in the log at that place")
    report.notes += [f"the entry is leaf {number.group(1)} of {size}, of the log {key[0]!a}", *said]
    report.unknown += unknown


def open_exhibit(raw: bytes) -> Tuple[bytes, bytes, List[str]]:
    """Return the public leaf that an exhibit comes to, its tlog-proof, and what it shows."""
    kind, lines = "proof-malformed", raw[len(EXHIBIT_HEADER) :].partition(b"\n")
    head, _, proof = lines[2].partition(b"\n\n")
    if unbase64(lines[0].decode("ascii", "replace"), kind, 32) != sha(lines[2]):
        raise FalseError("proof-false", "the exhibit was changed after it was made: its sum is another")
    fields: List[Tuple[str, bytes]] = []
    digests: List[bytes] = []
    other: List[bytes] = []
    node, salt, state = b"", b"", 0
    for line in head.decode("ascii", "replace").split("\n"):
        word, *parts = line.split(" ")
        step = {"field": 0, "digest": 1, "left": 2, "right": 2, "salt": 3, "schema": 4}.get(word, -1)
        if step < state or len(parts) != (3 if step == 0 else 1) or (state > 2 and step == state):
            raise FalseError(
                kind, "the exhibit has other lines than fields, digests, siblings, a salt and a schema"
            )
        if step >= 2 and state < 2:
            node = sha(b"\x00" + sha(b"".join(sorted(digests + other))))
        state = step
        if step == 0:
            value = b"" if parts[2] == "-" else unbase64(parts[2], kind)
            if not re.fullmatch("[a-z_]{1,64}", parts[0]) or (fields and parts[0] <= fields[-1][0]):
                raise FalseError(kind, "the exhibit's fields have names, each once, ascending")
            fields.append((parts[0], value))
            digests.append(
                sha(unbase64(parts[1], kind, 32) + bytes([len(parts[0])]) + parts[0].encode() + value)
            )
        elif step == 1:
            other.append(unbase64(parts[0], kind, 32))
        elif step == 2:
            sibling = unbase64(parts[0], kind, 32)
            node = sha(b"\x01" + (sibling + node if word == "left" else node + sibling))
        elif step == 3:
            salt = unbase64(parts[0], kind, 16)
        elif parts != ["1"]:
            raise FalseError(kind, "the schema is 1")
    every = {*digests, *other}
    if state != 4 or not fields or other != sorted(set(other)) or len(every) not in (16, 32, 48, 64):
        raise FalseError(
            kind, "the exhibit is not whole: 16 digests or a multiple of it, a salt and a schema"
        )
    if len(every) != len(digests) + len(other):
        raise FalseError(kind, "a digest of the exhibit stands there twice")
    shown = [f"{name}: {ascii(value.decode('utf-8', 'replace'))[1:-1]}" for name, value in fields]
    return b"\x01" + sha(salt + node), proof, [*shown, f"{len(other)} digests stand for what is not shown"]


def check_file(raw: bytes, options: argparse.Namespace, witnesses: Sequence[Key], report: Report) -> None:
    """Check a tlog-proof or an exhibit."""
    if not options.key:
        raise UsageError("a proof says nothing about its key: give the log's with --key")
    key = as_own_key(options.key)
    try:
        if raw.startswith(EXHIBIT_HEADER):
            leaf, proof, shown = open_exhibit(raw)
            check_proof(proof, leaf, key, witnesses, report)
            report.notes += shown
        elif options.leaf:
            check_proof(raw, bytes.fromhex(options.leaf), key, witnesses, report)
        else:
            raise UsageError("a tlog-proof is about an entry: give it in hex with --leaf")
    except FalseError as error:
        report.find(error.kind, options.place, str(error))
    except ValueError as error:
        raise UsageError("--leaf is no hex") from error


def as_key(text: str) -> Key:
    """Return the key that an option names."""
    try:
        return read_key(text)
    except FalseError as error:
        raise UsageError(f"no verifier key: {error}") from error


def as_own_key(text: str) -> Key:
    """Return a log's key that an option names."""
    key = as_key(text)
    if key[1] == ML_DSA:
        raise UsageError("--key is the key of a cosigner, and a log's is Ed25519")
    return key


def run(options: argparse.Namespace, report: Report) -> None:
    """Find out what the place is, and check it."""
    witnesses = [as_key(text) for text in options.witness]
    since = read_whole(options.since, MAX_NOTE) if options.since else None
    place = options.place
    if "://" not in place and os.path.isfile(place):
        with open(place, "rb") as file:
            is_proof = file.read(8) in {EXHIBIT_HEADER[:8], PROOF_HEADER[:8].encode()}
        if is_proof:
            check_file(read_whole(place, MAX_EXHIBIT), options, witnesses, report)
            return
    try:
        source: Source = (
            Address(place) if "://" in place else Folder(place) if os.path.isdir(place) else Tar(place)
        )
        if options.key:
            key = as_own_key(options.key)
        else:
            raw = source.read("vkey", 1024)
            if raw is None:
                raise UsageError("the log has no `vkey`: give the key with --key")
            key = read_key(raw.decode("utf-8", "replace"))
            report.notes.append("the key is the one beside the log; get it by a way that you trust")
    except FalseError as error:
        report.find(error.kind, place, str(error))
        return
    check_log(source, key, witnesses, since, report)


def read_whole(path: str, most: int) -> bytes:
    """Return a file of the caller."""
    try:
        with open(path, "rb") as file:
            raw = file.read(most + 1)
    except OSError as error:
        raise UsageError(f"`{path}` cannot be read: {error.strerror}") from error
    if len(raw) > most:
        raise UsageError(f"`{path}` has more than {most} bytes")
    return raw


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Return the exit code, after saying why."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("place", help="a folder, a tar, an address, a .tlog-proof or an exhibit")
    parser.add_argument("--key", help="the log's verifier key, got by a way that you trust")
    parser.add_argument("--since", help="a checkpoint that you kept")
    parser.add_argument("--witness", action="append", default=[], help="a witness that must have cosigned")
    parser.add_argument("--leaf", help="the entry of a .tlog-proof, in hex")
    parser.add_argument("--json", action="store_true", help="for a machine")
    options = parser.parse_args(arguments)
    report = Report()
    try:
        run(options, report)
    except (UnknownError, OSError) as error:
        report.unknown.append(str(error))
    except UsageError as error:
        sys.stderr.write(f"verify_log: {error}\n")
        return 2
    if options.json:
        said = {"exit_code": report.code, "findings": report.findings, "findings_left_out": report.left_out}
        sys.stdout.write(
            json.dumps({**said, "notes": report.notes, "could_not_tell": report.unknown}, indent=2) + "\n"
        )
        return report.code
    for note in report.notes:
        sys.stdout.write(f"note: {note}\n")
    for finding in report.findings:
        sys.stdout.write("FALSE: {place}: {what} [{kind}]\n".format(**finding))
    for what in report.unknown:
        sys.stdout.write(f"could not tell: {what}\n")
    end = {0: "everything that was checked holds", 1: "something is false", 3: "could not tell"}
    sys.stdout.write(end[report.code] + "\n")
    return report.code


if __name__ == "__main__":
    sys.exit(main())

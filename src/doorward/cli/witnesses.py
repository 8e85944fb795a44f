"""The witnesses of this log, over the network: asked by the publisher, never on the way of a release.

All are asked at once, within one bounded time. What they cosigned is added to the published `checkpoint`, and where the
quorum of the policy is met, the checkpoint is kept as `witnessed` until a newer one is.
"""

import os
import ssl
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Final

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from doorward.errors import ConfigError, UpstreamError, VerificationError
from doorward.grants.cut_off import CutOff
from doorward.notes.note import Signer
from doorward.record.checkpoint import Checkpoint, UnverifiedCheckpoint, format_checkpoint, parse_checkpoint
from doorward.record.hashes import EMPTY_ROOT
from doorward.record.log_files import CHECKPOINT, WITNESSED, LogFiles
from doorward.record.nodes import node_reader
from doorward.record.signed_tiles import SignedTiles
from doorward.record.trust_policy import TrustedWitness, TrustPolicy
from doorward.record.witnessing import (
    MAX_REPLY_BYTES,
    Heard,
    Reply,
    Shown,
    Standing,
    add_lines,
    ask_witness,
    check_heard,
)

MAX_AT_ONCE: Final = 16
SUBMIT: Final = "/add-checkpoint"


@dataclass(frozen=True, slots=True)
class WitnessSettings:
    """Who is asked, and how.

    Args:
        policy: Its witnesses each have an address.
        public: The released copy of the log, where there is one: what is shown then, and nothing newer.
        authority: PEM of who signs their certificates; None stands for the system's list.
        every_seconds: A new checkpoint is shown at most so often.
        timeout_seconds: For the whole conversation with all of them.
    """

    policy: TrustPolicy
    public: Path | None = None
    authority: Path | None = None
    every_seconds: int = 10
    timeout_seconds: int = 5


def split_url(url: str) -> tuple[bool, str, int, str]:
    """Return whether an address has TLS, its host, its port and the prefix of its paths.

    Raises:
        ConfigError: It is no plain `http[s]://host[:port][/path]`.
    """
    try:
        parts = parse_url(url)
    except HTTPError as error:
        raise ConfigError("a witness's address is none") from error
    plain = url.isascii() and url.isprintable() and " " not in url
    if (
        not plain
        or parts.scheme not in {"http", "https"}
        or not parts.host
        or parts.auth
        or parts.query
        or parts.fragment
    ):
        raise ConfigError("a witness's address is `https://` or `http://`, a host and a path")
    is_tls = parts.scheme == "https"
    return (
        is_tls,
        parts.host.strip("[]"),
        parts.port or (443 if is_tls else 80),
        (parts.path or "").rstrip("/"),
    )


@dataclass(slots=True)
class Witnesses:
    """The witnesses of one log.

    INVARIANT (released-only): where the log has a released copy, witnesses are shown that and nothing newer. What one
    holds it tells to anybody, so the publisher's own sizes, shown as they grow, would place events in time.

    Args:
        files: The publisher's log.
        signer: The log's key.
    """

    settings: WitnessSettings
    files: LogFiles
    signer: Signer
    _next: float = field(default=0.0, init=False)
    _shown_size: int = field(default=-1, init=False)

    @property
    def shown(self) -> LogFiles:
        """The log that they are shown."""
        public = self.settings.public
        return self.files if public is None else LogFiles(public)

    def check(self) -> str:
        """Return why nothing may be signed yet, or an empty text where the quorum knows nothing newer than the files.

        Where there is no checkpoint, one of the empty tree is shown, with which nothing can be inconsistent.

        Raises:
            VerificationError: A witness holds a larger or another tree of this log, or the log does not begin with its
                released copy. Nothing may ever be signed.
            MalformedError: The log's checkpoint is none.
            StoreError: The log cannot be read.
        """
        raw = self.shown.read(CHECKPOINT)
        if raw is None:
            raw = format_checkpoint(Checkpoint(self.signer.name, 0, EMPTY_ROOT), self.signer)
        checkpoint = parse_checkpoint(raw)
        missing = check_heard(self._ask(raw), self.settings.policy, checkpoint.tree_size)
        self._check_beginning(checkpoint)
        return missing

    def _check_beginning(self, released: UnverifiedCheckpoint) -> None:
        """Check that the publisher's log begins with what was released."""
        if self.settings.public is None or released.tree_size == 0:
            return
        raw = self.files.read(CHECKPOINT)
        own = parse_checkpoint(raw) if raw is not None else None
        size = own.tree_size if own is not None else 0
        if (
            own is None
            or size < released.tree_size
            or (SignedTiles(self.files, size, own.root).root(released.tree_size) != released.root)
        ):
            raise VerificationError(
                f"the log of {size} leaves does not begin with the {released.tree_size} that were released",
                hint="an older copy of the record was put here; put the newest back, or begin a new log",
            )

    def show(self, now: float, *, at_once: bool = False) -> str | None:
        """Show the published checkpoint where it is new and time for it, and publish what was cosigned.

        Args:
            now: Seconds of a clock that only goes forward.
            at_once: Whether it is time in any case: before the publisher ends.

        Returns:
            None where nobody was asked; an empty text where the quorum is met; else who is missing.

        Raises:
            VerificationError: A witness holds a larger or another tree of this log. Nothing may be signed any more.
            StoreError: The log cannot be read or written.
        """
        raw = self.shown.read(CHECKPOINT)
        if raw is None or (now < self._next and not at_once):
            return None
        size = parse_checkpoint(raw).tree_size
        if size == self._shown_size:
            return None
        self._next = now + self.settings.every_seconds
        heard = self._ask(raw)
        missing = check_heard(heard, self.settings.policy, size)
        cosigned = add_lines(raw, [one.line for one in heard.values() if one.line is not None])
        changed = {CHECKPOINT: cosigned} if cosigned != raw else {}
        if not missing:
            changed[WITNESSED] = cosigned
            self._shown_size = size
        self._publish(changed)
        put_back = [name for name, one in heard.items() if one.was_put_back]
        if put_back:
            return f"the witness `{put_back[0]}` holds less than it cosigned: its memory was put back"
        return missing

    def _publish(self, changed: Mapping[str, bytes]) -> None:
        files = self.shown
        moment = None
        if self.settings.public is not None:  # its times are those of its schedule
            moment = int((files.folder / CHECKPOINT).stat().st_mtime)
        for name, data in changed.items():
            files.replace(name, data, moment=moment)
        files.sync()
        if moment is not None:
            os.utime(files.folder, (moment, moment))

    def _ask(self, raw: bytes) -> dict[str, Heard]:
        settings = self.settings
        shown = Shown(raw, node_reader(self.shown, parse_checkpoint(raw).tree_size))
        witnessed = self.shown.read(WITNESSED)
        witnesses = list(settings.policy.witnesses.values())
        context = ssl.create_default_context(cafile=settings.authority)
        end = time.monotonic() + settings.timeout_seconds
        with ThreadPoolExecutor(max_workers=min(MAX_AT_ONCE, max(1, len(witnesses)))) as pool:
            asked = [pool.submit(_converse, shown, one, witnessed, context, end) for one in witnesses]
            return {one.name: future.result() for one, future in zip(witnesses, asked, strict=True)}


def _converse(
    shown: Shown,
    witness: TrustedWitness,
    witnessed: bytes | None,
    context: ssl.SSLContext,
    end: float,
) -> Heard:
    is_tls, host, port, prefix = split_url(witness.url)
    seconds = end - time.monotonic()
    if seconds <= 0:
        return Heard(Standing.SILENT)
    connection: HTTPConnection = (
        HTTPSConnection(host, port, timeout=seconds, ssl_context=context)
        if is_tls
        else HTTPConnection(host, port, timeout=seconds)
    )
    try:
        with CutOff(seconds) as cut_off:
            post = partial(_post, connection, cut_off, prefix + SUBMIT)
            return ask_witness(shown, witness.key, post, witnessed)
    except (UpstreamError, HTTPError, HTTPException, OSError):
        return Heard(Standing.SILENT)
    finally:
        connection.close()


def _post(connection: HTTPConnection, cut_off: CutOff, path: str, body: bytes) -> Reply:
    if connection.sock is None:  # the first time, or where the witness closes behind each answer
        connection.connect()
        assert connection.sock is not None, "a connection that was made has a socket"
        cut_off.watch(connection.sock.fileno())
    headers = {"Content-Type": "text/plain", "User-Agent": "doorward", "Accept-Encoding": "identity"}
    connection.request("POST", path, body, headers, preload_content=False, decode_content=False)
    response = connection.getresponse()
    raw = response.read(MAX_REPLY_BYTES + 1)
    return Reply(response.status, raw) if len(raw) <= MAX_REPLY_BYTES else Reply(599, b"")

"""The part of doorward.toml that is about the log's witnesses."""

from pathlib import Path
from typing import Final

from doorward.cli.witnesses import WitnessSettings, split_url
from doorward.errors import ConfigError, MalformedError
from doorward.orders.toml import Toml
from doorward.record.trust_policy import MAX_POLICY_BYTES, TrustPolicy, parse_policy

KEYS: Final = ("policy", "public", "authority", "every_seconds", "timeout_seconds")
MAX_EVERY_SECONDS: Final = 3600
MAX_TIMEOUT_SECONDS: Final = 30  # less than what makes a publisher count as stalled
SECTION: Final = "witnesses"


def read_witnesses(toml: Toml, base: Path) -> WitnessSettings | None:
    """Return `[witnesses]`, or None without it: then nobody cosigns, and nobody is asked after a restore."""
    if SECTION not in toml.data:
        return None
    every = _whole(toml, "every_seconds", 10, MAX_EVERY_SECONDS)
    timeout = _whole(toml, "timeout_seconds", 5, MAX_TIMEOUT_SECONDS)
    authority = toml.get(str, SECTION, "authority", default="")
    if authority and not (base / authority).is_file():
        toml.note(f"`{authority}` is no file", SECTION, "authority")
        authority = ""
    public = toml.get(str, SECTION, "public", default="")
    if not public and toml.get(bool, "production", default=True):
        toml.note(
            "`witnesses.public` is needed with `production = true`: a witness tells anybody how large the log is",
            SECTION,
            hint="the folder that `doorward log release` fills; witnesses are shown that and nothing newer",
        )
    policy = _read_policy(toml, base)
    if policy is None:
        return None
    return WitnessSettings(
        policy, base / public if public else None, base / authority if authority else None, every, timeout
    )


def load_policy(file: Path) -> TrustPolicy:
    """Return the trust policy that a file holds.

    Raises:
        ConfigError: It cannot be read, or is none.
    """
    try:
        with file.open("rb") as source:
            return parse_policy(source.read(MAX_POLICY_BYTES + 1))
    except OSError as error:
        raise ConfigError(f"the policy `{file}` cannot be read: {error.strerror}") from error
    except MalformedError as error:
        raise ConfigError(f"`{file}`: {error}") from error


def _read_policy(toml: Toml, base: Path) -> TrustPolicy | None:
    name = toml.get(str, SECTION, "policy")
    if not name:
        return None
    try:
        policy = load_policy(base / name)
        for witness in policy.witnesses.values():
            split_url(witness.url)
    except ConfigError as error:
        toml.note(
            str(error), SECTION, "policy", hint="each witness of the policy has its address behind its key"
        )
        return None
    if not all(witness.key.can_check for witness in policy.witnesses.values()):
        toml.note("the cryptography library here has no ML-DSA-44", SECTION, "policy")
    return policy


def _whole(toml: Toml, key: str, default: int, most: int) -> int:
    found = toml.get(int, SECTION, key, default=default)
    if type(found) is not int or not 1 <= found <= most:
        toml.note(f"`{SECTION}.{key}` is a whole number from 1 to {most}", SECTION, key)
        return default
    return found

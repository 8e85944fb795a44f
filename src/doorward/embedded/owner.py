"""Whom the embedded servers run as, and whether that user can reach their files.

PostgreSQL refuses to run as root. As root we run it as `nobody`, which exists on every system, owns
nothing and may log in nowhere; otherwise as ourselves. Every folder above the data and above the binaries
must then let that user through, and mode bits alone do not tell (ACLs, security modules), so the check asks
as that user.
"""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from doorward.errors import ClusterError

ASK_SECONDS = 10.0

# Prints the first of its arguments that the user running it may not enter.
FIRST_CLOSED = 'for d; do [ -x "$d" ] || { printf %s "$d"; exit 1; }; done'


@dataclass(frozen=True, slots=True)
class ServerOwner:
    """The user that a server runs as; `is_other` where that is not the user who asks."""

    name: str
    uid: int
    gid: int

    @property
    def is_other(self) -> bool:
        """True where a server drops our rights for this user's."""
        return self.uid != os.geteuid()


def server_owner() -> ServerOwner:
    """Return whom servers run as: `nobody` when we are root, else ourselves.

    Raises:
        ClusterError: The user has no name on this system; peer authentication goes by names.
    """
    if os.geteuid() != 0:
        return ServerOwner(our_name(), os.geteuid(), os.getegid())
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise ClusterError(
            "this system has no user `nobody` for the server to run as",
            hint="run doorward as an ordinary user",
        ) from None
    return ServerOwner(entry.pw_name, entry.pw_uid, entry.pw_gid)


def our_name() -> str:
    """Return the name of the user who runs this process, as PostgreSQL's peer method will see it.

    Raises:
        ClusterError: The user has no name on this system.
    """
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise ClusterError(
            f"user {os.geteuid()} has no name on this system, and the server knows its users by name",
            hint="add the user to the system's user table, or run doorward as another user",
        ) from None


def ask_as(owner: ServerOwner, script: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run a shell script as a server's user and return how it ended and what it printed.

    Args:
        owner: As whom; without any group but its own.
        script: A constant of ours.
        *arguments: The script's `$1`, `$2`, ...; the shell does not parse them.

    Raises:
        ClusterError: The shell could not be run, or took too long.
    """
    try:
        return subprocess.run(  # noqa: S603  # see `script`
            ["/bin/sh", "-c", script, "sh", *arguments],
            cwd="/",
            env={},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=ASK_SECONDS,
            check=False,
            user=owner.uid if owner.is_other else None,
            group=owner.gid if owner.is_other else None,
            extra_groups=[] if owner.is_other else None,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ClusterError(f"could not run a question as user `{owner.name}`") from error


def check_reach(owner: ServerOwner, folder: Path, *, hint: str) -> None:
    """Return if the server's user can enter a folder's parents and the folder itself.

    Raises:
        ClusterError: It cannot; the message names the first closed folder, from the root down.
    """
    asked = ask_as(owner, FIRST_CLOSED, *(str(part) for part in (*reversed(folder.parents), folder)))
    if asked.returncode:
        closed = os.fsdecode(asked.stdout) or str(folder)
        raise ClusterError(f"the server's user `{owner.name}` cannot enter `{closed}`", hint=hint)

"""Files: who may read the keys, who may write what the door believes, and when certificates end; pure.

Source: RFC 5280, 4.1.2.5 (validity).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from doorward.doctor.line import Line, broken, look, ok, unknown

CERTIFICATE_DAYS: Final = 30
OTHERS: Final = 0o077
OTHERS_WRITE: Final = 0o022


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One file or folder.

    Args:
        name: As the reader knows it.
        mode: The permission bits, or None where it could not be asked.
        is_there: False where there is no such file.
    """

    name: str
    mode: int | None
    is_there: bool = True


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """One certificate file.

    Args:
        use: What it is for, such as ``listener``.
        begins: The latest beginning of what stands in it, or None where it could not be read.
        ends: The earliest end, or None.
    """

    use: str
    name: str
    begins: datetime | None
    ends: datetime | None


def check_secrets(files: Sequence[FileFacts]) -> Iterator[Line]:
    """Yield what is wrong with files that only their owner may touch."""
    yield from _check_modes("keys", files, OTHERS, "only their owners read and write them", "chmod go= {}")


def check_believed(files: Sequence[FileFacts]) -> Iterator[Line]:
    """Yield what is wrong with files that others may read and nobody but their owner may write."""
    yield from _check_modes(
        "files",
        files,
        OTHERS_WRITE,
        "only their owners write them: the door believes what stands there",
        "chmod go-w {}",
    )


def _check_modes(
    check: str, files: Sequence[FileFacts], forbidden: int, expected: str, do: str
) -> Iterator[Line]:
    wrong = 0
    for file in files:
        if not file.is_there:
            wrong += 1
            yield broken(
                check, f"`{file.name}` is not there", expected="the file", do="put it back from a copy"
            )
        elif file.mode is None:
            wrong += 1
            yield unknown(check, f"`{file.name}` cannot be asked", do="run it as the gateway's user")
        elif file.mode & forbidden:
            wrong += 1
            yield broken(
                check, f"`{file.name}` has mode {file.mode:03o}", expected=expected, do=do.format(file.name)
            )
    if not wrong:
        yield ok(check, f"{len(files)} looked at, {expected.split(':', maxsplit=1)[0]}")


def check_certificates(certificates: Iterable[CertificateFacts], *, now: datetime) -> Iterator[Line]:
    """Yield a line for each certificate: broken where it has ended or not begun, look within `CERTIFICATE_DAYS`."""
    for certificate in certificates:
        check = f"certificate of the {certificate.use}"
        if certificate.ends is None or certificate.begins is None:
            yield broken(
                check,
                f"`{certificate.name}` holds none that can be read",
                expected="a certificate in PEM",
                do="put the file back",
            )
            continue
        day = certificate.ends.date().isoformat()
        if certificate.ends <= now:
            yield broken(
                check,
                f"it ended on {day}",
                expected="one that is valid now",
                do="renew it and restart what uses it",
            )
        elif certificate.begins > now:
            begins = certificate.begins.date().isoformat()
            yield broken(
                check,
                f"it begins on {begins}",
                expected="one that is valid now",
                do="look at this host's clock first",
            )
        elif certificate.ends <= now + timedelta(days=CERTIFICATE_DAYS):
            yield look(
                check,
                f"it ends on {day}",
                expected=f"more than {CERTIFICATE_DAYS} days to its end",
                do="renew it",
            )
        else:
            yield ok(check, f"until {day}")

"""The app's files as answers: headers, compressed forms, what may be kept for how long. Pure."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from doorward.desk.front.build import CSP, PAGE, WORKER

SECURITY_HEADERS: Final = (
    ("Content-Security-Policy", f"{CSP}; frame-ancestors 'none'"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), microphone=(), geolocation=(), usb=(), serial=()"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
)
FOR_EVER: Final = "public, max-age=31536000, immutable"
ASK_AGAIN: Final = "no-cache"
_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "png": "image/png",
    "svg": "image/svg+xml",
    "webmanifest": "application/manifest+json",
}


@dataclass(frozen=True, slots=True)
class Page:
    """One file, ready to be sent.

    Args:
        compressed: With gzip, where that is shorter.
        headers: All that depends on the file alone, but for its length.
    """

    content: bytes
    compressed: bytes | None
    etag: str
    headers: tuple[tuple[str, str], ...]


def make_pages(built: Mapping[str, bytes]) -> dict[str, Page]:
    """Return what `build_app` built by the path below the mount; the page stands at the empty path too."""
    pages = {path: _page(path, content) for path, content in built.items()}
    return {**pages, "": pages[PAGE]}


def _page(path: str, content: bytes) -> Page:
    squeezed = gzip.compress(content, 9, mtime=0)
    etag = f'"{sha256(content).hexdigest()[:32]}"'
    headers = [
        ("Content-Type", _TYPES[path.rpartition(".")[2]]),
        ("Cache-Control", ASK_AGAIN if path in {PAGE, WORKER} else FOR_EVER),
        ("ETag", etag),
        ("Vary", "Accept-Encoding"),
    ]
    if path == WORKER:
        headers.append(("Service-Worker-Allowed", "./"))
    return Page(content, squeezed if len(squeezed) < len(content) else None, etag, tuple(headers))

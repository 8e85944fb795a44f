"""The files of the offline app: the compiled protocols of one tenant become a site that runs without a network.

Every file but the page and the service worker stands in a folder named by the SHA-256 over all of them, so that it may
be kept for ever; those two alone change under one name. The worker holds each file's SHA-256 and installs all of them
or none. No build tool, no library, no request to anybody else; see ADR 50.
"""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final

import polib

from doorward.desk.front.icons import make_png, make_svg
from doorward.desk.front.screening import format_patterns, load_patterns
from doorward.errors import ConfigError, Span
from doorward.orders.protocols.catalog import catalog_path, read_catalog
from doorward.orders.protocols.messages import Message, Use
from doorward.orders.protocols.model import STAFF

FORMAT: Final = 1
MAX_BYTES: Final = 150_000
PAGE: Final = "index.html"
WORKER: Final = "sw.js"
CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types front"
)
_SOURCE: Final = "en"
_KEPT_KEYS: Final = (
    "format", "version", "training", "order", "tenant", "languages", "contacts", "clauses", "guidance", "places",
    "cards", "public", "drill", "words",
)  # fmt: skip
_MODULES: Final = (
    "app.js", "content.js", "dom.js", "filing.js", "form.js", "outbox.js", "parts.js", "screens.js", "vault.js",
    "versions.js", "walk.js",
)  # fmt: skip
_FOLDER_DIGITS: Final = 16


def build_app(compiled: Mapping[str, Any], version: str) -> dict[str, bytes]:
    """Return the app's files by their path below the address where it is mounted.

    The same arguments give the same bytes.

    Args:
        compiled: What `doorward.orders.protocols.compile_protocols` gives for one tenant; trusted, the law department
            signed the pack.
        version: doorward's own; another one is another app.

    Raises:
        ConfigError: The protocols are in another format.

    Source: docs/reference/protocol-json.md.
    """
    if compiled["format"] != FORMAT:
        raise ConfigError(
            f"expected compiled protocols of format {FORMAT}, got `{compiled['format']}`",
            hint="build the app with the doorward that compiled them",
        )
    assets = _assets(compiled, version)
    page, worker = _read("app", PAGE), _read("app", WORKER)
    folder = f"a/{_digest({**assets, PAGE: page, WORKER: worker})}"
    assets["manifest.webmanifest"] = _manifest(compiled)
    built = {f"{folder}/{name}": content for name, content in sorted(assets.items())}
    built[PAGE] = _page(page.decode("utf-8"), folder)
    built[WORKER] = _worker(worker.decode("utf-8"), folder, built)
    return built


def _assets(compiled: Mapping[str, Any], version: str) -> dict[str, bytes]:
    """Return what stands in the folder, by name, but for the manifest."""
    ids = sorted(compiled["texts"][_SOURCE])
    names = sorted(load_words(_SOURCE)[0])
    data = {
        **{key: compiled[key] for key in _KEPT_KEYS},
        **_shared(compiled["places"]),
        "app": version,
        "screening": format_patterns(load_patterns()),
        "textIds": ids,
        "wordNames": names,
    }
    assets = {name: _squeezed(_read("app", name)) for name in (*_MODULES, "style.css")}
    assets["protocol.json"] = _json(data)
    assets["icon.svg"] = make_svg()
    for pixels in (192, 512):
        assets[f"icon-{pixels}.png"] = make_png(pixels)
    for language in compiled["languages"]:
        code = language["code"]
        words, unreviewed = load_words(code)
        catalog = {
            "texts": [compiled["texts"][code][name] for name in ids],
            "unreviewed": _positions(ids, compiled["unreviewed"].get(code, ())),
            "words": [words[name] for name in names],
            "unreviewedWords": _positions(names, unreviewed),
        }
        assets[f"texts.{code}.json"] = _json(catalog)
    return assets


def _shared(places: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the places with steps and records that several have in common written once, by position."""
    bodies: dict[str, int] = {}

    def position(body: object) -> int:
        return bodies.setdefault(_json(body).decode("utf-8"), len(bodies))

    shared = [
        {
            **place,
            "record": position(place["record"]),
            "steps": {name: position(step) for name, step in place["steps"].items()},
        }
        for place in places
    ]
    return {"places": shared, "bodies": [json.loads(body) for body in bodies]}


def _positions(names: Sequence[str], some: Iterable[str]) -> list[int] | bool:
    """Return which of the names are meant: all of them as true."""
    chosen = set(some)
    return True if chosen >= set(names) else [index for index, name in enumerate(names) if name in chosen]


def _squeezed(source: bytes) -> bytes:
    """Return a script or a style sheet without indentation and lines that are all comment.

    Sound for what stands in app/, where no text or template runs over a line's end; a test holds that.
    """
    kept, inside = [], False
    for line in source.decode("utf-8").splitlines():
        bare = line.strip()
        if inside or bare.startswith("/*"):
            inside = not bare.endswith("*/")
        elif bare and not bare.startswith("//"):
            kept.append(bare)
    return ("\n".join(kept) + "\n").encode("utf-8")


def load_words(language: str) -> tuple[dict[str, str], list[str]]:
    """Return the app's own words in a language, and which of them no person reviewed.

    A word without a translation of its present English stands in English. A translation is reviewed by a person's line
    in its entry, as those of the protocols are (ADR 41).
    """
    words = {
        entry.msgctxt: entry.msgid for entry in polib.pofile(_read("locale", "front.pot").decode("utf-8"))
    }
    found = files("doorward.desk.front") / "locale" / f"{language}.po"
    if language == _SOURCE or not found.is_file():
        return words, []
    messages = [
        Message(text, (Use(name, "word", STAFF, Span("front.pot", 1, 1)),)) for name, text in words.items()
    ]
    catalog = read_catalog(language, messages, {catalog_path(language): found.read_text(encoding="utf-8")})
    translated = {name: catalog.text(text) for name, text in words.items()}
    unreviewed = [
        name for name, text in words.items() if translated[name] != text and not catalog.is_reviewed(text)
    ]
    return translated, sorted(unreviewed)


def _manifest(compiled: Mapping[str, Any]) -> bytes:
    icons = [{"src": "icon.svg", "sizes": "any", "type": "image/svg+xml"}]
    for purpose in ("any", "maskable"):
        icons += [
            {
                "src": f"icon-{pixels}.png",
                "sizes": f"{pixels}x{pixels}",
                "type": "image/png",
                "purpose": purpose,
            }
            for pixels in (192, 512)
        ]
    return _json(
        {
            "id": "../../",
            "start_url": "../../",
            "scope": "../../",
            "name": f"Front desk: {compiled['tenant']['name']}",
            "short_name": "Front desk",
            "lang": _SOURCE,
            "display": "standalone",
            "background_color": "#14303f",
            "theme_color": "#14303f",
            "icons": icons,
        }
    )


def _page(page: str, folder: str) -> bytes:
    modules = [f'<link rel="modulepreload" href="{folder}/{name}">' for name in _MODULES]
    data = [
        f'<link rel="preload" as="fetch" crossorigin="anonymous" href="{folder}/{name}">'
        for name in ("protocol.json", f"texts.{_SOURCE}.json")
    ]
    filled = (
        page.replace("@PRELOADS@", "\n".join(data + modules)).replace("@BASE@", folder).replace("@CSP@", CSP)
    )
    return filled.encode("utf-8")


def _worker(worker: str, folder: str, built: Mapping[str, bytes]) -> bytes:
    listed = {
        "./" if path == PAGE else path: base64.b64encode(sha256(content).digest()).decode("ascii")
        for path, content in built.items()
    }
    table = json.dumps(listed, sort_keys=True, separators=(",", ":"))
    build = folder.removeprefix("a/")
    return (
        _squeezed(worker.encode())
        .decode()
        .replace("{}; /*@FILES@*/", f"{table};")
        .replace("@BUILD@", build)
        .encode("utf-8")
    )


def _digest(contents: Mapping[str, bytes]) -> str:
    whole = sha256()
    for name, content in sorted(contents.items()):
        whole.update(f"{name}\n{len(content)}\n".encode() + content)
    return whole.hexdigest()[:_FOLDER_DIGITS]


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")


@cache
def _read(*path: str) -> bytes:
    return files("doorward.desk.front").joinpath(*path).read_bytes()

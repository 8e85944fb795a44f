"""`verify_log.py`: the parts of `doorward.verifier.alone` joined to one file that needs nothing but Python 3.8."""

import re
from importlib.resources import files
from typing import Final

PARTS: Final = ("notes", "log", "main")
NAME: Final = "verify_log.py"

_HEAD: Final = re.compile(r'\A("""(?:[^"]|"(?!""))*""")\n')
_FUTURE: Final = "from __future__ import annotations\n"
_OWN: Final = re.compile(r"^from doorward\.verifier\.alone\.\w+ import (?:\([^)]*\)|[^(\n]*)\n", re.MULTILINE)


def make_single_file() -> str:
    """Return the text of `verify_log.py`: what the last part says of itself, then each part without its own imports."""
    folder = files("doorward.verifier.alone")
    head, bodies = "", []
    for part in PARTS:
        text = (folder / f"{part}.py").read_text(encoding="utf-8")
        match = _HEAD.match(text)
        assert match is not None, "each part says what it is"
        head = match[1]
        body = _OWN.sub("", text[match.end() :].replace(_FUTURE, "", 1)).strip()
        about = match[1].strip('"').strip().splitlines()[0]
        bodies.append(f"# {'-' * 76}\n# {about}\n\n{body}\n")
    licence = "# Apache-2.0. Made from src/doorward/verifier/alone.\n"
    return f"#!/usr/bin/env python3\n{licence}{head}\n\n{_FUTURE}\n" + "\n\n".join(bodies)

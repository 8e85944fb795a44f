"""A name of a file that no system reads as a path, a command or another type. Pure."""

import re
import unicodedata
from typing import Final

LONGEST: Final = 100
# Names that one system or another takes for a device, whatever follows the dot.
DEVICES: Final = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)", re.IGNORECASE)
DROPPED: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
SUFFIXES: Final = {
    "application/pdf": ".pdf",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/tiff": ".tif",
    "text/plain": ".txt",
    "message/rfc822": ".eml",
}


# Alphabets whose letters are taken for one another; a name of one of them is a name.
ALIKE: Final = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"})


def has_mixed_scripts(text: str) -> bool:
    """Return whether letters of two alphabets that look alike stand in a text, as they do where one plays another."""
    found = {unicodedata.name(char, "").split(" ", 1)[0] for char in text if char.isalpha()}
    return len(found & ALIKE) > 1


def make_safe_name(raw: str, *, number: int, kind: str) -> str:
    """Return a name to store and show an attachment under.

    Args:
        raw: What the sender called it; untrusted.
        number: From 1, for one without a usable name.
        kind: What it is; the name ends accordingly, so that nothing is opened as something else.
    """
    text = unicodedata.normalize("NFC", raw[:1000])
    text = "".join(char for char in text if unicodedata.category(char) not in DROPPED)
    text = re.split(r"[/\\]", text)[-1]
    text = re.sub(r'[<>:"|?*%$`\';&]+', "_", text)
    text = re.sub(r"\s+", " ", text).strip(" .-_")
    suffix = SUFFIXES.get(kind, "")
    stem = text[: -len(suffix)] if suffix and text.lower().endswith(suffix) else text
    stem = stem[: LONGEST - len(suffix)].rstrip(" .")
    if not stem or DEVICES.match(stem):
        stem = f"attachment-{number}"
    return stem + suffix

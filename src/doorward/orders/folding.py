"""Letters that are not ASCII, as the plain letters that a reader takes them for. Pure.

Full-width and mathematical forms, accents, letters of other alphabets that look Latin, and signs without width would
hide a word from every pattern. What is shown as evidence is the text as it was written, never its folded form.
"""

import unicodedata
from dataclasses import dataclass
from typing import Final

_NO_WIDTH: Final = frozenset(("Cf", "Mn", "Me"))
_SPACES: Final = frozenset(("Zs", "Zl", "Zp", "Cc"))
# Each plain sign with the code point of one that looks like it, so that nobody has to tell the two apart here.
_GREEK: Final = (
    "A391 B392 E395 Z396 H397 I399 K39A M39C N39D O39F P3A1 T3A4 Y3A5 X3A7 "
    "a3B1 e3B5 i3B9 k3BA v3BD o3BF p3C1 t3C4 u3C5 x3C7"
)
_CYRILLIC: Final = (
    "A410 B412 E415 K41A M41C H41D O41E P420 C421 T422 Y423 X425 S405 I406 J408 "
    "a430 b432 e435 k43A m43C h43D o43E p440 c441 t442 y443 x445 s455 i456 j458 h4BB d501 q51B w51D l4CF"
)
_LATIN: Final = "i131 l142 o0F8 d111 g261 L141 O0D8 D110"
_SIGNS: Final = "-2010 -2011 -2012 -2013 -2014 -2212 '2018 '2019"
_PLAIN: Final = {
    chr(int(pair[1:], 16)): pair[0] for pair in f"{_GREEK} {_CYRILLIC} {_LATIN} {_SIGNS}".split()
}


@dataclass(frozen=True, slots=True)
class Folded:
    """A text in plain letters, and where each of them came from.

    Args:
        original: As it was written.
        text: Its folded form; the text itself where it is ASCII.
        places: For each sign of `text` the place of its origin in `original`; empty where both are the same.
    """

    original: str
    text: str
    places: tuple[int, ...] = ()

    def verbatim(self, start: int, end: int) -> str:
        """Return what stands in the original where `text[start:end]` stands in the folded form."""
        if not self.places:
            return self.original[start:end]
        return self.original[self.places[start] : self.places[end - 1] + 1] if end > start else ""


def fold(text: str) -> Folded:
    """Return a text in plain letters; total. Letters that look like no Latin one stay as they are."""
    if text.isascii():
        return Folded(text, text)
    signs: list[str] = []
    places: list[int] = []
    for place, letter in enumerate(text):
        for part in letter if letter.isascii() else unicodedata.normalize("NFKD", letter):
            plain = part if part.isascii() else _fold_one(part)
            if plain:
                signs.append(plain)
                places.append(place)
    return Folded(text, "".join(signs), tuple(places))


def _fold_one(letter: str) -> str:
    kind = unicodedata.category(letter)
    if kind in _NO_WIDTH:
        return ""
    return " " if kind in _SPACES else _PLAIN.get(letter, letter)

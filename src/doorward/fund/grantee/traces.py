"""What a text looks like: a number of a person or a case, a date, a caption, an address, a name. Pure.

A second wall, and the words of the refusal. The first is that a cell holds a word of a closed list or a short number:
no list of all names exists, so a name that looks like nothing is not found here (docs/concepts/fund-privacy.md).
"""

import re
import unicodedata
from typing import Final

LOOKALIKES: Final = str.maketrans(
    {
        **dict(zip("АВЕЅІЈКМНОРСТХаеѕіјорсхуԁ", "ABESIJKMHOPCTXaesijopcxyd", strict=True)),
        **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοα", "ABEZHIKMNOPTYXoa", strict=True)),
        **dict.fromkeys("‐‑‒–—―−﹣－", "-"),
        **dict.fromkeys("∕⁄／", "/"),
        **dict.fromkeys("․。．·•٫", "."),
        "Ł": "L",
        "ł": "l",
        "ø": "o",
        "ı": "i",
        "’": "'",
        "`": "'",
    }
)
_LETTER_DIGITS: Final = str.maketrans("OoQIl|SB", "00011158")
_GAP: Final = r"[\s\-./_#:,()+*]{0,3}"
_RUN: Final = re.compile(rf"[0-9](?:{_GAP}[0-9]){{6,}}")
_LOOSE: Final = re.compile(r"(?<![A-Za-z])[0-9OoQIl|SB]{7,}(?![A-Za-z])")
_A_NUMBER: Final = re.compile(
    rf"(?<![a-z])a(?:lien)?{_GAP}(?:no|num|number|nr|file)?{_GAP}[0-9](?:{_GAP}[0-9]){{6,8}}(?![0-9])",
    re.IGNORECASE,
)
_RECEIPT: Final = re.compile(
    rf"(?<![a-z])[a-z]{_GAP}[a-z]{_GAP}[a-z]{_GAP}[0-9](?:{_GAP}[0-9]){{9}}(?![0-9])", re.IGNORECASE
)
_PASSPORT: Final = re.compile(rf"(?<![a-z])[a-z]{{1,4}}{_GAP}[0-9](?:{_GAP}[0-9]){{5,9}}", re.IGNORECASE)
_PHONE: Final = re.compile(
    r"\+\s?[0-9][0-9\s().-]{5,}|\(?[0-9]{3}\)?[\s.-]{0,2}[0-9]{3}[\s.-]{1,2}[0-9]{4}|(?<![0-9])[0-9]{3}[\s.-][0-9]{4}(?![0-9])"
)
_MAIL: Final = re.compile(
    r"@|\b(?:at|arroba|małpa|malpa)\b.{1,40}\b(?:dot|punto|kropka|com|org|net|invalid|example)\b|[(\[{]\s?at\s?[)\]}]|https?:|www\.",
    re.IGNORECASE,
)
_MONTHS: Final = (
    "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|ene|abr|ago|dic|enero|febrero|marzo|abril|mayo|junio|julio|agosto"
    "|septiembre|octubre|noviembre|diciembre|sty|lut|kwi|maj|cze|lip|sie|wrz|paz|lis|gru|janv|fev|avr|mai|juin|juil|aout"  # one pattern
    "|січ|лют|бер|кві|тра|чер|лип|сер|вер|жов|лис|гру|يناير|فبراير|مارس|ابريل|أبريل|مايو|يونيو|يوليو|اغسطس|أغسطس|سبتمبر"
    "|اكتوبر|أكتوبر|نوفمبر|ديسمبر"
)
_DATE: Final = re.compile(
    r"(?<![0-9])[0-9]{1,4}\s?[-/.]\s?[0-9]{1,2}\s?[-/.]\s?[0-9]{1,4}(?![0-9])"
    r"|[0-9]{4}\s?年|[0-9]{1,2}\s?月|(?<![0-9])(?:19|20)[0-9]{2}(?![0-9])"
    rf"|[0-9]{{1,2}}\S{{0,2}}\s{{0,2}}[-/.,]?\s{{0,2}}(?:de\s)?(?:{_MONTHS})|(?:{_MONTHS})\w*\.?\s{{0,2}}[-/.,]?\s{{0,2}}[0-9]{{1,2}}"  # one pattern
    r"|\b(?:dob|d\.o\.b|born|nacid[oa]|fecha de nac|urodzon|ur\.|née?\b|народжен|出生|生于|مواليد|ولد)",
    re.IGNORECASE,
)
_CAPTION: Final = re.compile(
    r"\bmatter\s{1,3}of\b|\bin\s{1,3}(?:the\s)?re\b|\bex\s{1,2}parte\b|\bestate\s+of\b|\basunto\s+de\b|\ben\s+el\s+caso\b|\bsprawa\b|\baffaire\b"  # one pattern
    r"|\b(?:v|vs|versus|contra|przeciwko|przeciw|contre|проти)\b\.?|\bc\.\s|у\s+справі|справа|诉|訴|案件|一案|ضد|قضية|دعوى",
    re.IGNORECASE,
)
_DOCKET: Final = re.compile(
    r"\b[0-9]{1,2}\s?[-:]\s?(?:cv|cr|mc|ag|civ|pr|md)\b|\b[0-9]{2}\s?[-:]?\s?(?:cv|cr|mc|ag)\s?[-:]?\s?[0-9]{2,6}"
    r"|\b(?:no|nos|docket|case|file|expediente|caso|sygn|dossier|nr|sprawa)\b\.?\s{0,2}(?:no\.?|akt)?\s{0,2}[:#]?\s{0,2}[0-9]{2,}[-/:]?[0-9]*|№|案号|رقم|\b[0-9]{2}-[0-9]{3,5}\b",  # one pattern
    re.IGNORECASE,
)
_STREETS: Final = (
    "street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|place|pl|apt|apartment|unit|suite|floor|po box"
    "|calle|avenida|apartamento|piso|ulica|ul|aleja|al|mieszkanie|m|rue|allée|appartement|вулиця|вул|квартира|кв|проспект"  # one pattern
)
_ADDRESS: Final = re.compile(
    rf"\b[0-9]{{1,5}}\s+(?:[nsew]\.?\s+)?(?:[^\W\d_]+\s+){{0,3}}(?:{_STREETS})\b|\b(?:{_STREETS})\b\.?\s+(?:[^\W\d_]+[\s,]+){{0,3}}[0-9]{{1,5}}"  # one pattern
    r"|[0-9]\s?[号號楼室弄]|شارع|شقة|[路街道]",
    re.IGNORECASE,
)
_HONORIFIC: Final = re.compile(
    r"\b(?:mr|mrs|ms|miss|mx|dr|sr|sra|srta|señor|señora|don|doña|pan|pani|panna|mme|mlle|monsieur|madame|пан|пані|client|cliente|klient|klientka|клієнт|respondent)\b\.?\s"  # one pattern
    r"|先生|女士|小姐|太太|السيد|السيدة|الآنسة|موكل",
    re.IGNORECASE,
)
_PAIR: Final = re.compile(
    r"(?<!\w)[^\W\d_a-z][\w'-]+,?\s+(?:[^\W\d_]\.?\s+|(?:de|del|de la|van|von|el|al|bin|ibn)\s+){0,2}[^\W\d_a-z][\w'-]+"
)
_SHAPE: Final = re.compile(
    r"\b[^\W\d_]{3,}(?:ez|ski|ska|cki|cka|wicz|czyk|enko|chuk|shyn|енко|чук|ський|ська|ович|івна)\b",
    re.IGNORECASE,
)
_SCRIPT: Final = re.compile(r"[^\x20-\x7e]")


def plain(text: str) -> str:
    """Return a text with its disguises taken off.

    Compatibility forms are folded, what does not show is dropped, every script's digits become 0 to 9, and letters and
    marks that look like those of ASCII become them.
    """
    folded = unicodedata.normalize("NFKC", text)
    out = []
    for char in folded:
        category = unicodedata.category(char)
        if category in ("Cf", "Mn", "Cc", "Co", "Cs", "Cn"):
            out.append(" " if char in "\t\n\r" else "")
        elif category in ("Nd", "No"):
            out.append(str(unicodedata.digit(char, "")) or char)
        else:
            out.append(" " if category.startswith("Z") else char)
    return "".join(out)


def find_trace(text: str) -> str | None:
    """Return which kind of trace of a person a text may hold, as a key of `cells.KINDS`; None where it looks like none.

    Args:
        text: Whatever its characters; none of them is in the answer.
    """
    seen = plain(text)
    folded = seen.translate(LOOKALIKES)
    for kind, pattern in (
        ("e-mail", _MAIL),
        ("receipt", _RECEIPT),
        ("a-number", _A_NUMBER),
        ("phone", _PHONE),
    ):
        if pattern.search(folded):
            return kind
    if _DATE.search(seen) or _DATE.search(folded):
        return "date"
    if _DOCKET.search(folded):
        return "docket"
    if _PASSPORT.search(folded):
        return "passport"
    if _RUN.search(folded) or any(
        _RUN.search(found.translate(_LETTER_DIGITS)) for found in _LOOSE.findall(folded)
    ):
        return "long-number"
    if _CAPTION.search(seen):
        return "caption"
    if _ADDRESS.search(folded) or _ADDRESS.search(seen):
        return "address"
    if _HONORIFIC.search(seen) or _PAIR.search(seen) or _SHAPE.search(seen) or _SHAPE.search(folded):
        return "name"
    return "script" if _SCRIPT.search(text) else None

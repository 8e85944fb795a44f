"""The one place that calls typst: sources and JSON in, a PDF out that is PDF/UA-1 and PDF/A-2a.

typst refuses a document without a title, an image without a text, a heading that skips a level, and a character that
its font lacks. What it refuses is not written. Fonts are those inside of typst: the page does not depend on the host.
"""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from doorward.desk.letters.characters import CODES_SAID, has_codes, shown_all
from doorward.errors import ConfigError

if TYPE_CHECKING:
    import typst

STANDARDS: Final = ("ua-1", "a-2a")
PAGE: Final = "page.typ"
MAX_MESSAGE: Final = 300
_HERE: Final = Path(__file__).parent  # also the root: a template reads these files and no others
_SHIPPED: Final = {name: _HERE.joinpath(name).read_bytes() for name in (PAGE, "letter.typ", "report.typ")}


@cache
def _fonts() -> "typst.Fonts":
    import typst

    return typst.Fonts(include_system_fonts=False)


def typeset(main: str, sources: Mapping[str, str], given: Mapping[str, Any], *, day: date) -> bytes:
    """Return the PDF; the same arguments give the same bytes.

    Args:
        main: The name of the source that is set; one of ``sources``, or shipped.
        sources: By name. They are typst, of the order; the caller has checked what they import.
        given: What the page shows, as JSON; texts may be of anybody and are shown, never read as markup.
        day: Of the document.

    Raises:
        ConfigError: typst is not installed, or refuses the sources.
    """
    try:
        import typst
    except ImportError as error:
        raise ConfigError("a PDF needs typst", hint="pip install 'doorward[desk]'") from error
    files = {**{name: text.encode() for name, text in sources.items()}, **_SHIPPED}
    codes = CODES_SAID if has_codes(given) else None
    data = {**shown_all(given), "date": [day.year, day.month, day.day], "codes": codes}
    try:
        made: bytes = typst.compile(  # type: ignore[call-overload]  # its stub leaves out sources by name
            {**files, "main.typ": files[main]}, format="pdf", root=_HERE, pdf_standards=list(STANDARDS),
            sys_inputs={"given": json.dumps(data, sort_keys=True)}, font_paths=_fonts(),
            timestamp=int(datetime.combine(day, time(), UTC).timestamp()),
        )  # fmt: skip
    except typst.TypstError as error:
        said = " ".join(str(error).split())[:MAX_MESSAGE]
        raise ConfigError(
            f"typst does not set `{main}`: {said}",
            hint="`doorward letter check` sets every template with sample data",
        ) from error
    return made

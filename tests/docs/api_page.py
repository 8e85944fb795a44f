"""Write docs/reference/openapi-chicago.json from the order; with ``--check``, exit 1 where it has drifted."""

import json
import sys
from pathlib import Path

from doorward.desk.api.openapi import make_openapi
from doorward.orders.intake import load_intake
from doorward.orders.load import load_pack

FILE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "openapi-chicago.json"


def text() -> str:
    """Return the file's text: every kind of the order."""
    intake = load_intake(load_pack("chicago"))
    return json.dumps(make_openapi(intake, list(intake.kinds.values())), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    if "--check" not in sys.argv[1:]:
        FILE.write_text(text(), encoding="utf-8")
    elif FILE.read_text(encoding="utf-8") != text():
        sys.exit(f"{FILE.name} has drifted from the order: run `make docs` and look at the difference")

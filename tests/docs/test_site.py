"""The site builds without a warning, and a reader's browser asks nobody else for anything."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
LOADED = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?(?:https?:)?//|url\(["']?(?:https?:)?//"""
)
LINKED = re.compile(r"""<link\b[^>]*\bhref=["']?(?:https?:)?//""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_built(site: Path) -> None:
    wanted = {
        page.relative_to(CHECKOUT / "docs").with_suffix(".html") for page in (CHECKOUT / "docs").rglob("*.md")
    }
    assert {page for page in wanted if not (site / page).exists()} == set()


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    files = [file for kind in ("*.html", "*.css") for file in site.rglob(kind)]
    assert files
    texts = {file.relative_to(site).as_posix(): file.read_text(encoding="utf-8") for file in files}
    assert [name for name, text in texts.items() if LOADED.search(text) or LINKED.search(text)] == []

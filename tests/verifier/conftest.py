"""Logs that several tests read; never changed."""

from pathlib import Path

import pytest

from verifier.logs import Log, log_of


@pytest.fixture(scope="session")
def three_levels() -> Log:
    """66,100 leaves: full tiles of level 1, a tile of level 2, partial tiles of earlier sizes."""
    return log_of(66_100, stops=(7, 65_800))


@pytest.fixture(scope="session")
def three_levels_dir(three_levels: Log, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return three_levels.write(tmp_path_factory.mktemp("levels"))

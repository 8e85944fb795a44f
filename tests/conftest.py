"""Fixtures that every folder of tests may use."""

import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests_support import templates

# A few examples of each property in every run; `make test-long` runs all of them once more under `deep`.
settings.register_profile("dev", max_examples=25, deadline=None)
settings.register_profile(
    "ci", max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "deep", max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("nightly", max_examples=20_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))

# A shell that starts the tests in the background has both ignored, and whatever a test starts would inherit that.
for _number, _handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGQUIT, signal.SIG_DFL)):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)

# Some hundred processes are started by the tests: where nothing is compiled for good, each compiles doorward anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

CHECKOUT = Path(__file__).resolve().parent.parent
# Processes that a test starts find `tests_support` as the test itself does.
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, (str(CHECKOUT / "tests"), os.environ.get("PYTHONPATH")))
)


def pytest_configure(config: pytest.Config) -> None:
    run = ExitStack()
    run.enter_context(templates.folder_of_the_run())
    run.enter_context(templates.quick_servers())
    config.add_cleanup(run.close)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real logs, worked cases and vectors beside the checkout."""
    found = Path(os.environ.get("DOORWARD_SHARED", CHECKOUT.parent / "shared"))
    if not (found / "DESIGN.md").exists():
        if os.environ.get("CI"):
            pytest.fail(f"the shared inputs are not at {found}, and CI must have them")
        pytest.skip(f"the shared inputs are not at {found}")
    return found

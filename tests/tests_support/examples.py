"""How many examples a property gets that says so itself: few in every run, more under the deep profile."""

from hypothesis import settings


def examples(few: int, *, deep: int) -> int:
    """Return the number of this run: `deep` where `make test-long` runs the properties, and `few` otherwise."""
    return deep if settings.get_current_profile_name() in {"deep", "nightly"} else few

"""Reads the map of stored fields that comes with doorward."""

from importlib import resources

from doorward.desk.datamap.registry import DATA_MAP, DataMap, read_data_map
from doorward.errors import PolicyCheckError


def load_data_map() -> DataMap:
    """Return the map of what the product stores.

    Raises:
        PolicyCheckError: The file has a fault; ``findings`` lists all.
    """
    text = resources.files("doorward.desk.datamap").joinpath(DATA_MAP).read_text(encoding="utf-8")
    found, findings = read_data_map(text)
    if found is None:
        raise PolicyCheckError(f"the map of stored fields has a fault: {findings[0]}", findings=findings)
    return found

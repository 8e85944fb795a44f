"""The section `[agencies]` of the Chicago order, for tests that need an order with one."""

from dataclasses import replace
from functools import cache
from typing import Final

from doorward.orders.load import load_pack
from doorward.orders.pack import Pack

CHICAGO: Final = """
[agencies]
generic = [
  { level = "federal", id = "FEDERAL" },
  { own = true, id = "CPD" },
  { state = "IL", kind = "SO", id = "IL-SO" },
  { state = "IL", kind = "DA", id = "STATES-ATTORNEY" },
  { state = "IL", kind = ["PD", "CAMPUS", "PARK", "AIRPORT", "TRANSIT", "SCHOOL"], id = "IL-PD" },
  { state = "IL", level = "state", id = "IL-STATE" },
  { state = "IL", id = "unknown" },
  { level = ["local", "state", "tribal"], declared = true, id = "OUT-OF-STATE-DECLARED" },
  { level = ["local", "state", "tribal"], id = "OUT-OF-STATE" },
]
[agencies.within]
USBP = "CBP"
CBP = "DHS"
ICE-ERO = "ICE"
ICE-LESC = "ICE"
HSI = "ICE"
ICE = "DHS"
DHS-IA = "DHS"
USCIS = "DHS"
USSS = "DHS"
[agencies.also]
USBP = ["office of border patrol"]
USMS = ["us marshals"]
US-ATTORNEY = ["us attorneys office"]
"""


@cache
def _chicago() -> Pack:
    return load_pack("chicago")


def chicago_with(section: str = CHICAGO) -> Pack:
    pack = _chicago()
    return replace(pack, files={**pack.files, "reasons.toml": section})

"""What staff at a front desk do, from a pack's YAML: read strictly, held to the order, compiled for the offline app.

`read` and `model` say what there is, `ways` how it is walked, `against_order` that its screens tell what the order
answers, `wording` and `catalog` what its texts may say in which language, `check` all of it, `compile` the JSON.
"""

from doorward.orders.protocols.check import Report, check_protocols
from doorward.orders.protocols.compile import compile_protocols, format_compiled
from doorward.orders.protocols.read import has_protocols, read_protocols

__all__ = [
    "Report",
    "check_protocols",
    "compile_protocols",
    "format_compiled",
    "has_protocols",
    "read_protocols",
]

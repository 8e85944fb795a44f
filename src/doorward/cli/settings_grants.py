"""The parts of doorward.toml that are about emergencies and notices."""

from typing import Final

from doorward.grants.reviews import EmergencyRules
from doorward.orders.toml import Toml

MAX_HOURS: Final = 12
MAX_SESSIONS: Final = 1000


def read_emergency(toml: Toml) -> EmergencyRules:
    """Return `[emergency]`; there is no setting that closes the floor."""
    default = EmergencyRules()
    found = toml.data.get("emergency", {})
    if not isinstance(found, dict):
        return default  # noted by whoever looks at the sections
    hours, sessions = found.get("hours", default.hours), found.get("sessions_a_day", default.sessions_a_day)
    if type(hours) not in {int, float} or not 0 < hours <= MAX_HOURS:
        toml.note(f"`emergency.hours` is more than 0 and at most {MAX_HOURS}", "emergency", "hours")
        hours = default.hours
    if type(sessions) is not int or not 1 <= sessions <= MAX_SESSIONS:
        toml.note(f"`emergency.sessions_a_day` is from 1 to {MAX_SESSIONS}", "emergency", "sessions_a_day")
        sessions = default.sessions_a_day
    return EmergencyRules(float(hours), sessions)

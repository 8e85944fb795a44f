"""What the desk keeps; each field says why it is there (`doorward.desk.datamap`)."""

from doorward.desk.models.accounts import Account, Assignment
from doorward.desk.models.matters import Event, Matter, Numbering, Paper, State

__all__ = ["Account", "Assignment", "Event", "Matter", "Numbering", "Paper", "State"]

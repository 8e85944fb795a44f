"""What the desk keeps; each field says why it is there (`doorward.desk.datamap`)."""

from doorward.desk.models.accounts import Account, Assignment
from doorward.desk.models.matters import Event, Matter, Numbering, Paper, State
from doorward.desk.models.notices import OutgoingNotice, Waits
from doorward.desk.models.readings import Reading
from doorward.desk.models.signin import SignInCount
from doorward.desk.models.training import Training
from doorward.desk.models.visits import CompiledProtocols, EnrolmentCode, Phone, Place, Visit

__all__ = [
    "Account", "Assignment", "CompiledProtocols", "EnrolmentCode", "Event", "Matter", "Numbering",
    "OutgoingNotice", "Paper", "Phone", "Place", "Reading", "SignInCount", "State", "Training", "Visit",
    "Waits",
]  # fmt: skip

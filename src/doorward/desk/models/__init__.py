"""What the desk keeps; each field says why it is there (`doorward.desk.datamap`)."""

from doorward.desk.models.accounts import Account, Assignment
from doorward.desk.models.intake import ApiClient, ApiFiling, ApiToken, MessageFiling
from doorward.desk.models.lawdept import ClockEvent, Determined, Letter, LetterStep, MatterClock
from doorward.desk.models.matters import Event, Matter, Numbering, Paper, Standing, State
from doorward.desk.models.notices import OutgoingNotice, Waits
from doorward.desk.models.papers import DisposalStep, HoldStep, PaperKey
from doorward.desk.models.readings import Reading
from doorward.desk.models.reports import (
    CustodyRow,
    CustodyUpload,
    FiledReport,
    Publication,
    PublicationCount,
    PublicationSignature,
    RecordsAnswer,
    RecordsChoice,
    RecordsDecision,
    RecordsReview,
    ReportFile,
    ReportLine,
    ReportSignature,
)
from doorward.desk.models.signin import SignInCount
from doorward.desk.models.training import Training
from doorward.desk.models.visits import CompiledProtocols, EnrolmentCode, Phone, Place, Visit

__all__ = [
    "Account", "ApiClient", "ApiFiling", "ApiToken", "Assignment", "ClockEvent", "CompiledProtocols",
    "CustodyRow", "CustodyUpload", "Determined", "DisposalStep", "EnrolmentCode", "Event", "FiledReport",
    "HoldStep", "Letter", "LetterStep", "Matter", "MatterClock", "MessageFiling", "Numbering",
    "OutgoingNotice", "Paper", "PaperKey", "Phone", "Place", "Publication", "PublicationCount",
    "PublicationSignature", "Reading", "RecordsAnswer", "RecordsChoice", "RecordsDecision", "RecordsReview",
    "ReportFile", "ReportLine", "ReportSignature", "SignInCount", "Standing", "State", "Training", "Visit",
    "Waits",
]  # fmt: skip

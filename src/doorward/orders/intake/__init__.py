"""Intake: which kinds of request a desk takes, what it asks, and how answers become a request of the order. Pure.

What a desk asks is data of the pack, `intake.toml`. An answer sets what a person at a desk may say; what a register
says, what is computed and what a paper is are set by acts alone (`acts`, law 6 of the design).
"""

from doorward.orders.intake.acts import Act, verify_paper, with_acts
from doorward.orders.intake.answers import Asked, Faults, read_form
from doorward.orders.intake.check import check_intake, load_intake, read_intake
from doorward.orders.intake.intake import Intake
from doorward.orders.intake.questions import INTAKE, Kind, Option, Question, QuestionType
from doorward.orders.intake.schema import make_schema

__all__ = [
    "INTAKE",
    "Act",
    "Asked",
    "Faults",
    "Intake",
    "Kind",
    "Option",
    "Question",
    "QuestionType",
    "check_intake",
    "load_intake",
    "make_schema",
    "read_form",
    "read_intake",
    "verify_paper",
    "with_acts",
]

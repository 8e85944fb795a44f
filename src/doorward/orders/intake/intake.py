"""The intake of an order: from the answers of a form, or of JSON, to a request. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from doorward.orders.intake.answers import Asked, Faults, read_answers
from doorward.orders.intake.questions import Kind


@dataclass(frozen=True, slots=True)
class Intake:
    """What a desk takes under one order.

    Args:
        order: Its name.
        digest: Of the pack; kept beside each answer, so that a request can be read as it was asked.
        kinds: By id, in the order of the file.
    """

    order: str
    digest: str
    kinds: Mapping[str, Kind]

    def read(self, kind: str, answers: object) -> Asked | Faults:
        """Return what was asked, or what is wrong with the answers, by question.

        Args:
            kind: Untrusted, as the answers are.
            answers: By question, a text, or a list of texts where several answers may be given; a blank form field is
                taken out before (`read_form`).
        """
        found = self.kinds.get(kind)
        if found is None:
            return Faults(form=("this desk takes no request of this kind",))
        return read_answers(found, answers)

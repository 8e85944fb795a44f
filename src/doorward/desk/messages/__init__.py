"""Messages that reach a desk by mail: read within bounds, attachments by what they are, a kind suggested. Pure."""

from doorward.desk.messages.message import Attachment, Envelope, Message, Refused, read_message
from doorward.desk.messages.prefill import read_answers_of
from doorward.desk.messages.suggest import Suggestion, suggest_kind

__all__ = [
    "Attachment", "Envelope", "Message", "Refused", "Suggestion", "read_answers_of", "read_message", "suggest_kind",
]  # fmt: skip

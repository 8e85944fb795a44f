"""Messages that reach a desk by mail: read within bounds, attachments by what they are, a kind suggested. Pure."""

from doorward.desk.messages.message import Attachment, Message, Refused, read_message
from doorward.desk.messages.suggest import Suggestion, suggest_kind

__all__ = ["Attachment", "Message", "Refused", "Suggestion", "read_message", "suggest_kind"]

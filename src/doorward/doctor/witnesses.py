"""Whether enough others cosign the log: a line of `doorward doctor`; pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from doorward.doctor.line import Line, look, ok
from doorward.errors import LogError, VerificationError
from doorward.record.checkpoint import parse_checkpoint
from doorward.record.trust_policy import TrustPolicy

CHECK: Final = "witnesses"
BEHIND: Final = timedelta(minutes=10)  # a witness that is restarted misses a few
_DO: Final = "see the publisher's lines and ask whoever runs the witness; docs/howto/witness.md"


@dataclass(frozen=True, slots=True)
class WitnessFacts:
    """What lies in the log's folder.

    Args:
        witnessed: The last checkpoint that a quorum cosigned, or None.
        tree_size: Of the published checkpoint, or None where there is none.
    """

    policy: TrustPolicy
    witnessed: bytes | None
    tree_size: int | None


def check_witnesses(facts: WitnessFacts | None, *, now: datetime) -> Line:
    """Return what to say of the log's witnesses; None stands for settings that name none."""
    if facts is None:
        return ok(
            CHECK, "none are asked: a split view is found only by people who compare what they were shown"
        )
    minutes = BEHIND // timedelta(minutes=1)
    expected = f"the quorum `{facts.policy.quorum}` on a checkpoint of the last {minutes} minutes"
    if facts.witnessed is None:
        return look(CHECK, "no quorum ever cosigned this log", expected=expected, do=_DO)
    try:
        checkpoint = parse_checkpoint(facts.witnessed)
        found = facts.policy.find_witnesses(checkpoint)
        if not facts.policy.is_met(found):
            raise VerificationError("its cosignatures are not the quorum of the policy")
    except LogError as error:
        return look(CHECK, f"`witnessed`: {error}", expected=expected, do=_DO)
    size = checkpoint.tree_size
    at = datetime.fromtimestamp(min(found.values(), default=0), UTC)
    said = f"{len(found)} of {len(facts.policy.witnesses)} cosigned size {size:,} at {at:%Y-%m-%d %H:%M}Z"
    if facts.tree_size is not None and size < facts.tree_size and now - at > BEHIND:
        return look(CHECK, f"{said}; the log has {facts.tree_size:,} leaves", expected=expected, do=_DO)
    return ok(CHECK, said)

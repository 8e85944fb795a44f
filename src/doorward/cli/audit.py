"""`doorward audit`: look back over logs of accesses that already happened, by the order itself.

Exit codes: 0 done, 2 a file, an order or an option is wrong, 3 the audit could not be finished.
"""

from typing import Any

import typer
from typer.core import TyperGroup

from doorward.cli import (
    audit_agencies,
    audit_detect,
    audit_diff,
    audit_draft,
    audit_label,
    audit_lead,
    audit_policies,
    audit_rank,
    audit_report,
    audit_run,
    audit_sharing,
    audit_words,
)

RUN = "run"


class AuditGroup(TyperGroup):
    """Takes `doorward audit FILE…` for `doorward audit run FILE…`."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """As click has it; what begins with no command of the group is what `run` is called with."""
        if args and args[0] not in self.commands and args[0] not in {"--help", "-h"}:
            args = [RUN, *args]
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed


app: Any = typer.Typer(cls=AuditGroup, no_args_is_help=True)
app.command(RUN)(audit_run.run)
app.command("report")(audit_report.report)
app.command("diff")(audit_diff.diff)
app.command("detect")(audit_detect.detect_file)
app.command("agencies")(audit_agencies.agencies)
app.command("policies")(audit_policies.policies)
app.command("sharing")(audit_sharing.sharing)
app.command("words")(audit_words.words)
app.command("draft")(audit_draft.draft)
app.command("lead")(audit_lead.lead)
app.command("case")(audit_lead.case)
app.command("rank")(audit_rank.rank)
app.command("label")(audit_label.label)
app.command("agreement")(audit_label.agreement)
app.command("merge-labels")(audit_label.merge_labels)

"""`doorward audit`: look back over logs of accesses that already happened, by the order itself.

Exit codes: 0 done, 2 a file, an order or an option is wrong, 3 the audit could not be finished.
"""

from typing import ClassVar

import typer

from doorward.cli.deferred import Deferred, DeferredGroup

RUN = "run"


class AuditGroup(DeferredGroup):
    """Takes `doorward audit FILE…` for `doorward audit run FILE…`."""

    deferred: ClassVar = {
        RUN: Deferred("audit_run:run"),
        "report": Deferred("audit_report:report"),
        "diff": Deferred("audit_diff:diff"),
        "detect": Deferred("audit_detect:detect_file"),
        "agencies": Deferred("audit_agencies:agencies"),
        "policies": Deferred("audit_policies:policies"),
        "sharing": Deferred("audit_sharing:sharing"),
        "words": Deferred("audit_words:words"),
        "draft": Deferred("audit_draft:draft"),
        "lead": Deferred("audit_lead:lead"),
        "case": Deferred("audit_lead:case"),
        "rank": Deferred("audit_rank:rank"),
        "label": Deferred("audit_label:label"),
        "agreement": Deferred("audit_label:agreement"),
        "merge-labels": Deferred("audit_label:merge_labels"),
    }

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """As click has it; what begins with no command of the group is what `run` is called with."""
        if args and args[0] not in self.commands and args[0] not in {"--help", "-h"}:
            args = [RUN, *args]
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed


app = typer.Typer(cls=AuditGroup, no_args_is_help=True)


@app.callback()
def audit() -> None:
    """Look back over logs of accesses that already happened."""

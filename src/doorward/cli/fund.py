"""`doorward fund`: the legal defense fund; one file for each part of it.

Exit codes: 0 done, 1 refused (the line says by which rule), or the ledger and the record differ, 2 usage, 3 the
database or the record could not be reached; what was posted then is found by submitting the same `--key` again.
"""

from typing import ClassVar

import typer

from doorward.cli.deferred import Deferred, DeferredGroup


class _Fund(DeferredGroup):
    deferred: ClassVar = {
        "install": Deferred("fund_show:install"),
        "open-year": Deferred("fund_do:open_year"),
        "opening": Deferred("fund_do:opening"),
        "appropriate": Deferred("fund_do:appropriate"),
        "agree": Deferred("fund_do:agree"),
        "amend": Deferred("fund_do:amend"),
        "post": Deferred("fund_do:post"),
        "void": Deferred("fund_do:void"),
        "invoice": Deferred("fund_claims:invoice"),
        "advance": Deferred("fund_claims:advance"),
        "withdraw": Deferred("fund_claims:withdraw"),
        "approve": Deferred("fund_claims:approve"),
        "pay": Deferred("fund_claims:pay"),
        "refund": Deferred("fund_claims:refund"),
        "close-out": Deferred("fund_do:close_out"),
        "close-year": Deferred("fund_do:close_year"),
        "balance": Deferred("fund_show:balance"),
        "statement": Deferred("fund_statement:statement"),
        "export": Deferred("fund_show:export"),
        "journal-check": Deferred("fund_exchange:journal_check"),
        "openings": Deferred("fund_exchange:app", "Take over the balances of a fund that ran before."),
        "verify": Deferred("fund_show:verify"),
        "payments": Deferred("fund_payments:app", "Take in payment files of the finance system."),
        "totals": Deferred("fund_totals:app", "Recompute, sign and verify the fund's totals."),
        "publish": Deferred("fund_published:publish"),
        "published": Deferred("fund_published:published", "Show and check the months that are published."),
        "history": Deferred("fund_published:history"),
        "report": Deferred(
            "fund_report:app", "Check and file what a grantee hands in, and make its template."
        ),
        "terms": Deferred("fund_terms:app", "Say what an agreement buys; another person accepts it."),
        "exception": Deferred("fund_exception:app", "Let a finding of a report pass, by two people."),
        "review": Deferred("fund_review:app", "Draw and enter an independent reviewer's sample."),
        "sample": Deferred("fund_sample:sample"),
    }


app = typer.Typer(cls=_Fund, no_args_is_help=True)


@app.callback()
def fund() -> None:
    """Keep the legal defense fund: public money, and nothing that could be a client."""

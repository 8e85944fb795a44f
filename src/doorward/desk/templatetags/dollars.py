"""Whole cents as dollars in a page."""

from django import template

from doorward.fund.ledger.export import format_dollars

register = template.Library()


@register.filter
def dollars(cents: int) -> str:
    """Return whole cents as dollars with two places, the thousands apart: `1,300,000.00`."""
    whole, _, rest = format_dollars(cents).partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    return f"{sign}{int(digits):,}.{rest}"

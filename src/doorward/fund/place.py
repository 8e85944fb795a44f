"""Where the fund's database is, and who gets into it."""

from typing import Final

ROLE: Final = "doorward_fund"
OWNER: Final = "doorward_fund_owner"
DATABASE: Final = "doorward_fund"

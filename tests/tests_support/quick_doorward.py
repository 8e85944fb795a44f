"""`python -m tests_support.quick_doorward up`: doorward as it is, but for its servers, which wait for no disk."""

from doorward.cli.main import main
from tests_support.templates import quick_servers

if __name__ == "__main__":
    with quick_servers():
        main()

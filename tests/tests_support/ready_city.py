"""The data of a city's server with the sample in it and the order in force, made once in a run for each size."""

import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Final

from doorward.embedded.clusters import city_spec
from doorward.embedded.launcher import Cluster, ClusterSpec
from doorward.embedded.sample import SampleSizes, create_sample
from tests_support.ports import free_port
from tests_support.templates import copy_into, template

REGISTER: Final = "public.cases=case_no,status,kind,assigned_to"


def place_ready_city(spec: ClusterSpec, rows: SampleSizes, *, collections: str = "") -> None:
    """Put a city where its server will look for its data; `records_app` logs in with `app`.

    Args:
        collections: The text of a collections file, where it is not the order's own.
    """

    def make(place: Path) -> None:
        server = Cluster(city_spec(place, free_port()))
        server.start()
        try:
            create_sample(server.dsn(user="postgres", dbname="postgres"), app_password="app", rows=rows)
            file = place / "collections.toml"
            file.write_text(collections, encoding="utf-8")
            done = subprocess.run(
                [sys.executable, "-m", "doorward", "order", "install", "--neither", "records_app",
                 *(("--collections", str(file)) if collections else ()),
                 "--register", REGISTER, "--dsn", server.dsn(user="postgres", dbname="clear")],
                capture_output=True, text=True, check=False, timeout=120,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
        finally:
            server.stop()

    name = f"city-{sha256(repr((rows, collections)).encode()).hexdigest()[:12]}"
    copy_into(template(name, make) / "city", spec.data_dir)

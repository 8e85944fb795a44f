"""The log of a test's fund, published with its disclosures on the test's own record server."""

from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from doorward.cli.folders import Folders
from doorward.embedded.launcher import Cluster
from doorward.notes.note import Signer, format_verifier
from doorward.record.disclosures import DATABASE, ROLE, PostgresDisclosures, prepare_server
from doorward.record.log import Publisher

LOG = Signer.make("log.test.invalid", b"\x07" * 32)


def publish(cluster: Cluster, data: Path, *, fresh: bool = False) -> str:
    """Publish everything that lies in the spool; returns the log's public key."""
    folders, superuser = Folders(data), cluster.dsn(user="postgres", dbname="postgres")
    if fresh:
        with psycopg.connect(superuser, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)".encode())
    prepare_server(superuser)
    dsn = make_conninfo(cluster.dsn(user=ROLE, dbname=DATABASE))
    (folders.run / "record.dsn").write_text(dsn, encoding="utf-8")
    with PostgresDisclosures(dsn) as disclosures:
        publisher = Publisher.open(folders.log, folders.spool, LOG, disclosures)
        while publisher.publish_once():
            pass
        publisher.close()
    return format_verifier(LOG.verifier)

"""Servers for tests, which never wait for the disk."""

from dataclasses import replace

from doorward.embedded.launcher import ClusterSpec


def never_syncing(spec: ClusterSpec) -> ClusterSpec:
    """Return a server that leaves writing to the system: its commits outlive its own end, not the machine's."""
    return replace(spec, settings={**spec.settings, "fsync": "off", "full_page_writes": "off"})

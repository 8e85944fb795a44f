"""Where health is served, as the settings say it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class HealthAddress:
    """Where health is served: a loopback host and a port, or a socket's path."""

    host: str = ""
    port: int = 0
    path: Path | None = None

    def __str__(self) -> str:
        return str(self.path) if self.path is not None else f"{self.host}:{self.port}"

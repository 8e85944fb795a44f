"""Where an audit keeps what it has read and found: the folder of `--out`."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class AuditFolder:
    """The paths of one audit. Tables are Parquet, so that another engine can read them.

    Args:
        root: What `--out` names.
    """

    root: Path

    @property
    def rows(self) -> Path:
        """A table a source, `NNNN.parquet`, and beside it `NNNN.json` with its accounting; kept for `--resume`."""
        return self.root / "data/rows"

    @property
    def accesses(self) -> Path:
        """Rows that count, once each, with the numbers of their phrase and searcher: a table a source."""
        return self.root / "data/accesses"

    @property
    def phrases(self) -> Path:
        """Every distinct wording of reason, offense, filters and prompt, and what the lexicon says of it."""
        return self.root / "data/phrases.parquet"

    @property
    def phrases_made(self) -> Path:
        """By which words each table of phrases was made: JSON; the next run takes them where nothing has changed."""
        return self.root / "data/phrases.json"

    @property
    def earlier(self) -> Path:
        """Tables of phrases of an earlier run, while this one has not made its own."""
        return self.root / "data/earlier"

    @property
    def searchers(self) -> Path:
        """Every distinct searcher, and the agency that it was matched with."""
        return self.root / "data/searchers.parquet"

    @property
    def counts(self) -> Path:
        """How many accesses, by everything that the report counts by."""
        return self.root / "data/counts.parquet"

    @property
    def findings(self) -> Path:
        """A row for each access that is inconsistent, referred, or says something that a person should read."""
        return self.root / "findings.parquet"

    @property
    def leads(self) -> Path:
        """What is no finding and may be worth a look."""
        return self.root / "leads.parquet"

    @property
    def manifest(self) -> Path:
        """What was read, under which order, with which figures: JSON."""
        return self.root / "audit.json"

    @property
    def scratch(self) -> Path:
        """Where the engine spills; removed at the end."""
        return self.root / "data/.scratch"

"""What the desk is started with: one JSON file that the environment names, so that all its processes read the same."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from doorward.errors import ConfigError
from doorward.grants.notice_settings import NoticeSettings, decode_settings, encode_settings

VARIABLE: Final = "DOORWARD_DESK"
FILE: Final = "desk.json"  # of the run folder
PAPER_KEY: Final = "papers.key"
MIN_SECRET_CHARACTERS: Final = 43  # 256 bits in base64


@dataclass(frozen=True, slots=True)
class Provider:
    """An OpenID provider, by whose word people sign in.

    Args:
        factors: Values of `amr` or `acr` that stand for a second factor.
        asks: Values of `acr` that the provider is asked for, the best first.
    """

    issuer: str
    client: str
    secret: str
    login_claim: str
    factors: tuple[str, ...]
    asks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FundPlace:
    """Where the ledger of the fund is.

    Args:
        conninfo: Of the role `doorward_fund`.
        order: Whose `fund.toml` words it: a name or a folder.
    """

    conninfo: str
    order: str


@dataclass(frozen=True, slots=True)
class DeskConfiguration:
    """The desk of one installation.

    Args:
        conninfo: Of the desk's own database, as libpq takes it; never one behind the door.
        order: A name or a folder.
        data: The data folder; the desk's spool and its papers are there.
        secret: What sessions are signed with; of a file that only the desk reads.
        origins: Where browsers find it, such as `https://desk.example`; their hosts are the only ones answered.
        sample: Invented people may be played, and nothing is production.
        time_zone: Of the city.
        provider: Where people sign in besides local accounts, or None.
        proxies: Addresses of servers before the desk, whose word is taken on who comes, and by HTTPS.
        front_only: Who does not come from this machine reaches the front desk alone.
        self_made: The certificate is of `--make-certificate`: browsers are not told to insist on HTTPS for a year.
        front: What phones call the front desk's app, by tenant: a host of its own, `https://`, whose root is the app.
        notices: Whom each office is; with nobody in it nothing is sent, and the pages alone tell.
        paper_key: The file of the keys that papers are sealed with; None is `papers.key` of the data folder.
        durable: Words of the kinds of entries that are on the disk before anybody is told.
        has_later_second: A letter that two release may be sent with one signature; the second is owed.
        fund: Where the ledger of the fund is, or None where this desk has none.
    """

    conninfo: str
    order: str
    data: Path
    secret: str
    origins: tuple[str, ...]
    sample: bool = False
    time_zone: str = "America/Chicago"
    provider: Provider | None = None
    proxies: tuple[str, ...] = ()
    self_made: bool = False
    notices: NoticeSettings = field(default_factory=NoticeSettings)
    paper_key: Path | None = None
    front: Mapping[str, str] = field(default_factory=dict)
    durable: tuple[str, ...] = ()
    has_later_second: bool = False
    front_only: bool = False
    fund: FundPlace | None = None

    @property
    def paper_keys(self) -> Path:
        """The file of the keys that papers are sealed with."""
        return self.paper_key or self.data / PAPER_KEY

    @property
    def spool(self) -> Path:
        """Where all workers of this host have their spools."""
        return self.data / "spool"

    @property
    def fund_public(self) -> Path:
        """Where the fund's published months are; the public page reads them there, and nothing else of the fund."""
        return self.data / "fund-public"

    @property
    def is_encrypted(self) -> bool:
        """Whether browsers come by HTTPS; a sample on one machine does without."""
        return all(origin.startswith("https://") for origin in self.origins)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the configuration of a file that `format` made.

        Raises:
            ConfigError: The file cannot be read, or is no such file.
        """
        try:
            read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            made = cls(
                conninfo=str(read["conninfo"]),
                order=str(read["order"]),
                data=Path(str(read["data"])),
                secret=str(read["secret"]),
                origins=tuple(str(one) for one in read["origins"]),
                sample=read["sample"] is True,
                time_zone=str(read["time_zone"]),
                provider=None if read["provider"] is None else _provider(read["provider"]),
                proxies=tuple(str(one) for one in read["proxies"]),
                self_made=read["self_made"] is True,
                notices=decode_settings(read["notices"]),
                paper_key=None if read.get("paper_key") is None else Path(str(read["paper_key"])),
                front={str(tenant): str(site) for tenant, site in read["front"].items()},
                durable=tuple(str(one) for one in read.get("durable", ())),
                has_later_second=read.get("has_later_second") is True,
                front_only=read["front_only"] is True,
                fund=_fund(read.get("fund")),
            )
        except OSError as error:
            raise ConfigError(f"`{path.name}` cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(f"`{path.name}` is no configuration of a desk") from error
        made.check()
        return made

    def check(self) -> None:
        """Refuse what must not be served.

        Raises:
            ConfigError: A short secret, no origin, or a way without encryption where it is no sample.
        """
        if len(self.secret) < MIN_SECRET_CHARACTERS:
            raise ConfigError(f"the desk's secret has fewer than {MIN_SECRET_CHARACTERS} characters")
        if not self.origins:
            raise ConfigError("the desk has no origin", hint='such as origins = ["https://desk.example"]')
        if not self.sample and not self.is_encrypted:
            raise ConfigError(
                "the desk of a city is served by HTTPS alone", hint="an origin begins with https://"
            )

    def format(self) -> str:
        """Return the file's text; it holds the secret, so the file is for the desk alone."""
        return json.dumps(
            {
                "conninfo": self.conninfo,
                "order": self.order,
                "data": str(self.data),
                "secret": self.secret,
                "origins": list(self.origins),
                "sample": self.sample,
                "time_zone": self.time_zone,
                "provider": None if self.provider is None else asdict(self.provider),
                "proxies": list(self.proxies),
                "self_made": self.self_made,
                "durable": list(self.durable),
                "notices": encode_settings(self.notices),
                "paper_key": None if self.paper_key is None else str(self.paper_key),
                "front": dict(self.front),
                "has_later_second": self.has_later_second,
                "front_only": self.front_only,
                "fund": None if self.fund is None else asdict(self.fund),
            }
        )


def _fund(read: dict[str, Any] | None) -> FundPlace | None:
    return None if read is None else FundPlace(str(read["conninfo"]), str(read["order"]))


def _provider(read: dict[str, Any]) -> Provider:
    texts = {name: str(read[name]) for name in ("issuer", "client", "secret", "login_claim")}
    factors, asks = (tuple(str(one) for one in read[name]) for name in ("factors", "asks"))
    return Provider(**texts, factors=factors, asks=asks)


def current() -> DeskConfiguration:
    """Return the configuration that the environment names, or one that reaches nothing: for type checks and `--help`.

    Raises:
        ConfigError: The file that is named cannot be read.
    """
    named = os.environ.get(VARIABLE)
    if named is None:
        return DeskConfiguration("", "", Path(), "", ("http://127.0.0.1",), sample=True)
    return DeskConfiguration.load(Path(named))

"""An order with its compiled scopes, which a data folder keeps from one start to the next."""

import os
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from doorward.cli.folders import Folders
from doorward.orders.load import Pack, load_pack
from doorward.policy.scopes import ScopeBook


def load_order(
    folders: Folders, order: str, *, production: bool = False, collections: Path | None = None
) -> tuple[Pack, ScopeBook]:
    """Return the pack of this name or folder and its scopes, from the cache where the pack's digest is the same."""
    pack = load_pack(order, production=production, collections=collections)
    return pack, load_book(folders, pack)


def load_book(folders: Folders, pack: Pack) -> ScopeBook:
    """Return the scopes of an order, or of one with clauses observed, from the cache where it has them."""
    # By version too: another compiler may make other predicates of the same text. By policies, because an order with
    # clauses observed has the digest of the order in full.
    kept = sha256(" ".join(policy.id for policy in pack.policies).encode()).hexdigest()[:12]
    cache = folders.order / f"{pack.digest}-{kept}-{version('doorward')}.json"
    if cache.exists():
        return ScopeBook.from_json(cache.read_text(encoding="utf-8"))
    book = pack.scope_book()
    partial = cache.with_suffix(f".{os.getpid()}.partial")  # two workers may begin together
    partial.write_text(book.to_json(), encoding="utf-8")
    partial.replace(cache)
    return book

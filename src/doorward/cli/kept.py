"""The files of a data folder in which decisions of people are kept, each with the keys that may sign for it."""

from doorward.cli.folders import Folders
from doorward.grants.attested_files import AttestedFiles
from doorward.grants.cut_files import load_officers
from doorward.grants.record_files import Records
from doorward.grants.referral_files import Referrals
from doorward.grants.review_files import Reviews


def make_referrals(folders: Folders) -> Referrals:
    """Return the asks and answers of a data folder."""
    return Referrals(folders.asks, folders.answers, lambda: load_officers(folders.officials))


def make_records(folders: Folders) -> Records:
    """Return the signed records of a data folder."""
    return Records(folders.records, lambda: load_officers(folders.officials))


def make_attested(folders: Folders) -> AttestedFiles:
    """Return the sessions on attested numbers of a data folder."""
    return AttestedFiles(folders.attested, lambda: load_officers(folders.officials))


def make_reviews(folders: Folders) -> Reviews:
    """Return the break-glass sessions of a data folder and their reviews."""
    return Reviews(folders.reviews, lambda: load_officers(folders.officials))

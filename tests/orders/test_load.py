"""A pack from disk: found by name or folder, and one digest for one content."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from doorward.errors import ConfigError
from doorward.orders.assemble import digest_files
from doorward.orders.load import MAX_FILES, Pack, find_pack, load_pack, read_files

Files = dict[str, bytes]


def test_a_shipped_order_is_found_by_its_name_and_by_its_folder(pack: Pack) -> None:
    assert load_pack("chicago").digest == load_pack(find_pack("chicago")).digest == pack.digest


def test_a_copy_of_a_pack_has_the_same_digest(pack: Pack, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(find_pack("chicago"), copy)
    (copy / "__pycache__").mkdir()
    (copy / "__pycache__" / "x.pyc").write_bytes(b"x")
    (copy / ".swp").write_bytes(b"x")
    assert load_pack(copy).digest == pack.digest


def test_the_same_bytes_are_one_pack_and_a_change_on_disk_is_another(
    changed: Callable[..., Files], written: Callable[[Files], Path], files: Files
) -> None:
    folder = written(files)
    pack = load_pack(folder)
    assert load_pack(folder) is pack
    written(changed("order.toml", "Welcoming City order, Chicago", "Another order"))
    after = load_pack(folder)
    assert after.title.startswith("Another order")
    assert after.digest != pack.digest
    assert pack.title.startswith("Welcoming City order")
    written(files)
    assert load_pack(folder).digest == pack.digest


def test_each_change_of_any_file_changes_the_digest(files: Files, pack: Pack) -> None:
    assert digest_files(files) == pack.digest
    for name in files:
        assert digest_files(files | {name: files[name] + b"\n"}) != pack.digest
        assert digest_files({path: text for path, text in files.items() if path != name}) != pack.digest
    first, second = sorted(files)[:2]
    assert digest_files(files | {first: files[second], second: files[first]}) != pack.digest


def test_what_is_no_order_is_refused_with_the_names_of_those_that_are(tmp_path: Path) -> None:
    for name in ("nowhere", "../chicago", "", str(tmp_path / "nothing")):
        if name == "":
            continue
        with pytest.raises(ConfigError, match="neither a shipped order nor a folder") as caught:
            find_pack(name)
        assert "chicago" in str(caught.value.hint)


def test_a_folder_with_too_much_in_it_is_refused(tmp_path: Path) -> None:
    for number in range(MAX_FILES + 1):
        (tmp_path / str(number)).write_bytes(b"")
    with pytest.raises(ConfigError, match="larger than"):
        read_files(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "order.toml").write_bytes(b"")
    (tmp_path / "order.toml").chmod(0)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_files(tmp_path)


def test_a_pack_tells_what_gateway_and_desk_ask_of_it(pack: Pack) -> None:
    assert pack.name == "chicago"
    assert {"unknown", "none", "CPD", "ICE-ERO", "HSI", "FBI"} <= pack.agencies.keys()
    assert pack.agencies["HSI"].parents == ("mixed",)
    assert pack.agencies["CPD"].party == "city"
    assert pack.agencies["IN-PD"].attributes["declaration"]
    assert "criminal-investigation" in pack.purposes
    assert ".invalid" in pack.contacts.law_department
    assert pack.page == "docs/reference/order-chicago.md"
    assert pack.clauses["C30b"].standing == "confirmed"
    assert (pack.clauses["T15hx"].adopted_by, pack.clauses["T15hx"].adopted_on) == ("sample", "2026-01-01")


def test_every_policy_cites_clauses_of_the_order(pack: Pack) -> None:
    cited = {clause for policy in pack.policies for clause in policy.clauses}
    assert cited <= pack.clauses.keys()


def test_a_written_pack_loads_like_the_shipped_one(
    written: Callable[[Files], Path], files: Files, pack: Pack
) -> None:
    assert load_pack(written(files)).digest == pack.digest

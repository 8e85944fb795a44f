"""`verify_log.py`: alone in an empty folder it says of every log what `log verify` says of it."""

import ast
import random
import subprocess
import sys
import tarfile
from base64 import b64decode, b64encode
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from doorward.record.checkpoint import Checkpoint, format_checkpoint
from doorward.verifier.check import Task, check
from doorward.verifier.single_file import make_single_file
from verifier.logs import KEY, KEY_TEXT, SIGNER, Log, exhibit, leaf, log_of
from verifier.test_merkle import proof_of, vectors

# RFC 8032 section 7.1: secret key, public key, message, signature; tests 1 to 3
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.fixture(scope="session")
def single_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("alone") / "verify_log.py"
    file.write_text(make_single_file())
    return file


@pytest.fixture(scope="session")
def module(single_file: Path) -> ModuleType:
    spec = spec_from_file_location("verify_log", single_file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_alone(single_file: Path, *arguments: str) -> tuple[int, str]:
    """Run it as an outsider does: no package of the machine at hand."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", single_file, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def found(module: ModuleType, folder: Path, since: bytes | None = None) -> list[tuple[str, str]]:
    report = module.Report()
    module.check_log(module.Folder(str(folder)), module.read_key(KEY_TEXT), (), since, report)
    return [(one["kind"], one["place"].split(",")[0]) for one in report.findings]


def test_it_is_python_3_8_and_imports_the_standard_library_alone(single_file: Path) -> None:
    tree = ast.parse(single_file.read_text(), feature_version=(3, 8))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= sys.stdlib_module_names
    later = {"removeprefix", "removesuffix", "bit_count", "pairwise", "batched", "is_relative_to", "strict"}
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    arguments = {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg}
    assert not later & (attributes | arguments)


def test_alone_in_a_folder_it_checks_a_log_and_says_so(single_file: Path, three_levels_dir: Path) -> None:
    code, said = run_alone(single_file, str(three_levels_dir), "--key", KEY_TEXT)
    assert (code, said.splitlines()[-1]) == (0, "everything that was checked holds")
    code, said = run_alone(single_file, str(three_levels_dir / "nowhere"))
    assert code == 3
    code, said = run_alone(single_file, str(three_levels_dir), "--key", "nonsense")
    assert code == 2


@pytest.mark.parametrize(("secret", "public", "message", "signature"), RFC_8032)
def test_the_vectors_of_the_rfc(
    module: ModuleType, secret: str, public: str, message: str, signature: str
) -> None:
    key, text, signed = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature)
    assert Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret)).public_key().public_bytes_raw() == key
    assert module.ed25519_holds(key, text, signed)
    assert not module.ed25519_holds(key, text + b"x", signed)


def test_signatures_hold_where_they_hold_for_openssl(module: ModuleType) -> None:
    source = random.Random(8032)  # noqa: S311  # cases, not secrets
    signer = Ed25519PrivateKey.from_private_bytes(bytes(32))
    public = signer.public_key().public_bytes_raw()
    order = module.ORDER
    for number in range(40):
        text = b"%d" % number
        signature = bytearray(signer.sign(text))
        if number % 4 == 1:
            signature[source.randrange(64)] ^= 1 << source.randrange(8)
        elif number % 4 == 2:  # another spelling of the same number
            bigger = int.from_bytes(signature[32:], "little") + order
            signature[32:] = bigger.to_bytes(32, "little")
        key = public if number % 4 < 3 else source.randbytes(32)
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(bytes(signature), text)
            holds = True
        except (InvalidSignature, ValueError):
            holds = False
        assert module.ed25519_holds(key, text, bytes(signature)) is holds, number


@pytest.mark.shared
def test_every_public_vector_of_an_inclusion(module: ModuleType, shared: Path) -> None:
    for vector in vectors(shared, "inclusion"):
        leaf_hash, root = b64decode(str(vector["leafHash"])), b64decode(str(vector["root"]))
        place = int(str(vector["leafIdx"])), int(str(vector["treeSize"]))
        got = module.is_included(leaf_hash, *place, proof_of(vector), root)
        assert got is not vector["wantErr"], vector["desc"]


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 512, 700])
def test_logs_of_every_shape_hold(module: ModuleType, size: int, tmp_path: Path) -> None:
    assert found(module, log_of(size).write(tmp_path), log_of(min(size, 300)).files["checkpoint"]) == []


def test_kept_checkpoints(module: ModuleType, tmp_path: Path) -> None:
    folder = log_of(600).write(tmp_path)
    assert found(module, folder, log_of(601).files["checkpoint"]) == [("rollback", "checkpoint")]
    for size in (1, 256, 300, 600):
        assert found(module, folder, log_of(size, salt=b"x").files["checkpoint"]) == [("fork", "checkpoint")]


def test_a_log_that_says_it_is_endless_ends(module: ModuleType, tmp_path: Path) -> None:
    endless = Checkpoint(SIGNER.name, 2**62, bytes(32))
    (tmp_path / "checkpoint").write_bytes(format_checkpoint(endless, SIGNER))
    (tmp_path / "tile").mkdir()
    report = module.Report()
    module.check_log(module.Folder(str(tmp_path)), module.read_key(KEY_TEXT), (), None, report)
    assert report.findings[0]["kind"] == "file-missing"
    assert (report.code, len(report.findings)) == (1, module.MAX_FINDINGS)
    assert "the rest was not checked" in report.notes[-1]


def damage(log: Log, source: random.Random) -> tuple[str, bytes | None]:
    """A file of a log and what it holds instead; None where it is gone."""
    names = [name for name in log.files if name != "vkey"]
    name = source.choice(names)
    data = bytearray(log.files[name])
    how = source.randrange(7)
    if how < 2:
        data[source.randrange(len(data))] ^= 1 << source.randrange(8)
    elif how == 2:
        del data[source.randrange(len(data)) :]
    elif how == 3:
        data += data[: source.randrange(1, 70)]
    elif how == 4:
        data = bytearray(log.files[source.choice(names)])
    elif how == 5:
        return name.replace("0", source.choice(["1", "00", "x", "7"]), 1), bytes(data)
    else:
        return name, None
    return name, bytes(data)


def compare(module: ModuleType, tmp_path: Path, *, rounds: int, changes: int, seed: int) -> int:
    """Damage a log in so many ways, and return how many were false to both."""
    log = log_of(700, stops=(5, 300))
    folder = log.write(tmp_path)
    source = random.Random(seed)  # noqa: S311  # places, not secrets
    false = 0
    for _ in range(rounds):
        changed = dict(damage(log, source) for _ in range(source.randrange(1, changes + 1)))
        for name, data in changed.items():
            if data is None:
                (folder / name).unlink(missing_ok=True)
            else:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(data)
        theirs = check(Task(str(folder), KEY))
        ours = found(module, folder)
        assert bool(ours) == bool(theirs.findings), (changed.keys(), ours, theirs)
        if changes == 1:
            assert ours == [(one.kind, one.place.split(",")[0]) for one in theirs.findings], changed.keys()
        false += bool(ours)
        for name in changed:
            (folder / name).unlink(missing_ok=True)
            if name in log.files:
                (folder / name).write_bytes(log.files[name])
    return false


def test_both_say_the_same_of_a_damaged_log(module: ModuleType, tmp_path: Path) -> None:
    assert compare(module, tmp_path, rounds=60, changes=1, seed=1) > 40


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_both_say_the_same_of_thousands_of_damaged_logs(module: ModuleType, tmp_path: Path) -> None:
    assert compare(module, tmp_path, rounds=3_000, changes=1, seed=2) > 2_000
    assert compare(module, tmp_path, rounds=2_000, changes=5, seed=3) > 1_500


def test_a_tar_and_what_a_tar_may_not_hold(single_file: Path, tmp_path: Path) -> None:
    folder = log_of(300).write(tmp_path / "log")
    with tarfile.open(tmp_path / "log.tar", "w:") as tar:
        tar.add(folder, arcname=".")
    assert run_alone(single_file, str(tmp_path / "log.tar"), "--key", KEY_TEXT)[0] == 0
    with tarfile.open(tmp_path / "log.tar", "a:") as tar:
        tar.add(folder / "vkey", arcname="../vkey")
    code, said = run_alone(single_file, str(tmp_path / "log.tar"), "--key", KEY_TEXT)
    assert code == 1
    assert "a member that no log has" in said


class TestProof:
    def test_an_entry_is_in_the_log_and_another_is_not(self, single_file: Path, tmp_path: Path) -> None:
        file = tmp_path / "entry.tlog-proof"
        file.write_bytes(log_of(700).proof(300))
        arguments = (str(file), "--key", KEY_TEXT, "--leaf")
        code, said = run_alone(single_file, *arguments, leaf(300).hex())
        assert code == 0
        assert "the entry is leaf 300 of 700" in said
        code, said = run_alone(single_file, *arguments, leaf(301).hex())
        assert code == 1
        assert "[proof-false]" in said

    def test_every_byte_of_a_proof_counts(self, module: ModuleType) -> None:
        raw = log_of(20).proof(11)
        key = module.read_key(KEY_TEXT)
        source = random.Random(4)  # noqa: S311  # bits, not secrets
        for at in source.sample(range(len(raw)), 60):
            changed = bytearray(raw)
            changed[at] ^= 1 << source.randrange(8)
            with pytest.raises(module.FalseError):
                module.check_proof(bytes(changed), leaf(11), key, (), module.Report())

    def test_a_proof_without_its_key_or_entry_is_usage(self, single_file: Path, tmp_path: Path) -> None:
        file = tmp_path / "entry.tlog-proof"
        file.write_bytes(log_of(3).proof(1))
        assert run_alone(single_file, str(file))[0] == 2
        assert run_alone(single_file, str(file), "--key", KEY_TEXT)[0] == 2
        assert run_alone(single_file, str(file), "--key", KEY_TEXT, "--leaf", "zz")[0] == 2


def check_exhibit(module: ModuleType, raw: bytes) -> None:
    entry, proof, _ = module.open_exhibit(raw)
    module.check_proof(proof, entry, module.read_key(KEY_TEXT), (), module.Report())


class TestExhibit:
    def test_what_it_shows_is_shown_and_holds(self, single_file: Path, tmp_path: Path) -> None:
        (tmp_path / "exhibit").write_bytes(exhibit())
        code, said = run_alone(single_file, str(tmp_path / "exhibit"), "--key", KEY_TEXT)
        assert code == 0
        for line in (
            "text: SELECT 1",
            "kind: request",
            "12 digests stand for",
            "the entry is leaf 77 of 300",
        ):
            assert f"note: {line}" in said

    @pytest.mark.parametrize(
        ("old", "new", "kind"),
        [
            (b64encode(b"SELECT 1").decode(), b64encode(b"SELECT 2").decode(), "proof-false"),
            ("field text", "field aaa", "proof-malformed"),
            ("field text", "field texs", "proof-false"),
            ("right", "left", "proof-false"),
            ("schema 1", "schema 2", "proof-malformed"),
            ("schema 1", "schema 1\nschema 1", "proof-malformed"),
            ("salt ", "salt =", "proof-malformed"),
            ("digest ", "digest  ", "proof-malformed"),
        ],
    )
    def test_what_was_changed_in_it_is_found(self, module: ModuleType, old: str, new: str, kind: str) -> None:
        raw = exhibit(change=lambda head: head.replace(old, new, 1))
        with pytest.raises(module.FalseError) as caught:
            check_exhibit(module, raw)
        assert caught.value.kind == kind

    def test_every_byte_of_it_counts(self, module: ModuleType) -> None:
        raw = exhibit()
        source = random.Random(6)  # noqa: S311  # bits, not secrets
        for at in source.sample(range(25, len(raw)), 60):
            changed = bytearray(raw)
            changed[at] ^= 1 << source.randrange(8)
            with pytest.raises(module.FalseError):
                check_exhibit(module, bytes(changed))


@pytest.mark.parametrize("raw", [b"", b"doorward-exhibit@v1\nsum ", b"c2sp.org/tlog-proof@v1\nindex 1\n"])
def test_what_only_begins_as_an_exhibit_is_false_or_usage(
    single_file: Path, tmp_path: Path, raw: bytes
) -> None:
    (tmp_path / "file").write_bytes(raw)
    code, _ = run_alone(single_file, str(tmp_path / "file"), "--key", KEY_TEXT, "--leaf", "00")
    assert code in {1, 2}

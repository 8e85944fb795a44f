"""A browser's own store of authorities, as Chromium keeps it on Linux, with one more in it; by NSS itself."""

import ctypes
import ctypes.util
import os
import subprocess
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

CODE = """
import ctypes, sys
nss, smime = ctypes.CDLL(sys.argv[1]), ctypes.CDLL(sys.argv[1].replace("nss3", "smime3"))
nss.PK11_GetInternalKeySlot.restype = nss.CERT_GetDefaultCertDB.restype = ctypes.c_void_p
smime.CERT_DecodeCertFromPackage.restype = ctypes.c_void_p
assert nss.NSS_InitReadWrite(("sql:" + sys.argv[2]).encode()) == 0, "no store"
slot = ctypes.c_void_p(nss.PK11_GetInternalKeySlot())
if nss.PK11_NeedUserInit(slot):
    assert nss.PK11_InitPin(slot, None, b"") == 0, "no key of the store"
raw = open(sys.argv[3], "rb").read()
found = ctypes.c_void_p(smime.CERT_DecodeCertFromPackage(ctypes.c_char_p(raw), len(raw)))
assert found, "no certificate"
assert nss.PK11_ImportCert(slot, found, ctypes.c_ulong(0), b"of tests", 0) == 0, "not imported"
class Trust(ctypes.Structure):
    _fields_ = [("ssl", ctypes.c_uint), ("email", ctypes.c_uint), ("signing", ctypes.c_uint)]
trust = Trust()
assert nss.CERT_DecodeTrustString(ctypes.byref(trust), b"C,,") == 0
known = ctypes.c_void_p(nss.CERT_GetDefaultCertDB())
assert nss.CERT_ChangeCertTrust(known, found, ctypes.byref(trust)) == 0, "no trust"
"""


def find_library() -> str | None:
    """Return NSS, or None where this machine has none."""
    return ctypes.util.find_library("nss3")


def make_home(folder: Path, root: Path) -> Path:
    """Return a home in which Chromium trusts an authority, as where a person has added it; of a process of its own."""
    library = find_library()
    assert library is not None
    home = folder / "home"
    store = home / ".pki" / "nssdb"
    store.mkdir(parents=True)
    raw = folder / "root.der"
    raw.write_bytes(x509.load_pem_x509_certificate(root.read_bytes()).public_bytes(Encoding.DER))
    command = [sys.executable, "-c", CODE, library, str(store), str(raw)]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=60, env=dict(os.environ)
    )
    assert done.returncode == 0, done.stderr
    return home

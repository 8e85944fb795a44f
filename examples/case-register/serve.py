"""A register of cases for doorward over HTTPS: a starting point for a city's own (docs/howto/registers.md).

python serve.py PORT CERTIFICATE KEY TOKEN_FILE CASES.csv, with the columns case, status, kind, assigned_to
"""

import csv
import hmac
import json
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PORT, CERTIFICATE, KEY, TOKEN, CASES = sys.argv[1:]


class Register(BaseHTTPRequestHandler):
    """One question, one answer."""

    def do_POST(self) -> None:
        """Say whether the case is open, assigned to the login, and of which kind."""
        wanted = f"Bearer {Path(TOKEN).read_text(encoding='ascii').strip()}"
        if not hmac.compare_digest(self.headers.get("Authorization", "").encode(), wanted.encode()):
            self.send_error(401)
            return
        asked = json.loads(self.rfile.read(min(int(self.headers["Content-Length"]), 1024)))
        with Path(CASES).open(newline="", encoding="utf-8") as file:
            found = next((row for row in csv.DictReader(file) if row["case"] == asked["case"]), {})
        says = {
            "open": found.get("status") == "open",
            "assigned": found.get("assigned_to") == asked["login"],
            "kind": found.get("kind", ""),
        }
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(says).encode())

    def log_message(self, *_: object) -> None:
        """Write no log: doorward keeps the record."""


server = ThreadingHTTPServer(("127.0.0.1", int(PORT)), Register)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERTIFICATE, KEY)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print("ready", flush=True)
server.serve_forever()

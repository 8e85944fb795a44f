"""Prints of search audits: set by typst as a program would print them, or drawn piece by piece."""

import re
from collections.abc import Sequence
from pathlib import Path

HEADER = ["ID", "userID", "networkCount", "Search Time", "Reason"]


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def print_table(
    file: Path,
    rows: Sequence[Sequence[str]],
    *,
    header: Sequence[str] = HEADER,
    columns: str = "(24%, 9%, 13%, 22%, 1fr)",
    repeat: bool = True,
    align: str = "top + left",
    stroke: str = "0.5pt",
    inset: str = "5pt",
    before: str = "",
) -> Path:
    """Write a PDF of a table over as many pages as it takes, with a title and page numbers."""
    import typst

    cells = ",".join(quoted(cell) for row in rows for cell in row)
    head = ",".join(f"[{quoted(label)[1:-1]}]" for label in header)
    source = f"""
#set document(date: none)
#set page(paper: "us-letter", flipped: true, margin: 1.5cm, header: [Sampleton PD Search Audit],
  footer: context [printed for a request #h(1fr) Page #counter(page).display() of #counter(page).final().first()])
#set text(size: 8pt, hyphenate: false)
{before}
#table(columns: {columns}, align: {align}, stroke: {stroke}, inset: {inset},
  table.header({head}, repeat: {str(repeat).lower()}),
  ..({cells},).map(c => text(c)))
"""
    raw = typst.compile(source.encode())
    assert isinstance(raw, bytes)
    file.write_bytes(raw)
    return file


def escaped(text: str) -> str:
    return re.sub(r"([()\\])", r"\\\1", text)


def draw(file: Path, pages: Sequence[Sequence[tuple[float, float, str]]], *, rotate: int = 0) -> Path:
    """Write a PDF with each text drawn at its place, in the order given; distances from the lower left corner."""
    objects: list[bytes] = []

    def add(body: bytes) -> int:
        objects.append(body)
        return len(objects)

    add(b"<< /Type /Catalog /Pages 2 0 R >>")
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    add(f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode())
    add(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
    for number, pieces in enumerate(pages):
        add(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 792 612] /Rotate {rotate} /Resources "
            f"<< /Font << /F1 3 0 R >> >> /Contents {5 + 2 * number} 0 R >>".encode()
        )
        stream = "".join(f"BT /F1 9 Tf {x} {y} Td ({escaped(text)}) Tj ET\n" for x, y, text in pieces).encode(
            "cp1252", "replace"
        )
        add(b"<< /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream))
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    begins = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, begins)
    file.write_bytes(bytes(out))
    return file

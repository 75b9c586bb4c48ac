"""Files made to end the process: each is refused or read in seconds, within bounded memory, in a process of its own."""

# ruff: noqa: E501 - a bomb is easier to read on its one line

import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).resolve().parents[2]
MEGABYTES = 700
"""By which reading may swell the process; the file of two million letters is the largest that is read."""
SECONDS = 20
"""Of processor time, the imports included; a small file takes less than two."""

ASK = """
import resource, sys, time
from datetime import date
from pathlib import Path
from recon.errors import TieoutError
from recon.reading import read
from recon.recon_file import ReconFile, load_recon_file
path, limit = Path(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
def ask(path):
    try:
        if path.suffix == ".yaml":
            load_recon_file(path)
            return "read 0 0 0"
        found = read([path], ReconFile(), today=date(2026, 11, 23))
        return f"read {found.rows_in} {found.rows.n} {len(found.rejects)}"
    except TieoutError as no:
        return f"told {no}"
warm = path.with_name("warm.csv")
warm.write_text("id,date,left balance,right balance\\n1,2026-01-01,1,2\\n2,2026-01-02,1,1\\n")
ask(warm)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
said = ask(path)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024, said)
"""

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
SHEET = f'<?xml version="1.0"?><worksheet xmlns="{MAIN}"><sheetData>'.encode()
END = b"</sheetData></worksheet>"
KINDS = "application/vnd.openxmlformats-officedocument.spreadsheetml"
RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def workbook(path: Path, sheet: Iterable[bytes]) -> None:
    """A workbook of one sheet whose XML is as given."""
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
        f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{KINDS}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{KINDS}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{RELATED}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATED}">'
        '<sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{RELATED}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sink:
            for part in (SHEET, *sheet, END):
                sink.write(part)


def corners() -> Iterator[bytes]:
    """Two cells in opposite corners: laid out as a grid, 17 thousand million cells."""
    yield b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'


def swollen() -> Iterator[bytes]:
    """Half a gigabyte of one letter in one cell, from half a megabyte of archive."""
    yield b'<row r="1"><c r="A1" t="inlineStr"><is><t>'
    for _ in range(500):
        yield b"A" * 1_000_000
    yield b"</t></is></c></row>"


def one_value(path: Path) -> None:
    """A text of 3,000 letters stored once and told of 3 million rows: 9 GB, from a megabyte of Parquet."""
    rows = 3_000_000
    same = pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), pa.array(["x" * 3000]))
    pq.write_table(pa.table({"memo": same, "left": np.arange(rows) % 7, "right": np.arange(rows) % 7}), path)


def aliases() -> bytes:
    """Ten levels of nine references each: 3 thousand million items when written out."""
    lines = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    for before, name in zip("abcdefghi", "bcdefghij", strict=True):
        lines.append(f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]")
    return "\n".join([*lines, "routing: *j"]).encode()


HEAD = b"id,date,left balance,right balance,memo\n"
WIDE = ",".join(f"c{n}" for n in range(20_000)).encode()
BOMBS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "20,000 columns": ("a.csv", lambda p: p.write_bytes(WIDE + b"\n" + WIDE + b"\n")),
    "a cell of 2 MB": ("b.csv", lambda p: p.write_bytes(HEAD + b"1,2026-01-01,1,2," + b"x" * 2_000_000 + b"\n2,2026-01-02,1,1,y\n")),
    "an endless line": ("c.csv", lambda p: p.write_bytes(b"x" * 20_000_000)),
    "an endless row": ("d.csv", lambda p: p.write_bytes(HEAD + b"1," * 4_000_000)),
    "a row of 80 MB": ("m.csv", lambda p: p.write_bytes(HEAD + b"1," * 40_000_000)),
    "a quote that never closes": ("n.csv", lambda p: p.write_bytes(HEAD + b'1,2026-01-01,1,2,"x\n' + b"a\n" * 20_000_000)),
    "nothing but NUL": ("e.csv", lambda p: p.write_bytes(b"\0" * 20_000_000)),
    "two cells in opposite corners": ("f.xlsx", lambda p: workbook(p, corners())),
    "a workbook that swells": ("g.xlsx", lambda p: workbook(p, swollen())),
    "one value, three million times": ("o.parquet", one_value),
    "YAML aliases": ("h.yaml", lambda p: p.write_bytes(aliases())),
    "YAML brackets": ("i.yaml", lambda p: p.write_bytes(b"a: " + b"[" * 100_000)),
    "YAML steps": ("j.yaml", lambda p: p.write_bytes(b"\n".join(b" " * n + b"a:" for n in range(900)))),
    "a YAML of 20 MB": ("k.yaml", lambda p: p.write_bytes(b"name: x\n# " + b"y" * 20_000_000)),
    "a number of 100,000 digits": ("l.yaml", lambda p: p.write_bytes(b"target_fdr: " + b"9" * 100_000)),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_or_read_within_bounds(bomb: str, tmp_path: Path) -> None:
    name, make = BOMBS[bomb]
    make(tmp_path / name)
    command = [sys.executable, "-c", ASK, str(tmp_path / name), str(SECONDS)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, f"the process died: {done.returncode} {done.stderr[-400:]}"
    swollen_by, said, *rest = done.stdout.split(maxsplit=2)
    assert int(swollen_by) < MEGABYTES, done.stdout
    if said == "read":
        rows_in, rows, rejects = map(int, rest[0].split())
        assert rows_in == rows + rejects
    else:
        assert "\n" not in done.stdout.strip()

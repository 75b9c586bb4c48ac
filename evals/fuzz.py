"""The first part of `make fuzz`, and all of it: hostile bytes into the reader and the recon file.

Every file ends in rows or in one clear sentence. The parts run side by side, each with its seed in its name.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Mapping
from datetime import date
from functools import partial
from pathlib import Path
from typing import Final

from evals.beside import side_by_side
from evals.fuzz_desk import run_desk
from evals.fuzz_runs import run_whole
from recon.errors import BadInput
from recon.reading import read
from recon.recon_file import ReconFile, load_recon_file

SEEDS: Final = (
    b"id,date,account,currency,ledger,statement,memo\n1,2026-11-19,N,USD,1,2,x\n2,2026-11-20,N,USD,1.5,1.5,y\n",
    b'As of Date;Account;GL Balance;IHub Balance;Comments\n30-04-2024;77;1.234,56;(1.234,56);"a;b"\n',
    b"timestamp\tvalue\n2026-01-01 00:05:00\t1\n2026-01-01 00:10:00\t2\n",
    "clé,date,montant gauche,montant droite\n1,19-Nov-26,€ 1 000,1000 CR\n".encode(),
)
PIECES: Final = (
    b"\x00", b"\xff\xfe", b'"', b"\n\n", b"\r", b",,,,", b"=1+1", b"1e309", b"NaN", b"01-01-1900", b"2/30/2026",
    b"\xe2\x80\xae", b"9" * 60, b"-", b";", b"\t", b"\xc0\xaf", b"PK\x03\x04", b"Total,,,", b"sep=;\n",
)  # fmt: skip
SHARES: Final = 8
SLOW: Final = 2.0
"""Seconds of processor time that a small file may take."""


def mutated(rng: random.Random) -> bytes:
    """A seed with some bytes cut, doubled, swapped or replaced."""
    data = bytearray(rng.choice(SEEDS))
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(4):
            case 0:
                data[at:at] = rng.choice(PIECES)
            case 1:
                del data[at : at + rng.randint(1, 8)]
            case 2:
                data[at:at] = data[max(0, at - 12) : at] * rng.randint(1, 3)
            case _:
                data[at : at + 1] = bytes([rng.randrange(256)])
    return bytes(data)


def one(path: Path, data: bytes) -> str | None:
    """What is wrong with how these bytes ended; None when nothing is."""
    path.write_bytes(data)
    begun = time.process_time()
    try:
        reading = read([path], ReconFile(), today=date(2026, 11, 23))
        if reading.rows_in != reading.rows.n + len(reading.rejects):
            return f"{reading.rows_in} rows in, {reading.rows.n} out, {len(reading.rejects)} rejected"
    except BadInput as said:
        if "\n" in str(said):
            return f"more than one line: {said}"
    except Exception as fault:
        return f"{type(fault).__name__}: {fault}"
    spent = time.process_time() - begun
    return f"took {spent:.1f} s" if spent > SLOW else None


def two(path: Path, data: bytes) -> str | None:
    """The same for a recon file."""
    path.write_bytes(data)
    try:
        load_recon_file(path)
    except BadInput:
        return None
    except Exception as fault:
        return f"recon file: {type(fault).__name__}: {fault}"
    return None


def run(cases: int, seed: int) -> list[str]:
    """The faults found in `cases` mutated files, with the bytes that made them."""
    rng = random.Random(seed)
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        for n in range(cases):
            data = mutated(rng)
            look = two if n % 10 == 9 else one
            fault = look(Path(folder) / ("r.yaml" if n % 10 == 9 else "f.csv"), data)
            if fault is not None:
                faults.append(f"{fault}  <- {data!r}")
    return faults


def part(sizes: Mapping[str, int], name: str) -> list[str]:
    """The faults of one part, as it is named: `desk 3` is the desk with seed 3."""
    what, seed = name.split()
    return {"files": run, "desk": run_desk, "runs": run_whole}[what](sizes[name], int(seed))


def parts_of(files: int, desk: int, runs: int, seed: int) -> dict[str, int]:
    """Each part's name and cases; the many files in shares, so that every processor has work until the end."""
    sizes = {f"runs {seed}": runs, f"desk {seed}": desk}
    for n in range(SHARES):
        sizes[f"files {seed + n}"] = files // SHARES + (n < files % SHARES)
    return {name: cases for name, cases in sizes.items() if cases}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--desk", type=int, default=100, help="requests and workbooks besides")
    parser.add_argument("--runs", type=int, default=20, help="whole runs besides")
    parser.add_argument("--seed", type=int, default=1)
    said = parser.parse_args()
    sizes = parts_of(said.cases, said.desk, said.runs, said.seed)
    found = side_by_side(partial(part, sizes), list(sizes))
    faults = [line for name in sizes for line in found[name]]
    for line in faults[:20]:
        print(line)
    print(f"{sum(sizes.values()):,} cases, {len(faults):,} faults")
    raise SystemExit(bool(faults))


if __name__ == "__main__":
    main()

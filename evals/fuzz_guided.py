"""`python -m evals.fuzz_guided -runs=20000`: the reader and the recon file under atheris, which follows the bytes.

The words after the module are libFuzzer's own (`-runs`, `-max_total_time`, a folder that keeps what was found). A fault
is an exception that is no BadInput, rows that are neither read nor rejected, or two seconds; it ends the run and
leaves the bytes in a `crash-` file. `make fuzz` mutates without following, and needs no extra package.
"""

import importlib
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Final

COMPILED: Final = "recon.reading.scan"
"""What numba compiles must stay as it is written: its branches are not followed."""


def main() -> None:
    """Runs until libFuzzer's words say stop, or a fault is found."""
    atheris = _atheris()
    with atheris.instrument_imports(include=["recon.reading", "recon.recon_file"], exclude=[COMPILED]):
        from evals.fuzz import SEEDS, one, two

    with tempfile.TemporaryDirectory() as folder:
        table, recon_file = Path(folder) / "f.csv", Path(folder) / "r.yaml"

        def meet(data: bytes) -> None:
            fault = two(recon_file, data[1:]) if data[:1] == b"\xfe" else one(table, data)
            if fault is not None:
                raise AssertionError(fault)

        first = Path(folder) / "seeds"
        first.mkdir()
        for n, seed in enumerate(SEEDS):
            (first / str(n)).write_bytes(seed)
        # The first folder that libFuzzer is told keeps what it finds; the seeds are read only.
        atheris.Setup([*sys.argv, str(first)], meet)
        atheris.Fuzz()


def _atheris() -> ModuleType:
    try:
        return importlib.import_module("atheris")
    except ImportError:
        msg = "evals.fuzz_guided needs atheris: `.venv/bin/pip install atheris` (Linux, x86)"
        raise SystemExit(msg) from None


if __name__ == "__main__":
    main()

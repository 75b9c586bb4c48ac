"""Where machine code is kept: by what the kernels say, and by nothing else."""

import re
from pathlib import Path

from recon.compiled import config, fingerprint

ROOT = Path(__file__).parents[2]


def test_a_changed_step_in_another_file_is_another_folder(tmp_path: Path) -> None:
    caller, called, plain = tmp_path / "walk.py", tmp_path / "habits.py", tmp_path / "judge.py"
    caller.write_text("@njit(cache=True)\ndef walk(x): return half(x)\n")
    called.write_text("@step\ndef half(x): return x / 2\n")
    plain.write_text("one = 1\n")
    before = fingerprint([caller, called, plain])
    plain.write_text("one = 2\n")
    assert fingerprint([plain, called, caller]) == before
    called.write_text("@step\ndef half(x): return x / 3\n")
    assert fingerprint([caller, called, plain]) != before


def test_numba_keeps_there_what_it_compiles() -> None:
    from detectors.kernels import insert_sorted

    assert Path(config.CACHE_DIR).name.startswith("kernels-")
    assert insert_sorted.stats.cache_path.startswith(config.CACHE_DIR)


def test_every_kernel_is_compiled_through_it() -> None:
    files = [p for part in ("recon", "detectors") for p in (ROOT / part).rglob("*.py") if p.name != "compiled.py"]
    assert [p.name for p in files if re.search(r"from numba import|numba\.njit", p.read_text())] == []

"""The key of the pseudonyms: one for a workspace, whole, and nobody else's to read."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agents.masking import mask_key
from recon.errors import Damaged


def test_all_that_ask_at_once_get_one_whole_key(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: mask_key(home), range(40)))
    assert [len(key) for key in keys] == [32]
    assert stat.S_IMODE((home / "mask.key").stat().st_mode) == 0o600
    assert [path.name for path in home.iterdir()] == ["mask.key"]


def test_a_key_that_is_not_whole_masks_nothing(tmp_path: Path) -> None:
    (tmp_path / "mask.key").write_bytes(b"")
    with pytest.raises(Damaged, match=r"not a key \(0 bytes, 32 are needed\): remove it"):
        mask_key(tmp_path)

"""Where the shared real files are, when they are there; a fresh clone has none and the tests skip."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"the shared files are not at {SHARED.name}/")

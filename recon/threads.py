"""Compiled kernels on one thread: for few rows, waking the others costs more than the work."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

FEW: Final = 20_000
"""Rows up to which one thread is quicker: on a busy machine each parallel kernel waits for all its threads."""


@contextmanager
def one_thread(when: bool = True) -> Iterator[None]:
    """Kernels that this thread starts run on one thread, where `when` holds."""
    import numba

    before = numba.get_num_threads()
    numba.set_num_threads(1 if when else before)
    try:
        yield
    finally:
        numba.set_num_threads(before)

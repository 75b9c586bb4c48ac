"""Strata: which past rows a row's surprise is compared with, and what is counted of them.

Rows are compared with rows of like support and of series of like kind; the counts are order-free integers, so that
buckets add up. Counting is a part of the walk (`detectors.walk`); what the counts mean is `detectors.calibration`.
"""

from typing import Final

from recon.compiled import njit

MILD: Final = 4.0
"""-ln p of a mild excursion: a series by whose nature such come often is judged beside others like it."""

BINS: Final = 1024
BIN_WIDTH: Final = 0.125
STRATUM_KINDS: Final = 4
STRATA: Final = 6 * STRATUM_KINDS

TALLY: Final = 20
"""Rows and mild excursions by kind; series and their rows: without one, calm with one, wild (dense, then sparse)."""
T_ROWS, T_EPISODES, T_SERIES, T_SERIES_ROWS = 0, 4, 8, 14


@njit(cache=True)
def is_wild(episodes: int, rows: float) -> bool:
    """More mild excursions than accidents would bring: two, and one more for each 80 rows or so.

    >>> is_wild(1, 60.0), is_wild(2, 60.0), is_wild(2, 100.0), is_wild(4, 200.0)
    (False, True, False, True)
    """
    return episodes > 1.0 + 0.012 * rows


@njit(cache=True)
def stratum_of(support: int, wild: bool, sparse: bool) -> int:
    """Rows are compared with rows of like support (6 steps) and of like kind.

    The kinds: a series that mostly differs (0, 1) or mostly matches (2, 3), calm (0, 2) or wild (1, 3) so far.

    >>> stratum_of(2, False, False), stratum_of(50, True, True)
    (0, 23)
    """
    if support < 3:
        a = 0
    elif support < 6:
        a = 1
    elif support < 12:
        a = 2
    elif support < 20:
        a = 3
    elif support < 40:
        a = 4
    else:
        a = 5
    return a * STRATUM_KINDS + (2 if sparse else 0) + (1 if wild else 0)


@njit(cache=True)
def bin_of(surprise: float) -> int:
    """The histogram bin of a surprise rounded to 9 decimals, so that the last bit never decides.

    >>> bin_of(0.0), bin_of(0.07), bin_of(1e9)
    (0, 0, 1023)
    """
    b = int(round(surprise * 1e9) / 1e9 / BIN_WIDTH) if surprise < 128.0 else BINS - 1
    return min(max(b, 0), BINS - 1)

"""Stable ids: the same key, pair and date give the same id in every run, file, engine and machine.

The hashes are made on one core each: the lake's writer asks for them while the run's parallel kernels are at work, and
where numba knows only its own pool two of those may not meet.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from recon.compiled import njit

_FNV_OFFSET = np.uint64(0xCBF29CE484222325)
_FNV_PRIME = np.uint64(0x100000001B3)


@njit(cache=True)
def _mix(h: np.uint64) -> np.uint64:
    """The finaliser of splitmix64 (Steele, Lea, Flood 2014): every input bit reaches every output bit."""
    h ^= h >> np.uint64(30)
    h *= np.uint64(0xBF58476D1CE4E5B9)
    h ^= h >> np.uint64(27)
    h *= np.uint64(0x94D049BB133111EB)
    h ^= h >> np.uint64(31)
    return h


@njit(cache=True, nogil=True)
def _hash_strings(offsets: npt.NDArray[np.int64], data: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    n = len(offsets) - 1
    out = np.empty(n, np.uint64)
    for i in range(n):
        h = _FNV_OFFSET
        for j in range(offsets[i], offsets[i + 1]):
            h = (h ^ np.uint64(data[j])) * _FNV_PRIME
        out[i] = _mix(h)
    return out


@njit(cache=True, nogil=True)
def _combine(a: npt.NDArray[np.uint64], b: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    out = np.empty(len(a), np.uint64)
    for i in range(len(a)):
        out[i] = _mix(a[i] * np.uint64(0x9E3779B97F4A7C15) + b[i])
    return out


def text_hashes(vocabulary: pa.Array) -> npt.NDArray[np.uint64]:
    """FNV-1a 64 of each text's UTF-8 bytes, mixed; null counts as empty text."""
    strings = pa.array(vocabulary, type=pa.large_string()).fill_null("")
    _, offsets, data = strings.buffers()
    start = strings.offset
    where = np.frombuffer(offsets, np.int64)[start : start + len(strings) + 1]
    octets = np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(1, np.uint8)
    return np.asarray(_hash_strings(where, octets), dtype=np.uint64)


def series_hashes(
    columns: Sequence[tuple[npt.NDArray[np.int32], npt.NDArray[np.uint64]]], n: int
) -> npt.NDArray[np.uint64]:
    """One hash per row from its key columns, given as (codes, hash of each vocabulary entry), in key order."""
    h = np.full(n, 17, np.uint64)
    for codes, hashes in columns:
        h = _combine(h, hashes[codes])
    return h


def number_of(*parts: str) -> np.uint64:
    """A 64-bit number for some words, for combining with row hashes."""
    digest = hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "big"))


def break_numbers(
    recon: str,
    pair: str,
    series: npt.NDArray[np.uint64],
    day: npt.NDArray[np.int32],
    occurrence: npt.NDArray[np.int64],
) -> npt.NDArray[np.uint64]:
    """Break ids as numbers: recon + key + pair + business date + occurrence."""
    h = np.full(len(series), number_of("break", recon, pair), np.uint64)
    h = _combine(h, series)
    h = _combine(h, day.astype(np.int64).view(np.uint64))
    return np.asarray(_combine(h, occurrence.astype(np.int64).view(np.uint64)), dtype=np.uint64)


def item_number(recon: str, pair: str, series: int, onset_day: int) -> int:
    """An item's id as a number: recon + key + pair + onset."""
    return int(number_of("item", recon, pair, str(series), str(onset_day)))


def break_id(number: int) -> str:
    """`B` and 16 hexadecimal digits."""
    return f"B{int(number):016x}"


def item_id(number: int) -> str:
    """`I` and 16 hexadecimal digits."""
    return f"I{int(number):016x}"


def short_id(prefix: str, *parts: str) -> str:
    """`prefix` and 12 hexadecimal digits of the SHA-256 of the parts; for cases, resolutions, drafts."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
    return f"{prefix}{digest[:12]}"


def case_id(recon: str, cause: str, scope: Sequence[tuple[str, str]], onset: str) -> str:
    """A case's id from recon + cause + scope + onset, stable over runs."""
    words = [f"{column}={value}" for column, value in sorted(scope)]
    return short_id("C", recon, cause, "\x1e".join(words), onset)


def scope_key(recon: str, cause: str, scope: Sequence[tuple[str, str]]) -> str:
    """SHA-256 of recon + cause + scope: one open ticket each."""
    words = [f"{column}={value}" for column, value in sorted(scope)]
    return hashlib.sha256("\x1f".join([recon, cause, *words]).encode()).hexdigest()

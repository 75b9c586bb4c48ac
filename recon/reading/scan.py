"""The scanner: where each row of a delimited file begins and ends, quotes and line ends counted, in one pass.

DuckDB's parser is faster and reads every clean file; this one never gives up, and so decides what is a row and
what is a reject in the files that DuckDB refuses.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

COMPILE_FROM: Final = 2_000_000
"""Bytes from which compiling the scanner pays."""

CLEAN: Final = 0
QUIRKY: Final = 1
"""A quote inside a field: to be split by our own rules and written out anew."""
UNCLOSED: Final = 2
"""A quote that opens and never closes: the row is its first line only."""

NEWLINE, RETURN, QUOTE, SPACE = 10, 13, 34, 32
NO_END: Final = 2**62


@dataclass(frozen=True)
class Scan:
    """One entry per row; blank lines are no rows."""

    begin: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    """First byte after the row, its line end left out."""
    fields: npt.NDArray[np.int32]
    line: npt.NDArray[np.int64]
    """1-based physical line on which the row begins."""
    flag: npt.NDArray[np.uint8]
    broken: int
    """Rows with a stray quote, with more fields than a good row or with less than half of them."""

    @property
    def n(self) -> int:
        return len(self.begin)


def scan(
    data: npt.NDArray[np.uint8], delimiter: int, width: int, start: int = 0, line: int = 1, most: int = NO_END
) -> Scan:
    """Finds the rows of `data[start:]`; `width` is the number of fields that a good row has.

    Stops at the row that is one more than `most` broken ones.
    """
    ends = int(np.count_nonzero(data == NEWLINE) + np.count_nonzero(data == RETURN)) + 2
    begin, end, lines = (np.empty(ends, dtype=np.int64) for _ in range(3))
    fields, flag = np.empty(ends, dtype=np.int32), np.empty(ends, dtype=np.uint8)
    small = data.size < COMPILE_FROM
    run = _scan if small else _compiled()
    source: Any = data.tobytes() if small else data
    n, broken = run(source, data.size, start, line, delimiter, width, most, begin, end, fields, lines, flag)
    return Scan(begin[:n].copy(), end[:n].copy(), fields[:n].copy(), lines[:n].copy(), flag[:n].copy(), broken)


@cache
def _compiled() -> Callable[..., tuple[int, int]]:
    from recon.compiled import njit

    compiled: Callable[..., tuple[int, int]] = njit(cache=True, nogil=True)(_scan)
    return compiled


def _scan(data, size, start, line, delimiter, width, most, begin, end, fields, lines, flags):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    # Every second look at the same bytes is paid from this purse; when it is empty, quotes are plain text.
    purse = 8 * size + 1_000_000
    n = 0
    broken = 0
    i = start
    while i < size and broken <= most:
        row_begin = i
        row_line = line
        count = 1
        fresh = True
        quoted = False
        quirky = False
        spaces = False
        while i < size:
            c = data[i]
            if quoted:
                if c == 34:
                    after = data[i + 1] if i + 1 < size else 10
                    if after == 34:
                        i += 2
                        continue
                    if after == delimiter or after == 10 or after == 13:
                        quoted = False
                    else:
                        quirky = True
                elif c == 10:
                    line += 1
                i += 1
                continue
            if c == delimiter:
                count += 1
                fresh = True
                spaces = False
            elif c == 10 or c == 13:
                break
            elif c == 34 and purse > 0:
                if fresh:
                    quoted = True
                    fresh = False
                    if spaces:
                        quirky = True
                else:
                    quirky = True
            elif c == 32:
                spaces = True
            else:
                fresh = False
                if c == 34:
                    quirky = True
            i += 1
        flag = 1 if quirky else 0
        if quoted or (line > row_line and count != width and (quirky or line - row_line > 100)):
            # A stray quote swallowed lines that are rows of their own: keep the first line, look at the rest again.
            purse -= i - row_begin
            i = row_begin
            while i < size and data[i] != 10 and data[i] != 13:
                i += 1
            line = row_line
            flag = 2
        if i > row_begin:
            begin[n] = row_begin
            end[n] = i
            fields[n] = count
            lines[n] = row_line
            flags[n] = flag
            n += 1
            if flag != 0 or count > width or 2 * count < width:
                broken += 1
        if i < size:
            if data[i] == 13 and i + 1 < size and data[i + 1] == 10:
                i += 1
            i += 1
        line += 1
    return n, broken


def split_row(text: str, delimiter: str) -> list[str]:
    """The fields of one row's text, by the same rules as the scanner.

    >>> split_row('1, "a ""b"", c",5" pipe', ",")
    ['1', 'a "b", c', '5" pipe']
    """
    fields: list[str] = []
    at = 0
    while True:
        field, at = _field(text, at, delimiter)
        fields.append(field)
        if at >= len(text):
            return fields
        at += 1
        if at == len(text):
            return [*fields, ""]


def _field(text: str, at: int, delimiter: str) -> tuple[str, int]:
    opened = at
    while opened < len(text) and text[opened] == " " and delimiter != " ":
        opened += 1
    if opened >= len(text) or text[opened] != '"':
        stop = text.find(delimiter, at)
        stop = len(text) if stop < 0 else stop
        return text[at:stop], stop
    parts: list[str] = []
    start = opened + 1
    while True:
        close = text.find('"', start)
        if close < 0:
            return "".join(parts) + text[start:], len(text)
        after = text[close + 1 : close + 2]
        if after == '"':
            parts.append(text[start : close + 1])
            start = close + 2
        elif after in ("", delimiter, "\n", "\r"):
            parts.append(text[start:close])
            return "".join(parts), close + 1
        else:
            parts.append(text[start : close + 1])
            start = close + 1

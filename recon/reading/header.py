"""Which row is the header: the first one as wide as the table whose cells are names, not values."""

import re
from collections import Counter
from collections.abc import Sequence

from recon.money import is_blank, parse_amount
from recon.reading.dates import looks_like_date
from recon.text import normalise, squash

MOST_CELLS = 500
"""Cells of a row that are looked at: a header shows itself in fewer."""
_LETTER = re.compile(r"[^\W\d_]")


def is_value(cell: str) -> bool:
    """True for what a header cell never is: a number or a date."""
    bare = cell.strip()
    if not bare or len(bare) > 60:
        return False
    if not any(letter.isdigit() for letter in bare):
        return False
    return parse_amount(bare) is not None or parse_amount(bare, "comma") is not None or looks_like_date(bare)


def filled(row: Sequence[str]) -> int:
    """Cells that hold something."""
    return sum(1 for cell in row if cell.strip())


def usual_width(rows: Sequence[Sequence[str]]) -> int:
    """The number of filled cells that most rows reach; 0 without rows."""
    widths = Counter(filled(row) for row in rows if filled(row) > 1)
    return max(widths, key=lambda width: (widths[width], width), default=0)


def find_header(rows: Sequence[Sequence[str]], start: int = 0) -> int | None:
    """Index of the header among `rows[start:]`; None when the first row of the table's width holds values.

    >>> find_header([["Report of May"], ["Account", "Amount"], ["1", "2.50"]])
    1
    >>> find_header([["7", "2026-05-01", "2.50"], ["8", "2026-05-02", "1"]]) is None
    True
    """
    usual = usual_width(rows[start:])
    for index in range(start, len(rows)):
        row = rows[index]
        cells = [cell for cell in row[:MOST_CELLS] if cell.strip()]
        if len(cells) < 2 or len(cells) < 0.5 * min(usual, MOST_CELLS):
            continue
        values = sum(map(is_value, cells))
        names = sum(1 for cell in cells if _LETTER.search(cell) and not is_blank(cell))
        if values <= 0.25 * len(cells) and names >= 0.5 * len(cells):
            return index
        return None
    return None


def under_groups(above: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """The names; those that stand twice told apart by the row above, where a group's word begins its columns.

    >>> under_groups(["", "Ledger", "", "Bank", ""], ["Date", "Amount", "Units", "Amount", "Units"])
    ('Date', 'Ledger Amount', 'Ledger Units', 'Bank Amount', 'Bank Units')
    >>> under_groups(["Report of May", "", ""], ["Date", "Amount", "Amount"])
    ('Date', 'Amount', 'Amount')
    """
    counted = Counter(squash(name) for name in names if name.strip())
    twice = [i for i, name in enumerate(names) if name.strip() and counted[squash(name)] > 1]
    if not twice or any(map(is_value, above)):
        return tuple(names)
    told, group = list(names), ""
    for i in range(len(names)):
        group = normalise(above[i]) if i < len(above) and above[i].strip() else group
        told[i] = f"{group} {names[i]}" if i in twice and group else names[i]
    apart = len({squash(told[i]) for i in twice}) == len(twice)
    return tuple(told if apart else names)

"""A fee or tax: a round share, or a fixed amount, that recurs across breaks of different amounts."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

import numpy as np
from scipy.special import pdtrc

from detectors.chance import crowd
from detectors.digits import Units
from detectors.mechanisms.ratios import Cluster, clusters, one_each, ratio_bounds, simplest
from detectors.mechanisms.table import Bench, Breaks, Found
from detectors.proof import Proof
from recon.words import Side

GATE: Final = 1e-4
TIMES: Final = 3
"""A fixed amount recurs when it stands on so many breaks of different keys and amounts."""
CROWDED: Final = 4.0
"""So many times as often as its neighbours must a fixed charge recur: of a crowd of like differences (a side rounded to
whole units) those at the edge have neighbours on one side only, and chance alone looks too small."""
SHARE: Final = Fraction(35, 100)
LUCK: Final = Fraction(1, 20)
MOST_OF: Final = 0.6
"""Share of a currency's rows from which what they show alike is the currency's."""
MEANT: Final = 3
"""A share of a fee has so many significant digits at most: 0.125%, 17.5%, 20%."""


def find(bench: Bench, table: Breaks) -> Iterator[Found]:
    unit = table.panel.pair.unit
    if table.is_text or table.one_sided_pair or unit in ("quantity", "rate"):
        return
    for cluster in clusters(table):
        share = as_share(table, cluster)
        if share is not None and not one_currency(table, cluster):
            yield from _shares(table, cluster, *share)
    if unit != "price":
        yield from _fixed(table)


def as_share(table: Breaks, cluster: Cluster) -> tuple[Fraction, str] | None:
    """The round share of the cluster and of what it is taken: `gross` (of the larger) or `net` (on the smaller).

    One break that fits the cluster by chance may narrow it too far: without any one of the three that narrow it
    most, the others are heard again.
    """
    found = _round_share(cluster.low, cluster.high, _mixed(table, cluster))
    if found is not None or len(cluster.members) <= 3:
        return found
    bounds = [_bounds(table, int(i)) for i in cluster.members]
    for k in sorted(range(len(bounds)), key=lambda k: bounds[k][1] - bounds[k][0])[:3]:
        rest = bounds[:k] + bounds[k + 1 :]
        found = _round_share(max(b[0] for b in rest), min(b[1] for b in rest), _mixed(table, cluster))
        if found is not None:
            return found
    return None


def _bounds(table: Breaks, i: int) -> tuple[Fraction, Fraction]:
    left, right = abs(int(table.left[i])), abs(int(table.right[i]))
    return ratio_bounds(max(left, right), min(left, right), 10**table.grain + 2 * table.noise)


def _mixed(table: Breaks, cluster: Cluster) -> bool:
    return len(np.unique(table.currency[cluster.members])) > 1


def _round_share(low: Fraction, high: Fraction, mixed: bool) -> tuple[Fraction, str] | None:
    taken = simplest(1 - 1 / low, 1 - 1 / high, 6)
    added = simplest(low - 1, high - 1, 6)
    options = []
    for found, of in ((taken, "gross"), (added, "net")):
        if found is not None and found[0] > 0:
            digits = str(found[0]).rstrip("0")
            # of random ratios, so many would allow a share with as few digits
            luck = (high - low) * 10 ** found[1]
            usual = len(digits) <= MEANT - 1 or (len(digits) == MEANT and (mixed or digits.endswith("5")))
            if Fraction(found[0], 10 ** found[1]) <= SHARE and usual and luck <= LUCK:
                options.append((len(digits), found[1], Fraction(found[0], 10 ** found[1]), of))
    return (min(options)[2], min(options)[3]) if options else None


def one_currency(table: Breaks, cluster: Cluster) -> bool:
    """True when the ratio belongs to one currency more than chance allows: a rate rather than a fee.

    Where nothing but this currency breaks, it is held against all of today's rows, of which it must then hold most
    of the currency's: a fee of one bank leaves the other banks' rows alone.
    """
    codes = table.currency[table.both]
    mine = table.currency[cluster.members]
    if len(np.unique(mine)) > 1:
        return False
    share = np.count_nonzero(codes == mine[0]) / max(len(codes), 1)
    if share ** (len(mine) - 1) < 0.02 or _both_ways(table, cluster):
        return True
    column = table.panel.columns.get(table.currency_column or "")
    if column is None:
        return False
    today = column.codes[table.panel.current]
    alike = int(np.count_nonzero(today == mine[0]))
    return bool((alike / len(today)) ** (len(mine) - 1) < 0.02 and len(cluster.whole) >= MOST_OF * alike)


def _both_ways(table: Breaks, cluster: Cluster) -> bool:
    """Now the left is larger, now the right: a fee is taken on one side only."""
    larger = np.abs(table.left[cluster.members]) > np.abs(table.right[cluster.members])
    return bool(larger.any() and not larger.all())


def percent(share: Fraction) -> str:
    """A share as a percentage in exact decimals.

    >>> percent(Fraction(1, 400)), percent(Fraction(1, 5))
    ('0.25', '20')
    """
    digits, places = simplest(share * 100, share * 100, 9) or (0, 0)
    text = str(digits).zfill(places + 1)
    return f"{text[:-places]}.{text[-places:]}" if places else text


def _shares(table: Breaks, cluster: Cluster, share: Fraction, of: str) -> Iterator[Found]:
    said = percent(share)
    others = len(cluster.whole) - 1
    for i in cluster.whole:
        larger: Side = "left" if abs(table.left[i]) > abs(table.right[i]) else "right"
        base = (
            max(abs(table.left[i]), abs(table.right[i]))
            if of == "gross"
            else min(abs(table.left[i]), abs(table.right[i]))
        )
        statement = (
            f"The difference {table.figure(table.size[i])} is {said}% of {table.figure(base)}; "
            f"{others} other break{'s' if others > 1 else ''} show the same share."
        )
        values = table.values(int(i)) | {"percent": said, "base": table.plain(base), "others": others}
        rows = tuple(int(table.rows[j]) for j in cluster.whole if j != i)
        suspect: Side = "right" if larger == "left" else "left"
        yield int(i), Proof("fee_or_tax", "share", statement, cluster.chance, suspect, rows[:20], values)


def _fixed(table: Breaks) -> Iterator[Found]:
    index = np.flatnonzero(table.both)
    if len(index) < TIMES:
        return
    amounts, inverse, count = np.unique(table.diff[index], return_inverse=True, return_counts=True)
    tests = len(amounts)
    for a in np.flatnonzero(count >= TIMES):
        members = index[inverse == a]
        members = members[np.sort(np.unique(table.series[members], return_index=True)[1])]
        members = members[one_each(table.left[members], table.right[members])]
        expected = _expected(table, index, int(amounts[a]))
        chance = float(pdtrc(len(members) - 2, expected))
        if len(members) >= max(TIMES, CROWDED * expected) and chance <= min(GATE, 1 / (10 * tests)):
            yield from _amounts(table, index[inverse == a], len(members), chance)


def _expected(table: Breaks, index: Units, amount: int) -> float:
    """How often this very difference would recur among the others by chance, its sign included."""
    others = table.diff[index]
    others = others[np.abs(others) != abs(amount)]
    return float(crowd(np.array([amount]), others)[0]) / 2


def _amounts(table: Breaks, members: Units, keys: int, chance: float) -> Iterator[Found]:
    for i in members:
        statement = (
            f"The difference of {table.figure(table.size[i])} is the same on {keys} keys with different amounts: "
            f"a fixed charge."
        )
        values = table.values(int(i)) | {"charge": table.plain(table.size[i]), "keys": keys}
        rows = tuple(int(table.rows[j]) for j in members if j != i)
        yield int(i), Proof("fee_or_tax", "fixed", statement, chance, "unclear", rows[:20], values)

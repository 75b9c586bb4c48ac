"""Retrieval: are the resolutions of a break's own family found first among twenty times as many, none from later?"""

import time
from datetime import date, timedelta
from random import Random
from typing import Any, Final

from evals.desk import eval_desk
from memory.embedding import Features
from memory.resolution import Resolution

CAUSES: Final = ("fx_rate", "timing", "rounding", "duplicate", "fee_or_tax", "missing_left", "misposting", "stale")
MECHANISMS: Final = ("yesterdays_rate", "cut_off", "rounded", "twice", "basis_points", "absent", "cancels", "unchanged")
PAIRS: Final = ("Balance", "Price", "Quantity")
PATTERNS: Final = ("spike", "level_shift", "in_line", "inconsistent", "repeated")
PHRASES: Final = (
    ("rate taken from the day before", "old rate was used", "stale rate, corrected by treasury"),
    ("booked after cut-off", "late posting, clears tomorrow", "timing only, next day settles"),
    ("rounding of the system", "decimals cut off", "rounded at source"),
    ("entry came twice", "duplicate reversed", "booked two times, one cancelled"),
    ("fee not booked on one side", "commission missing", "broker charge to be passed"),
    ("trade missing in one book", "not received, resent", "absent, feed replayed"),
    ("wrong account, moved", "misposted and reclassified", "posted to the neighbour account"),
    ("price not refreshed", "stale feed", "source stood still, refreshed"),
)


def _family(rng: Random) -> dict[str, Any]:
    n = rng.randrange(len(CAUSES))
    return {
        "cause": CAUSES[n],
        "mechanism": MECHANISMS[n],
        "pattern": rng.choice(PATTERNS),
        "pair": rng.choice(PAIRS),
        "sign": rng.choice((-1, 1)),
        "size": rng.uniform(0, 8),
        "phrases": PHRASES[n],
        "desk": f"D{rng.randrange(40)}",
        "product": f"P{rng.randrange(25)}",
    }


def _features(family: dict[str, Any], rng: Random, comment: str = "") -> Features:
    return Features(
        pattern=family["pattern"],
        cause=family["cause"],
        mechanism=family["mechanism"],
        pair=family["pair"],
        sign=family["sign"],
        size=family["size"] + rng.gauss(0, 0.25),
        columns={"Desk": family["desk"], "Product": family["product"], "Account": str(rng.randrange(10**7, 10**8))},
        comment=comment,
    )


def run(quick: bool = False) -> dict[str, Any]:
    """recall@5, MRR, look-ahead, and milliseconds a search; `headline` has what is promised."""
    rng = Random(11)
    families = [_family(rng) for _ in range(20 if quick else 60)]
    others = [_family(rng) for _ in range(20 * len(families))]
    start = date(2025, 1, 1)
    known: list[Resolution] = []
    own: dict[str, int] = {}
    for n, family in enumerate([*families, *others]):
        for _ in range(5):
            comment = f"{rng.choice(family['phrases'])} {rng.randrange(1000)}"
            day = start + timedelta(days=rng.randrange(360))
            i = f"R{len(known):06d}"
            own[i] = n
            known.append(Resolution(i, "eval", day, day, comment, _features(family, rng), outcome="resolved"))
    with eval_desk() as desk:
        desk.resolutions.add_many(known)
        hits, ranks, later, spent = 0.0, 0.0, 0, 0.0
        asked = 0
        for n, family in enumerate(families):
            day = start + timedelta(days=rng.randrange(120, 400))
            if not any(own[r.id] == n and (r.business_date or day) <= day for r in known):
                continue
            asked += 1
            began = time.perf_counter()
            found = desk.resolutions.similar(_features(family, rng), "eval", before=day, k=5)
            spent += time.perf_counter() - began
            places = [at for at, m in enumerate(found, start=1) if own[m.resolution.id] == n]
            hits += bool(places)
            ranks += 1 / places[0] if places else 0
            later += sum((m.resolution.business_date or day) > day for m in found)
    return {
        "resolutions": len(known),
        "asked": asked,
        "headline": {
            "recall at 5": hits / asked,
            "MRR": ranks / asked,
            "from the future": later,
            "milliseconds a search": 1000 * spent / asked,
        },
    }


def table(result: dict[str, Any]) -> str:
    """As the scoreboard prints it."""
    return f"{result['resolutions']:,} resolutions, {result['asked']} breaks with unseen keys"

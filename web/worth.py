"""Worth a look: a few breaks that were not flagged and whose tags would teach most.

They stand outside the promised rate of false alarms: nobody says that something is wrong with them.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from agents.desk import Desk
from agents.lessons import lessons_of
from detectors import taste
from detectors.lessons import LOOKED_AT
from detectors.showing import to_show
from memory.cases import OPEN_STATES
from memory.judged import JudgedBreak, judged_breaks
from web.blast import known_of

SEARCHED: Final = 10_000
NEAREST: Final = 10
"""How many of those most worth a look are chosen from for each that is shown."""
SAID: Final = "Not flagged, and outside the promised rate of false alarms: shown for what your tag would teach."


def worth_a_look(desk: Desk, recon: str, count: int) -> list[JudgedBreak]:
    """At most `count` breaks of open cases that were not called, though strange: of every pattern, the best first.

    What was tagged before, and what a person's word keeps quiet, is not asked again.
    """
    said = desk.feedback.list(recon=recon)
    tagged = {f.target_id for f in said}
    rows = [r for r in judged_breaks(desk.db, recon, said, SEARCHED) if _open_question(r, tagged)]
    by_pair: dict[str, list[JudgedBreak]] = {}
    for row in rows:
        by_pair.setdefault(row.brk.pair, []).append(row)
    lessons = lessons_of(desk, recon)
    found: list[tuple[float, float, JudgedBreak]] = []
    for pair, ours in sorted(by_pair.items()):
        seen = known_of(pair, ours).seen
        open_to = ~lessons.effect(seen).quiet & (seen.surprise > LOOKED_AT)
        worth = taste.worth(lessons.lessons, seen)
        found += [(float(worth[i]), float(seen.surprise[i]), ours[i]) for i in np.flatnonzero(open_to)]
    nearest = sorted(found, key=lambda f: (-f[0], f[2].brk.break_id))[: NEAREST * count]
    kinds = np.array([row.brk.pattern for *_, row in nearest], dtype=str)
    return [nearest[i][2] for i in to_show(kinds, np.array([s for _, s, _ in nearest], np.float64), count)]


def _open_question(row: JudgedBreak, tagged: set[str]) -> bool:
    spoken_of = row.case_id in tagged or row.brk.break_id in tagged
    return row.case_state in OPEN_STATES and row.brk.anomaly == "no" and not spoken_of


def worth_json(row: JudgedBreak) -> Mapping[str, Any]:
    """One line of the list."""
    b = row.brk
    day = b.business_date.isoformat() if b.business_date else None
    return {
        "break_id": b.break_id, "case_id": row.case_id, "business_date": day, "pair": b.pair, "key": b.key,
        "difference": b.difference, "currency": b.currency, "pattern": b.pattern, "pvalue": b.pvalue,
        "reason": b.reason,
    }  # fmt: skip

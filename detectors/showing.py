"""What to show a person so that labels teach most.

After Active Anomaly Discovery (Das, Wong, Dietterich, Fern, Emmott: Incorporating Expert Feedback into Active Anomaly
Discovery, ICDM 2016): the most anomalous under what is known so far, one of each kind first, since ten alike teach
as little as one.
"""

import numpy as np
import numpy.typing as npt

from detectors.judgement import Judgement
from detectors.views import NAMES


def to_show(judgement: Judgement, count: int) -> npt.NDArray[np.int64]:
    """The rows (indices into the judgement) whose labels are worth most: strange and trusted, unlike each other.

    The strangest first, each divided by the root of its place within its kind (pattern, deciding view).
    """
    worth = judgement.score / (1.0 - judgement.score)
    order = np.argsort(-worth, kind="stable")
    view = np.array([judgement.views[name] for name in NAMES]).argmin(axis=0)
    kind = judgement.pattern.astype(np.int64) * len(NAMES) + view
    seen: dict[int, int] = {}
    rank = np.empty(len(order))
    for i in order:
        seen[int(kind[i])] = seen.get(int(kind[i]), 0) + 1
        rank[i] = worth[i] / seen[int(kind[i])] ** 0.5
    best: npt.NDArray[np.int64] = np.argsort(-rank, kind="stable")[:count]
    return best

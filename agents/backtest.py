"""`tieout backtest`: the past replayed day by day, each day with only what was known then, and what came of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from agents.precedents import resolutions_of_history
from detectors.assess import Question, assess, findings_of, most_surprising
from detectors.casework import Casework, break_numbers_of, occurrences
from detectors.grouping import PATTERN_IDS, Judged
from memory.resolutions import Resolution, features_of_break, same_wording
from recon.calendar import BusinessCalendar, to_date, to_day
from recon.errors import BadInput
from recon.panels import build_panels
from recon.reading import read
from recon.recon_file import ReconFile
from recon.rows import NO_DAY, Reading, take
from tools.comments import Precedents

MOST_DAYS = 120
"""Days replayed when no range is given: the newest ones."""

TRUE_WORDS = frozenset({"yes", "y", "true", "1", "anomaly", "anomalous"})


@dataclass
class Counts:
    """What a stretch of days came to. Precision and recall stay None where no label says what was true."""

    days: int = 0
    rows: int = 0
    breaks: int = 0
    alerts: int = 0
    insufficient: int = 0
    labelled: int = 0
    true_labels: int = 0
    hits: int = 0
    causes_proved: int = 0
    comments_known: int = 0
    comments_proposed: int = 0
    comments_right: int = 0

    def to_json(self) -> dict[str, Any]:
        def share(part: int, whole: int) -> float | None:
            return round(part / whole, 4) if whole else None

        return {
            **asdict(self),
            "alerts_a_day": share(self.alerts, self.days),
            "precision": share(self.hits, self.alerts) if self.labelled else None,
            "recall": share(self.hits, self.true_labels),
            "cause_proved": share(self.causes_proved, self.breaks),
            "comment_precision": share(self.comments_right, self.comments_proposed),
            "comment_recall": share(self.comments_right, self.comments_known),
        }


@dataclass(frozen=True)
class Backtest:
    """A replay: the whole, and a line for each day."""

    whole: Counts
    days: tuple[dict[str, Any], ...]
    patterns: dict[str, int]
    causes: dict[str, int]
    notes: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            **self.whole.to_json(),
            "patterns": self.patterns,
            "causes": self.causes,
            "by_day": list(self.days),
            "notes": list(self.notes),
        }

    def text(self) -> str:
        """What a person reads."""
        said = self.whole.to_json()

        def percent(name: str) -> str:
            return "no labels" if said[name] is None else f"{said[name]:.0%}"

        lines = [
            f"{self.whole.days:,} days, {self.whole.rows:,} rows, {self.whole.breaks:,} breaks, "
            f"{self.whole.alerts:,} alerts ({said['alerts_a_day'] or 0:.2f} a day), "
            f"{self.whole.insufficient:,} rows without enough history.",
            f"Precision {percent('precision')}, recall {percent('recall')} against the label column.",
            f"A cause was proved for {percent('cause_proved')} of breaks.",
            f"Comments: proposed for {self.whole.comments_proposed:,} of {self.whole.comments_known:,} commented "
            f"breaks, {self.whole.comments_right:,} worded as the operator did.",
            "Patterns: " + (", ".join(f"{k} {v:,}" for k, v in self.patterns.items()) or "none"),
            "Causes: " + (", ".join(f"{k} {v:,}" for k, v in self.causes.items()) or "none"),
            *self.notes,
        ]
        return "\n".join(lines)


def backtest(file: Path, said: ReconFile, start: date | None, end: date | None, *, today: date) -> Backtest:
    """Replays `file`. Raises BadInput when it has no dates, or none in the range."""
    reading = read([file], said, today=today)
    days = np.unique(reading.rows.day[reading.rows.day != NO_DAY])
    if not len(days):
        msg = f"{file}: no date column was found, so there are no days to replay; name it under columns.date"
        raise BadInput(msg)
    first = to_day(start) if start else int(days[max(len(days) - MOST_DAYS, min(1, len(days) - 1))])
    last = to_day(end) if end else int(days[-1])
    wanted = [int(d) for d in days if first <= d <= last]
    if not wanted:
        held = f"{to_date(int(days[0]))} to {to_date(int(days[-1]))}"
        msg = f"{file}: no rows between {to_date(first)} and {to_date(last)}; it holds {held}"
        raise BadInput(msg)
    replay = _Replay(reading, said)
    lines = [replay.day(day) for day in wanted]
    return Backtest(replay.whole, tuple(lines), _ranked(replay.patterns), _ranked(replay.causes), replay.notes())


def _ranked(counted: Counter[str]) -> dict[str, int]:
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


class _Replay:
    """Walks the days of one reading, oldest first."""

    def __init__(self, reading: Reading, said: ReconFile) -> None:
        self._reading = reading
        self._said = said
        self._calendar = BusinessCalendar.of(said.calendar)
        self._labels = _labels(reading)
        self._memory: list[Resolution] = []
        self._remembered = int(NO_DAY)
        self.whole = Counts()
        self.patterns: Counter[str] = Counter()
        self.causes: Counter[str] = Counter()

    def day(self, day: int) -> dict[str, Any]:
        """Judges one day with what came before it; its line."""
        rows = self._reading.rows
        current = take(self._reading, np.flatnonzero(rows.day == day))
        history = take(self._reading, np.flatnonzero((rows.day < day) & (rows.day != NO_DAY)))
        panels = build_panels(current, history, self._said)
        judged = assess(Question(panels, current.layout, self._said, self._calendar))
        counts = Counts(days=1, rows=current.rows.n)
        self._count_alerts(counts, judged, current, np.flatnonzero(rows.day == day))
        self._count_comments(counts, judged, current, history)
        for name, value in asdict(counts).items():
            setattr(self.whole, name, getattr(self.whole, name) + value)
        when = to_date(day)
        return {"date": when.isoformat() if when else None, **counts.to_json()}

    def notes(self) -> tuple[str, ...]:
        """What a reader must know before trusting the figures."""
        if self._labels is None:
            return ("No label column was found: precision and recall need one (columns.label).",)
        return ()

    def _count_alerts(self, counts: Counts, judged: Judged, current: Reading, where: npt.NDArray[np.int64]) -> None:
        which, position = most_surprising(judged, current.rows.n)
        truth = self._labels[where] if self._labels is not None else None
        for i, (p, j) in enumerate(zip(which.tolist(), position.tolist(), strict=True)):
            if p < 0:
                continue
            panel, judgement = judged.panels[p], judged.judgements[p]
            is_break = bool(panel.is_break[judgement.rows[j]])
            answer = int(judgement.anomaly[j])
            counts.breaks += is_break
            counts.alerts += answer == 1
            counts.insufficient += answer == -1
            if truth is not None:
                counts.labelled += 1
                counts.true_labels += bool(truth[i])
                counts.hits += bool(truth[i]) and answer == 1
            if is_break or answer == 1:
                cause = str(judged.causes[p][j])
                counts.causes_proved += is_break and cause not in ("unknown", "")
                self.causes[cause] += 1
                if int(judgement.pattern[j]) >= 0:
                    self.patterns[PATTERN_IDS[int(judgement.pattern[j])]] += 1

    def _count_comments(self, counts: Counts, judged: Judged, current: Reading, history: Reading) -> None:
        if not current.layout.comment:
            return
        self._remember(judged, history)
        counted = [occurrences(panel) for panel in judged.panels]
        numbers = [
            break_numbers_of("backtest", panel, j.rows, n)
            for panel, j, n in zip(judged.panels, judged.judgements, counted, strict=True)
        ]
        casework = Casework("backtest", current.layout, self._said, judged, current, counted, numbers)
        findings = [f for f in findings_of(judged) if judged.panels[f[0]].is_break[judged.row(f)]]
        breaks = [casework.break_row(f) for f in findings]
        mechanisms = [proof.mechanism if (proof := judged.best_proof(f)) else "" for f in findings]
        features = [features_of_break(b, m, comment="") for b, m in zip(breaks, mechanisms, strict=True)]
        precedents = Precedents(self._memory, current.layout.key)
        for brk, feature in zip(breaks, features, strict=True):
            offered = precedents.offer(feature, brk.business_date, brk.key)
            counts.comments_known += bool(brk.comment)
            if brk.comment and offered is not None:
                counts.comments_proposed += 1
                counts.comments_right += same_wording(offered.comment) == same_wording(brk.comment)

    def _remember(self, judged: Judged, history: Reading) -> None:
        fresh = take(history, np.flatnonzero(history.rows.day > self._remembered))
        if not fresh.rows.n:
            return
        panels = build_panels(take(history, np.zeros(0, np.int64)), history, self._said)
        found = resolutions_of_history("backtest", panels, history, self._said, self._calendar)
        known = {r.id for r in self._memory}
        self._memory += [r for r in found if r.id not in known]
        self._remembered = int(history.rows.day.max())


def _labels(reading: Reading) -> npt.NDArray[np.bool_] | None:
    """The truth column, read here to count and nowhere to judge."""
    if reading.layout.label is None:
        return None
    values: Sequence[str | None] = reading.rows.text.column(reading.layout.label).to_pylist()
    return np.array([(v or "").strip().casefold() in TRUE_WORDS for v in values], np.bool_)

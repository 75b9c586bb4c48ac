"""`tieout backtest`: the past replayed day by day, each day with only what was known then, and what came of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agents.precedents import NEWEST, resolutions_of_history
from detectors.assess import Question, assess, findings_of, most_surprising
from detectors.casework import Casework, break_numbers_of, occurrences
from detectors.grouping import Judged
from memory.resolution import Resolution, features_of_break, same_wording
from recon.calendar import BusinessCalendar, to_date, to_day
from recon.errors import BadInput
from recon.money import plain
from recon.panel import Panel
from recon.panels import build_panels
from recon.reading import read
from recon.recon_file import ReconFile
from recon.rows import NO_DAY, Reading
from recon.until import until
from tools.comments import Precedents

MOST_DAYS = 120
"""Days replayed when no range is given: the newest ones."""
NAMED: Final = 20
"""Alerts of a day that are named, the strangest first."""

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
        whole = self.whole
        proved = _percent(whole.causes_proved, whole.breaks)
        return "\n".join(
            [
                self._alerts(),
                self._truth(),
                f"A cause was proved for {proved} of {whole.breaks:,} breaks.",
                f"Comments: proposed for {whole.comments_proposed:,} of {whole.comments_known:,} commented "
                f"breaks, {whole.comments_right:,} worded as the operator did.",
                "Patterns: " + (", ".join(f"{k} {v:,}" for k, v in self.patterns.items()) or "none"),
                "Causes: " + (", ".join(f"{k} {v:,}" for k, v in self.causes.items()) or "none"),
                *self.notes,
            ]
        )

    def _alerts(self) -> str:
        whole = self.whole
        busiest = max(self.days, key=lambda d: (d["alerts"], d["date"]))
        quiet = sum(d["alerts"] == 0 for d in self.days)
        most = f"; most on {busiest['date']}, {busiest['alerts']:,}" if busiest["alerts"] else ""
        return (
            f"{self.days[0]['date']} to {self.days[-1]['date']}: {whole.days:,} days, {whole.rows:,} rows, "
            f"{whole.breaks:,} breaks, {whole.alerts:,} alerts ({whole.alerts / max(whole.days, 1):.2f} a day; "
            f"{quiet:,} days without one{most}), {whole.insufficient:,} rows without enough history."
        )

    def _truth(self) -> str:
        whole = self.whole
        if not whole.labelled:
            return "No label column was found: precision and recall need one (columns.label)."
        precision = _percent(whole.hits, whole.alerts) if whole.alerts else "none, as nothing was flagged"
        recall = _percent(whole.hits, whole.true_labels) if whole.true_labels else "none, as no label says yes"
        return f"Against the label column ({whole.true_labels:,} rows say yes): precision {precision}, recall {recall}."


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "none"


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
    """Walks the days of one reading, oldest first; each day is judged on the panels as they stood on it."""

    def __init__(self, reading: Reading, said: ReconFile) -> None:
        self._reading = reading
        self._said = said
        self._calendar = BusinessCalendar.of(said.calendar)
        self._panels = build_panels(reading, None, said)
        self._labels = _labels(reading)
        self._memory: list[Resolution] = []
        self._remembered: int | None = None
        self.whole = Counts()
        self.patterns: Counter[str] = Counter()
        self.causes: Counter[str] = Counter()

    def day(self, day: int) -> dict[str, Any]:
        """Judges one day with what came before it; its line."""
        layout = self._reading.layout
        panels = until(layout, self._panels, day)
        judged = assess(Question(panels, layout, self._said, self._calendar))
        where = np.flatnonzero(self._reading.rows.day == day)
        counts = Counts(days=1, rows=len(where))
        flagged = self._count_alerts(counts, judged, where)
        if layout.comment:
            self._remember(judged)
            self._count_comments(counts, judged)
            self._remembered = day
        for name, value in asdict(counts).items():
            setattr(self.whole, name, getattr(self.whole, name) + value)
        when = to_date(day)
        return {"date": when.isoformat() if when else None, **counts.to_json(), "flagged": flagged}

    def notes(self) -> tuple[str, ...]:
        """What a reader must know before trusting the figures."""
        if self._said.columns.criteria and self._said.dates:
            return ()
        return (
            "Which column is what, the date format and tolerances were read off the whole file; a recon file fixes "
            "them. No amount, comment or label of a later day was looked at.",
        )

    def _count_alerts(self, counts: Counts, judged: Judged, where: npt.NDArray[np.int64]) -> list[dict[str, Any]]:
        which, position = most_surprising(judged, self._reading.rows.n)
        flagged: list[tuple[float, dict[str, Any]]] = []
        for i in where.tolist():
            p, j = int(which[i]), int(position[i])
            if p < 0:
                continue
            panel, judgement = judged.panels[p], judged.judgements[p]
            row = int(judgement.rows[j])
            is_break, answer = bool(panel.is_break[row]), int(judgement.anomaly[j])
            counts.breaks += is_break
            counts.alerts += answer == 1
            counts.insufficient += answer == -1
            if self._labels is not None:
                counts.labelled += 1
                counts.true_labels += bool(self._labels[i])
                counts.hits += bool(self._labels[i]) and answer == 1
            if not (is_break or answer == 1):
                continue
            cause, pattern = str(judged.causes[p][j]), judged.pattern((p, j))
            counts.causes_proved += is_break and cause not in ("unknown", "")
            self.causes[cause] += 1
            self.patterns[pattern] += 1
            if answer == 1:
                flagged.append((-float(judgement.score[j]), _flag(panel, row, pattern, cause)))
        return [flag for _, flag in sorted(flagged, key=lambda f: f[0])[:NAMED]]

    def _count_comments(self, counts: Counts, judged: Judged) -> None:
        counted = [occurrences(panel) for panel in judged.panels]
        numbers = [
            break_numbers_of("backtest", panel, j.rows, n)
            for panel, j, n in zip(judged.panels, judged.judgements, counted, strict=True)
        ]
        layout = self._reading.layout
        casework = Casework("backtest", layout, self._said, judged, self._reading, counted, numbers)
        findings = [f for f in findings_of(judged) if judged.panels[f[0]].is_break[judged.row(f)]]
        breaks = [casework.break_row(f) for f in findings]
        mechanisms = [proof.mechanism if (proof := judged.best_proof(f)) else "" for f in findings]
        features = [features_of_break(b, m, comment="") for b, m in zip(breaks, mechanisms, strict=True)]
        precedents = Precedents(self._memory, layout.key)
        for brk, feature in zip(breaks, features, strict=True):
            offered = precedents.offer(feature, brk.business_date, brk.key)
            counts.comments_known += bool(brk.comment)
            if brk.comment and offered is not None:
                counts.comments_proposed += 1
                counts.comments_right += same_wording(offered.comment) == same_wording(brk.comment)

    def _remember(self, judged: Judged) -> None:
        """Adds the comments of the days since the last look, as far as a run would remember them."""
        found = resolutions_of_history(
            "backtest", judged.panels, self._reading, self._said, self._calendar, self._remembered
        )
        known = {r.id for r in self._memory}
        self._memory += [r for r in found if r.id not in known]
        self._memory.sort(key=lambda r: (r.business_date or date.min, r.id))
        del self._memory[:-NEWEST]


def _flag(panel: Panel, row: int, pattern: str, cause: str) -> dict[str, Any]:
    """One alert by its key, with the difference as text."""
    columns = ((name, panel.columns[name]) for name in panel.key_columns)
    return {
        "key": {name: str(c.vocabulary[int(c.codes[row])].as_py()) for name, c in columns},
        "pair": panel.pair.name,
        "difference": plain(int(panel.diff[row]), panel.scale),
        "pattern": pattern,
        "cause": cause,
    }


def _labels(reading: Reading) -> npt.NDArray[np.bool_] | None:
    """The truth column, read here to count and nowhere to judge."""
    if reading.layout.label is None:
        return None
    values: Sequence[str | None] = reading.rows.text.column(reading.layout.label).to_pylist()
    return np.array([(v or "").strip().casefold() in TRUE_WORDS for v in values], np.bool_)

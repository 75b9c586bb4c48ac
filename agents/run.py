"""One run, from files to drafted actions: read, judge, prove, group, keep, hand to the agents, and write it down."""

import hashlib
import json
import platform
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from agents.brief import Sources
from agents.desk import Desk
from agents.documenting import Documenter
from agents.judging import Both, engine_for, judge_run, stays_in_the_lake
from agents.lessons import lessons_of
from agents.outputs import Format, Proposed, Told, set_aside, write_json, write_tables
from agents.precedents import resolutions_of_history
from agents.recognition import as_known, layout_for, recognised
from agents.stages import Progress, Stages
from agents.summary import summary
from detectors.assess import Question, explained, findings_of
from detectors.bucketwise import WHOLE
from detectors.casework import Casework, Written, break_numbers_of, occurrences
from detectors.grouping import Finding, Judged, group
from memory.cases import CaseWrite
from memory.daybook import Daybook, DayOf, DayReport, Opened
from memory.recons import RunRow, RunStore
from memory.resolution import features_of_break
from memory.sla import due_on
from recon.buckets import seen_until
from recon.calendar import BusinessCalendar, to_date
from recon.engines import EngineName
from recon.errors import BadInput
from recon.ids import short_id
from recon.reading import read_both
from recon.recon_file import ReconFile
from recon.rows import NO_DAY, Reading


@dataclass(frozen=True)
class RunRequest:
    """What a person or a program asks for."""

    current: tuple[Path, ...]
    history: tuple[Path, ...] = ()
    said: ReconFile = field(default_factory=ReconFile)
    recon: str | None = None
    """The name it is known by; else the recon file's, else one made from the sources' names."""
    out: Path | None = None
    file_format: Format = "csv"
    agents: bool = True
    engine: EngineName = "local"
    requested_by: str = "operator"
    today: date | None = None
    partial: bool = False
    """True for rows as they happen: the keys that they do not name have not cleared."""
    run_id: str | None = None
    """The id under which the service queued it; else one made from its files and the moment."""


@dataclass(frozen=True)
class RunResult:
    """What a run left behind."""

    run_id: str
    recon: str
    counts: dict[str, int]
    case_ids: tuple[str, ...]
    out: Path | None
    summary: str
    run: dict[str, Any]
    """The content of run.json."""
    unread: tuple[str, ...] = ()
    """Why rows became rejects, a sentence each."""

    def to_json(self) -> dict[str, Any]:
        """For --json: what run.json holds, and where the rest is."""
        return {**self.run, "case_ids": list(self.case_ids), "out": str(self.out) if self.out else None}

    def text(self) -> str:
        """What came of it, in a sentence, and where the files are."""
        n = self.counts
        said = (
            f"{self.recon}: {n['rows_in']:,} rows in, {n['rows_scored']:,} judged, {n['rows_rejected']:,} rejected; "
            f"{n['breaks']:,} breaks, {n['anomalies']:,} rows out of pattern, {n['cases']:,} cases, "
            f"{n['actions']:,} drafts wait for approval."
        )
        names = "summary.md, breaks, findings, cases.json, actions.json, rejects.csv, run.json"
        lines = [said, *self.unread, *([f"Left in {self.out}: {names}"] if self.out else [])]
        return "\n".join(lines)


@dataclass(frozen=True)
class _Found:
    """The numbers of the run, before anything is kept."""

    recon: str
    said: ReconFile
    current: Reading
    history_rows: int
    judged: Judged
    written: tuple[Written, ...]
    proposed: dict[Finding, Proposed]
    numbers: tuple[np.ndarray[Any, np.dtype[np.uint64]], ...]
    case_of: dict[Finding, str]
    day: DayOf
    opened: Opened


def run(desk: Desk, request: RunRequest, progress: Progress = lambda *_: None) -> RunResult:
    """Does the main job once. Raises BadInput with one clear sentence; then nothing is half written."""
    if not request.current:
        msg = "run: no current file was given; name the reconciliation's output, a CSV, Excel or Parquet file"
        raise BadInput(msg)
    stages = Stages(progress)
    started = desk.clock()
    runs = RunStore(desk.db, desk.clock)
    request, read, recon = _read(desk, runs, request, stages)
    stages.rows = read.rows
    run_id = request.run_id or _run_id(recon, read, started)
    runs.start(_row(run_id, recon, request, read.current, started))
    try:
        # Written aside while the rows are judged: a quarter of the run otherwise.
        with desk.lake.arriving(recon, *filter(None, [_own_history(request, read), read.current])) as rows:
            read.arriving = rows
            found = _find(desk, run_id, recon, request, read, stages)
            with stages.stage("keep"):
                report = _keep(desk, runs, run_id, found)
            # Before the agents draft: a ticket carries the chart of the whole past, which they read from the lake.
            with stages.stage("lake"):
                rows.publish()
                desk.lake.compact(recon)
        case_ids = tuple(dict.fromkeys((*(w.case.id for w in found.written), *report.to_work)))
        if request.agents:
            with stages.stage("agents"):
                _work(desk, case_ids, progress)
        result = _leave(desk, request, run_id, started, found, report, stages)
    except KeyboardInterrupt:
        runs.finish(run_id, "cancelled", {}, "cancelled by the operator")
        raise
    except BaseException as error:
        runs.finish(run_id, "failed", {}, str(error))
        raise
    runs.finish(run_id, "done", result.counts, None)
    return result


def _own_history(request: RunRequest, read: Both) -> Reading | None:
    """History that came in files; what came from the lake is there already."""
    return read.history if request.history else None


def _read(desk: Desk, runs: RunStore, request: RunRequest, stages: Stages) -> tuple[RunRequest, Both, str]:
    """The request with what is known of its reconciliation, its rows and its past, and the reconciliation's name."""
    today = request.today or desk.clock().date()
    with stages.stage("read"):
        current, history = read_both(request.current, request.history, request.said, today=today)
        given = request.recon or request.said.name
        recon = given or recon_name(current, request.current)
        held = recognised(current, recon, given is not None, runs.known())
        if held is not None:
            kept = held.said if request.said == ReconFile() else request.said
            layout = layout_for(current, held) if kept == held.said else None
            if kept != request.said or layout is not None:
                current, history = read_both(request.current, request.history, kept, today=today, layout=layout)
                current = as_known(current, held) if layout is not None else current
            request, recon = replace(request, said=kept), held.name
        if history is not None:
            lost = [f for f in history.findings if f.severity == "error" and f not in current.findings]
            current = replace(current, findings=(*lost, *current.findings))
        elif not request.history:
            history = _past(desk, recon, current, request.engine)
    return request, Both(current, history), recon


def recon_name(current: Reading, files: Sequence[Path]) -> str:
    """A name for a reconciliation that has none: its two sources, else its file's name without dates.

    The same columns from the same sources give the same name, whatever the file of the day is called.
    """
    left, right = current.layout.left_source, current.layout.right_source
    words = f"{left} vs {right}" if (left, right) != ("left", "right") else re.sub(r"\d+", "", files[0].stem)
    return re.sub(r"[^a-z0-9]+", "-", words.casefold()).strip("-") or "recon"


def _past(desk: Desk, recon: str, current: Reading, engine: EngineName) -> Reading | None:
    """A workspace's history up to the current file's newest day, where it fits into memory."""
    if stays_in_the_lake(desk, recon, engine):
        return None
    days = current.rows.day[current.rows.day != NO_DAY]
    history = desk.lake.history(recon, current.layout, before_hashes=current.file_hashes)
    return history if history is None or not len(days) else seen_until(history, int(days.max()))


def _find(
    desk: Desk,
    run_id: str,
    recon: str,
    request: RunRequest,
    read: Both,
    stages: Stages,
) -> _Found:
    said, current = request.said, read.current
    calendar = BusinessCalendar.of(said.calendar)
    with engine_for(desk, request.engine) as engine:
        found = judge_run(desk, engine, recon, said, read, stages)
    panels, history = found.panels, found.history
    with stages.stage("prove"):
        question = Question(panels, current.layout, said, calendar, lessons_of(desk, recon))
        judged = explained(question, found.judgements)
    with stages.stage("remember"):
        if history is not None:
            desk.resolutions.add_many(resolutions_of_history(recon, panels, history, said, calendar), index=False)
    with stages.stage("follow"):
        day = DayOf(run_id, recon, said, current, history, panels, request.partial)
        opened = _daybook(desk).open(day, desk.lake)
        owners = _owners(judged, opened)
    with stages.stage("group"):
        counted = [occurrences(panel) for panel in panels]
        numbers = tuple(
            break_numbers_of(recon, panel, j.rows, n)
            for panel, j, n in zip(panels, judged.judgements, counted, strict=True)
        )
        casework = Casework(recon, current.layout, said, judged, current, counted, numbers, owners)
        proposed = _propose(desk, casework, judged)
        groups = group(judged, {f: p.comment for f, p in proposed.items()})
        written = _same_cases(desk, [casework.write(g) for g in groups])
    case_of = {f: w.case.id for w in written for f in w.group.members}
    past = history.rows.n if history is not None and found.rows <= WHOLE else found.rows - current.rows.n
    return _Found(recon, said, current, past, judged, written, proposed, numbers, case_of, day, opened)


def _daybook(desk: Desk) -> Daybook:
    return Daybook(desk.db, desk.cases, desk.clock, desk.ledger)


def _owners(judged: Judged, opened: Opened) -> tuple[np.ndarray[Any, np.dtype[np.uint64]], ...]:
    """Per panel and judged row the outstanding item that it belongs to, 0 for none."""
    return tuple(
        opened.followed.owners(
            panel.pair.name,
            panel.series_id[panel.series_at(j.rows)],
            panel.day[j.rows],
        )
        for panel, j in zip(judged.panels, judged.judgements, strict=True)
    )


def _same_cases(desk: Desk, written: Sequence[Written]) -> tuple[Written, ...]:
    """A case keeps its id as long as its items live, though its cause is better known, or its key was respelt, since.

    The largest group goes on as the case; what split off from it is a case of its own.
    """
    known = desk.cases.holding([b.item_id for w in written for b in w.breaks])
    taken: set[str] = set()
    out: dict[int, Written] = {}
    for i, w in sorted(enumerate(written), key=lambda pair: (-len(pair[1].breaks), pair[1].case.id)):
        before = Counter(
            case_id
            for b in w.breaks
            if (held := known.get(b.item_id)) is not None
            for case_id, kind, _ in [held]
            if kind == w.case.kind and case_id not in taken
        )
        same = min(before, key=lambda c: (-before[c], c)) if before else w.case.id
        if same in taken:
            # Two groups of one cause, scope and onset (nothing shared but the cause): told apart by their items.
            same = short_id("C", w.case.id, min(b.item_id for b in w.breaks))
        taken.add(same)
        out[i] = w if same == w.case.id else replace(w, case=replace(w.case, id=same))
    return tuple(out[i] for i in range(len(written)))


def _propose(desk: Desk, casework: Casework, judged: Judged) -> dict[Finding, Proposed]:
    """The comment that operators used on the like, for every break and anomaly that has one."""
    from tools.comments import propose_comments

    findings = findings_of(judged)
    breaks = [casework.break_row(f) for f in findings]
    mechanisms = [proof.mechanism if (proof := judged.best_proof(f)) else "" for f in findings]
    features = [features_of_break(b, m, comment="") for b, m in zip(breaks, mechanisms, strict=True)]
    offered = propose_comments(desk.resolutions, casework.recon, breaks, features)
    return {
        f: Proposed(found.comment, found.ids) for f, found in zip(findings, offered, strict=True) if found is not None
    }


def _keep(desk: Desk, runs: RunStore, run_id: str, found: _Found) -> DayReport:
    runs.keep_findings(run_id, found.current.findings)
    runs.keep_recon(found.recon, found.said, found.current.layout)
    calendar = BusinessCalendar.of(found.said.calendar)
    today = desk.clock().date()
    writes = [
        CaseWrite(w.case, w.breaks, w.spark, w.score, _due(w, found.said, calendar, today)) for w in found.written
    ]
    desk.cases.upsert_many(writes, run_id)
    return _daybook(desk).close(found.day, found.opened)


def _due(written: Written, said: ReconFile, calendar: BusinessCalendar, today: date) -> date:
    """The day by which the case must be settled, counted from its newest business date."""
    case = written.case
    return due_on(case.severity, case.last_date or today, case.currency, said, calendar)


def _work(desk: Desk, case_ids: Sequence[str], progress: Progress) -> None:
    from agents.graph import work_cases
    from agents.routine import draft_routine

    work_cases(desk, case_ids, lambda done, total: progress("agents", done, total))
    draft_routine(desk, case_ids)


def _leave(
    desk: Desk,
    request: RunRequest,
    run_id: str,
    started: datetime,
    found: _Found,
    report: DayReport,
    stages: Stages,
) -> RunResult:
    cases = desk.cases.records([w.case.id for w in found.written])
    actions = [a for w in found.written for a in desk.ledger.list(case_id=w.case.id)] if request.agents else []
    by_case: dict[str, list[str]] = {}
    for action in actions:
        by_case.setdefault(action.case_id, []).append(action.id)
    counts = _counts(found, len(actions))
    text = summary(found.recon, found.current, [c.case for c in cases], actions, counts, report.markdown())
    layout = found.current.layout
    documenter = Documenter(found.judged, found.said, Sources(layout.left_source, layout.right_source))
    said = {f: b.reason for w in found.written for f, b in zip(w.group.members, w.breaks, strict=True)}
    told = Told(found.judged, found.current, found.case_of, found.proposed, found.numbers, documenter, said)
    with stages.stage("write"):
        record = _record(desk, request, run_id, started, found, counts, stages)
        record["desk"] = report.to_json()
        if request.out is not None:
            with set_aside(request.out) as folder:
                write_tables(folder, told, request.file_format)
                write_json(folder, "cases.json", [c.case.to_json(tuple(by_case.get(c.case.id, ()))) for c in cases])
                write_json(folder, "actions.json", [a.to_json() for a in actions])
                write_json(folder, "run.json", record)
                (folder / "summary.md").write_text(text, encoding="utf-8")
    ids = tuple(w.case.id for w in found.written)
    unread = tuple(f.sentence() for f in found.current.findings if f.severity == "error")
    return RunResult(run_id, found.recon, counts, ids, request.out, text, record, unread)


def _counts(found: _Found, actions: int) -> dict[str, int]:
    judged = found.judged
    n = found.current.rows.n
    broken, strange = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    for panel, j in zip(judged.panels, judged.judgements, strict=True):
        source = panel.source[j.rows]
        broken[source] |= panel.is_break[j.rows]
        strange[source] |= j.anomaly == 1
    return {
        "rows_in": found.current.rows_in,
        "rows_scored": n,
        "rows_rejected": len(found.current.rejects),
        "history_rows": found.history_rows,
        "breaks": int(np.count_nonzero(broken)),
        "anomalies": int(np.count_nonzero(strange)),
        "cases": len(found.written),
        "anomaly_cases": sum(w.case.kind == "anomaly" for w in found.written),
        "actions": actions,
    }


def _record(
    desk: Desk,
    request: RunRequest,
    run_id: str,
    started: datetime,
    found: _Found,
    counts: dict[str, int],
    stages: Stages,
) -> dict[str, Any]:
    packages = ("tieout", "langgraph", "duckdb", "numba", "numpy", "scikit-learn", "chromadb")
    return {
        "id": run_id,
        "recon": found.recon,
        "started_at": started.isoformat(),
        "finished_at": desk.clock().isoformat(),
        "business_date": _newest_day(found.current),
        "files": [
            {"name": name, "sha256": digest}
            for name, digest in zip(found.current.rows.files, found.current.file_hashes, strict=False)
        ],
        "counts": counts,
        "seconds": stages.seconds,
        "peak_mb": stages.peak_mb,
        "peak_is_of_stage": stages.peak_is_of_stage,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
        "settings": {
            "target_fdr": found.said.target_fdr,
            "budget": found.said.budget,
            "engine": request.engine,
            "agents": request.agents,
            "format": request.file_format,
        },
        "layout": {"key": list(found.current.layout.key), "assumed": list(found.current.layout.assumed)},
        "import_findings": [
            {"code": f.code, "severity": f.severity, "what": f.what, "where": f.where, "done": f.done, "count": f.count}
            | ({"remedy": f.remedy} if f.remedy else {})
            for f in found.current.findings
        ],
        "llm": _usage(desk, found),
    }


def _usage(desk: Desk, found: _Found) -> dict[str, int]:
    """Calls and tokens of a live model for this run's cases; all zero with the offline model."""
    from memory.schema import model_usage

    ids = [w.case.id for w in found.written]
    total = {"calls": 0, "tokens_in": 0, "tokens_out": 0}
    with desk.db.read() as connection:
        for start in range(0, len(ids), 500):
            row = connection.execute(
                sa.select(*(sa.func.coalesce(sa.func.sum(model_usage.c[name]), 0).label(name) for name in total)).where(
                    model_usage.c.case_id.in_(ids[start : start + 500])
                )
            ).one()
            total = {name: total[name] + int(getattr(row, name)) for name in total}
    return total


def _newest_day(current: Reading) -> str | None:
    days = current.rows.day[current.rows.day != NO_DAY]
    newest = to_date(int(days.max())) if len(days) else None
    return newest.isoformat() if newest else None


def _run_id(recon: str, read: Both, started: datetime) -> str:
    words = [recon, started.isoformat(), *read.current.file_hashes, *(read.history.file_hashes if read.history else ())]
    return "R" + hashlib.sha256("\x1f".join(words).encode()).hexdigest()[:16]


def _row(run_id: str, recon: str, request: RunRequest, current: Reading, started: datetime) -> RunRow:
    newest = _newest_day(current)
    return RunRow(
        id=run_id,
        recon=recon,
        started_at=started,
        business_date=date.fromisoformat(newest) if newest else None,
        files=tuple(
            {"name": Path(name).name, "hash": h}
            for name, h in zip(current.rows.files, current.file_hashes, strict=False)
        ),
        settings=json.loads(request.said.model_dump_json()),
        out_dir=str(request.out) if request.out else None,
        requested_by=request.requested_by,
    )

"""`tieout learn`: past resolutions from a file become memory, whether a recon file with comments or a plain list."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from agents.desk import Desk
from agents.precedents import resolutions_of_history
from agents.run import recon_name
from memory.embedding import Features
from memory.resolution import Resolution
from recon.calendar import BusinessCalendar
from recon.errors import BadInput
from recon.ids import short_id
from recon.panels import build_panels
from recon.reading import read
from recon.recon_file import ReconFile
from recon.rows import take
from recon.text import squash

COMMENT_NAMES = ("comment", "comments", "resolution", "resolutioncomment", "note", "notes", "remark", "remarks")
DATE_NAMES = ("date", "businessdate", "asofdate", "recondate", "valuedate")
OUTCOMES = ("resolved", "reopened", "rejected", "unknown")


@dataclass(frozen=True)
class Learned:
    """What one file taught."""

    file: str
    recon: str
    rows: int
    learned: int
    """New to the memory; the rest was there already."""
    skipped: int
    """Rows without a comment."""

    @property
    def sentence(self) -> str:
        return (
            f"{self.file}: {self.rows:,} rows, {self.learned:,} resolutions learned for {self.recon}, "
            f"{self.rows - self.learned - self.skipped:,} known already, {self.skipped:,} without a comment."
        )

    def to_json(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)


def learn(desk: Desk, file: Path, recon: str | None, said: ReconFile) -> Learned:
    """Feeds a file's resolutions into memory. Raises BadInput when it holds none that can be read."""
    if file.suffix.casefold() in (".jsonl", ".ndjson"):
        return _from_list(desk, file, recon, _json_lines(file))
    try:
        return _from_recon(desk, file, recon, said)
    except BadInput as no_recon:
        rows = _plain_rows(file, no_recon)
        return _from_list(desk, file, recon, rows)


def _from_recon(desk: Desk, file: Path, recon: str | None, said: ReconFile) -> Learned:
    reading = read([file], said, today=desk.clock().date())
    if not reading.layout.comment:
        msg = f"{file}: no column of operators' comments was found; name it under columns.comment of a recon file"
        raise BadInput(msg)
    name = recon or said.name or recon_name(reading, [file])
    nothing = take(reading, np.zeros(0, np.int64))
    panels = build_panels(nothing, reading, said)
    found = resolutions_of_history(name, panels, reading, said, BusinessCalendar.of(said.calendar))
    learned = desk.resolutions.add_many(found)
    return Learned(file.name, name, reading.rows.n, learned, reading.rows.n - len(found))


def _from_list(desk: Desk, file: Path, recon: str | None, rows: Sequence[Mapping[str, Any]]) -> Learned:
    made = [r for n, row in enumerate(rows, 1) if (r := _resolution(file, n, row, recon)) is not None]
    names = sorted({r.recon for r in made})
    learned = desk.resolutions.add_many(made)
    return Learned(
        file.name, ", ".join(names) or (recon or "no reconciliation"), len(rows), learned, len(rows) - len(made)
    )


def _json_lines(file: Path) -> list[Mapping[str, Any]]:
    rows: list[Mapping[str, Any]] = []
    try:
        # By line feeds alone: a comment may hold what else Unicode takes for the end of a line.
        lines = file.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{file}: cannot be read: {error}"
        raise BadInput(msg) from error
    for n, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            json.dumps(row, ensure_ascii=False).encode()  # half a character, which JSON can name, is no text
        except (ValueError, RecursionError) as error:
            msg = f"{file}: line {n}: this is no JSON: {error}"
            raise BadInput(msg) from error
        if not isinstance(row, dict):
            msg = f"{file}: line {n}: a resolution is a JSON object with at least a comment"
            raise BadInput(msg)
        rows.append(row)
    return rows


def _plain_rows(file: Path, otherwise: BadInput) -> list[Mapping[str, Any]]:
    """A CSV or Excel list of resolutions; `otherwise` is raised when it holds no comment column either."""
    import pandas as pd

    try:
        excel = file.suffix.casefold() in (".xlsx", ".xlsm", ".xls")
        table = pd.read_excel(file, dtype=str) if excel else pd.read_csv(file, dtype=str)
    except Exception as error:
        raise otherwise from error
    if not any(squash(str(name)) in COMMENT_NAMES for name in table.columns):
        raise otherwise
    return [{str(k): v for k, v in row.items()} for row in table.fillna("").to_dict("records")]


def _resolution(file: Path, n: int, row: Mapping[str, Any], recon: str | None) -> Resolution | None:
    said = {squash(str(name)): value for name, value in row.items() if value not in (None, "")}
    comment = next((str(said[name]).strip() for name in COMMENT_NAMES if name in said), "")
    if not comment:
        return None
    name = recon or str(said.get("recon", ""))
    if not name:
        msg = f"{file}: row {n}: which reconciliation is it of? Say --recon NAME, or give a column `recon`"
        raise BadInput(msg)
    day = _day(file, n, next((said[d] for d in DATE_NAMES if d in said), None))
    outcome = str(said.get("outcome", "resolved")).casefold()
    known = {
        *COMMENT_NAMES,
        *DATE_NAMES,
        "recon",
        "outcome",
        "action",
        "cause",
        "pattern",
        "pair",
        "recordedon",
        "amount",
    }
    return Resolution(
        id=short_id("R", name, str(day), comment, json.dumps(row, sort_keys=True, default=str)),
        recon=name,
        business_date=day,
        recorded_on=_day(file, n, said.get("recordedon")) or day,
        comment=comment,
        features=Features(
            pattern=str(said.get("pattern", "")),
            cause=str(said.get("cause", "")),
            pair=str(said.get("pair", "")),
            columns={str(k): str(v) for k, v in row.items() if squash(str(k)) not in known and v not in (None, "")},
            comment=comment,
        ),
        action=str(said.get("action", "")),
        outcome=outcome if outcome in OUTCOMES else "unknown",
        source="learned",
    )


def _day(file: Path, n: int, said: object) -> date | None:
    if said is None:
        return None
    if isinstance(said, datetime):
        return said.date()
    try:
        return date.fromisoformat(str(said).strip()[:10])
    except ValueError as error:
        msg = f"{file}: row {n}: {said!r} is no date; write YYYY-MM-DD"
        raise BadInput(msg) from error

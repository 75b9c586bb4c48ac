"""Runs and reconciliations as they are kept: what was run, when, on which files, and under which recon file."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from memory.database import Database
from memory.policy import covers
from memory.schema import import_findings, recons, run_events, runs
from recon.clock import Clock
from recon.errors import BadInput, NotFound
from recon.lake.manifest import layout_of
from recon.recon_file import ReconFile, load_recon_file, parse_recon_file
from recon.rows import ImportFinding, Layout


@dataclass(frozen=True)
class RunRow:
    """A run as it begins."""

    id: str
    recon: str
    started_at: datetime
    business_date: date | None
    files: tuple[dict[str, Any], ...]
    settings: dict[str, Any]
    out_dir: str | None
    requested_by: str


@dataclass(frozen=True)
class Known:
    """A reconciliation that the workspace holds."""

    name: str
    said: ReconFile
    layout: Layout | None


class RunStore:
    """The tables of runs, their import findings and the reconciliations."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def start(self, row: RunRow) -> None:
        """Records that a run began; a run that was queued under this id goes on."""
        values = {
            **asdict(row),
            "files": list(row.files),
            "state": "running",
            "counts": {},
            "progress": {"stage": "read", "done": 0, "total": 0},
        }
        with self._db.begin() as connection:
            known = connection.execute(sa.select(runs.c.id).where(runs.c.id == row.id)).one_or_none()
            if known is None:
                connection.execute(sa.insert(runs).values(**values))
            else:
                connection.execute(sa.update(runs).where(runs.c.id == row.id).values(**values))

    def finish(self, run_id: str, state: str, counts: dict[str, int], error: str | None) -> None:
        """Records how it ended: done, failed or cancelled."""
        values: dict[str, Any] = {"state": state, "finished_at": self._clock(), "error": error}
        if counts:
            values["counts"] = counts
        with self._db.begin() as connection:
            connection.execute(sa.update(runs).where(runs.c.id == run_id).values(**values))

    def progress(self, run_id: str, stage: str, done: int, total: int) -> None:
        """Records how far it is, and adds the line that its followers read."""
        body = {"stage": stage, "done": done, "total": total}
        with self._db.begin() as connection:
            connection.execute(sa.update(runs).where(runs.c.id == run_id).values(progress=body))
            connection.execute(
                sa.insert(run_events).values(run_id=run_id, at=self._clock(), kind="progress", body=body)
            )

    def get(self, run_id: str) -> dict[str, Any]:
        """The run's row; raises NotFound."""
        with self._db.read() as connection:
            row = connection.execute(sa.select(runs).where(runs.c.id == run_id)).mappings().one_or_none()
        if row is None:
            msg = f"{run_id}: no such run in this workspace"
            raise NotFound(msg)
        return dict(row)

    def newest(self, recon: str | None = None, limit: int = 50) -> list[dict[str, Any]]:
        """Runs, newest first."""
        query = sa.select(runs).order_by(sa.desc(runs.c.started_at), runs.c.id).limit(limit)
        if recon:
            query = query.where(runs.c.recon == recon)
        with self._db.read() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def keep_findings(self, run_id: str, found: Sequence[ImportFinding]) -> None:
        """Keeps what the import doctor found, in its order."""
        if not found:
            return
        rows = [{"run_id": run_id, "n": n, "body": asdict(f)} for n, f in enumerate(found)]
        with self._db.begin() as connection:
            connection.execute(sa.insert(import_findings), rows)

    def findings(self, run_id: str) -> list[ImportFinding]:
        """What the import doctor found in a run."""
        query = sa.select(import_findings).where(import_findings.c.run_id == run_id).order_by(import_findings.c.n)
        with self._db.read() as connection:
            return [ImportFinding(**row.body) for row in connection.execute(query)]

    def keep_recon(self, name: str, said: ReconFile, layout: Layout | None, who: str = "tieout") -> None:
        """Keeps a reconciliation's file and layout; a file that says nothing does not erase one that did."""
        body = json.loads(said.model_dump_json())
        says_nothing = said == ReconFile()
        values: dict[str, Any] = {"updated_at": self._clock(), "updated_by": who}
        if layout is not None:
            values["layout"] = asdict(layout)
        with self._db.begin() as connection:
            known = connection.execute(sa.select(recons.c.name).where(recons.c.name == name)).one_or_none()
            if known is None:
                connection.execute(sa.insert(recons).values(name=name, body=body, **values))
            elif says_nothing:
                connection.execute(sa.update(recons).where(recons.c.name == name).values(**values))
            else:
                connection.execute(sa.update(recons).where(recons.c.name == name).values(body=body, **values))

    def known(self) -> dict[str, Known]:
        """Every reconciliation of the workspace, by name."""
        with self._db.read() as connection:
            rows = connection.execute(sa.select(recons.c.name, recons.c.body, recons.c.layout)).all()
        layouts = {row.name: layout_of(row.layout) if row.layout else None for row in rows}
        return {row.name: Known(row.name, parse_recon_file(row.body, row.name), layouts[row.name]) for row in rows}

    def recon(self, name: str) -> ReconFile:
        """The recon file kept under a name; raises NotFound."""
        with self._db.read() as connection:
            row = connection.execute(sa.select(recons.c.body).where(recons.c.name == name)).one_or_none()
        if row is None:
            known = ", ".join(self.names()[:20]) or "none yet"
            msg = f"{name}: no reconciliation of this name in this workspace (known: {known}), and no such recon file"
            raise NotFound(msg)
        return parse_recon_file(row.body, name)

    def said(self, words: str | None) -> tuple[str | None, ReconFile]:
        """(name, recon file) of what --recon says: a path when it looks like one or exists, else a known name.

        Raises NotFound, BadReconFile.
        """
        if words is None:
            return None, ReconFile()
        path = Path(words)
        if path.is_dir():
            msg = f"{path}: this is a folder; --recon takes a .yaml file or the name of a known reconciliation"
            raise BadInput(msg)
        if path.suffix in (".yaml", ".yml") or path.exists():
            found = load_recon_file(path)
            return found.name, found
        return words, self.recon(words)

    def jira_projects(self) -> list[str]:
        """The Jira projects that the kept reconciliations route to, by name: those that doctor looks at."""
        with self._db.read() as connection:
            bodies = list(connection.execute(sa.select(recons.c.body)).scalars())
        routes = [route for body in bodies for route in (body.get("routing") or [])]
        return sorted({str(route["jira"]["project"]) for route in routes if (route.get("jira") or {}).get("project")})

    def webhooks(self) -> list[tuple[str, bool]]:
        """Every webhook address that a recon file routes to or allows, and whether it allows it, for doctor."""
        with self._db.read() as connection:
            bodies = list(connection.execute(sa.select(recons.c.body)).scalars())
        found: dict[str, bool] = {}
        for body in bodies:
            allowed = [str(entry) for entry in ((body.get("allow") or {}).get("webhooks") or [])]
            routed = [(route.get("webhook") or {}).get("url") for route in (body.get("routing") or [])]
            for url in [*allowed, *(str(url) for url in routed if url)]:
                found[url] = found.get(url, False) or any(covers(entry, url) for entry in allowed)
        return sorted(found.items())

    def names(self) -> list[str]:
        """The reconciliations known here, by name."""
        with self._db.read() as connection:
            return [row.name for row in connection.execute(sa.select(recons.c.name).order_by(recons.c.name))]

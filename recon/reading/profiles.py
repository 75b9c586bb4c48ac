"""The profile of files: every column's role with its reason, how dates and numbers are read, and what is odd."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from recon.reading.reader import read
from recon.recon_file import Columns, CriteriaColumns, ReconFile, Sources
from recon.rows import ImportFinding, Layout, Pair, Reading


@dataclass(frozen=True)
class ColumnRole:
    """One column and what it is taken for."""

    column: str
    role: str
    """`key`, `left of Balance`, `derived of Balance`, `date`, `ignored`, ...; several joined by a comma."""
    why: str
    """The assumption in a sentence; empty where the recon file said so."""


@dataclass(frozen=True)
class Profile:
    """What `tieout profile` prints."""

    reading: Reading
    columns: tuple[ColumnRole, ...]
    dates: dict[str, str | None]
    """By file: the order or format in which its business date is read."""

    @property
    def findings(self) -> tuple[ImportFinding, ...]:
        return self.reading.findings

    def text(self) -> str:
        """The profile as a person reads it."""
        width = max((len(c.column.strip()) for c in self.columns), default=0)
        lines = [f"{self.reading.rows_in:,} rows: {self.reading.rows.n:,} read, {len(self.reading.rejects):,} rejected"]
        lines += [f"dates of {file}: {order}" for file, order in self.dates.items() if order]
        lines += ["", *(f"{c.column.strip():<{width}}  {c.role}" for c in self.columns)]
        if self.reading.layout.assumed:
            lines += ["", "Assumed:", *(f"- {line}" for line in self.reading.layout.assumed)]
        if self.findings:
            lines += ["", "Found:", *(f"- {f.severity}: {f.sentence()}" for f in self.findings)]
        return "\n".join(lines)

    def recon_yaml(self, name: str | None = None) -> str:
        """A recon file that says what was inferred."""
        return to_yaml(profile_recon_file(self, name=name))

    def to_json(self) -> dict[str, Any]:
        """The profile as one JSON document."""
        return {
            "rows_in": self.reading.rows_in,
            "rows": self.reading.rows.n,
            "rejects": len(self.reading.rejects),
            "dates": self.dates,
            "columns": [{"column": c.column, "role": c.role, "why": c.why} for c in self.columns],
            "assumed": list(self.reading.layout.assumed),
            "findings": [
                {
                    "code": f.code,
                    "severity": f.severity,
                    "what": f.what,
                    "where": f.where,
                    "done": f.done,
                    "count": f.count,
                    "remedy": f.remedy,
                }
                for f in self.findings
            ],
        }


def profile(paths: Sequence[Path], said: ReconFile, *, today: date, names: Sequence[str] | None = None) -> Profile:
    """Reads the files and says how. Raises as `read` does."""
    return profile_of(read(paths, said, today=today, names=names))


def profile_of(reading: Reading) -> Profile:
    """The profile of what was read already."""
    roles = _roles(reading.layout)
    columns = tuple(
        ColumnRole(name, ", ".join(roles.get(name, ["not used"])), _why(name, roles.get(name, []), reading.layout))
        for name in reading.rows.text.column_names
    )
    files = reading.facts.get("files", {})
    return Profile(reading, columns, {name: facts.get("dates") for name, facts in files.items()})


def _roles(layout: Layout) -> dict[str, list[str]]:
    roles: dict[str, list[str]] = {}

    def add(name: str | None, role: str) -> None:
        if name:
            roles.setdefault(name, []).append(role)

    for name in layout.key:
        add(name, "key")
    for pair in layout.pairs:
        add(pair.left, f"left of {pair.name}" if pair.right else "value, judged as a derived column")
        add(pair.right, f"right of {pair.name}")
        add(pair.derived, f"derived of {pair.name}")
        add(pair.tolerance_column, f"tolerance of {pair.name}")
        add(pair.left_mark, f"debit or credit of left {pair.name}")
        add(pair.right_mark, f"debit or credit of right {pair.name}")
    for name in layout.historical:
        add(name, "historical")
    for name in layout.categorical:
        add(name, "categorical")
    for name in layout.comment:
        add(name, "comment")
    add(layout.date, "date")
    add(layout.timestamp, "timestamp")
    add(layout.status, "status")
    add(layout.currency, "currency")
    add(layout.label, "label (never read by a detector)")
    return roles


def _why(name: str, roles: Sequence[str], layout: Layout) -> str:
    """The first assumption that names the column in its role."""
    for line in layout.assumed:
        subject, _, rest = line.partition(": ")
        said = rest.partition("; overrule")[0]
        if name in said and (subject.startswith("pair ") or any(role.startswith(subject) for role in roles)):
            return line
    return ""


def to_recon_file(layout: Layout, *, name: str | None = None, dates: str | None = None) -> ReconFile:
    """A recon file that says what was inferred, so that the next reading infers nothing."""
    return ReconFile(
        name=name,
        sources=Sources(left=layout.left_source, right=layout.right_source),
        columns=Columns(
            key=list(layout.key),
            criteria=[_criteria(pair) for pair in layout.pairs],
            historical=list(layout.historical),
            date=layout.date,
            timestamp=layout.timestamp,
            status=layout.status,
            comment=list(layout.comment),
            label=layout.label,
        ),
        dates=dates,
        currency=layout.currency,
    )


def _criteria(pair: Pair) -> CriteriaColumns:
    return CriteriaColumns(
        left=pair.left,
        right=pair.right,
        derived=pair.derived,
        tolerance=Decimal(pair.tolerance) if pair.tolerance is not None else None,
        name=pair.name,
        left_mark=pair.left_mark,
        right_mark=pair.right_mark,
        mirrored=pair.mirrored,
    )


def to_yaml(said: ReconFile) -> str:
    """The recon file as text; only what was said."""
    content = said.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    for criterion in content.get("columns", {}).get("criteria", []):
        if "tolerance" in criterion:
            value = Decimal(criterion["tolerance"])
            criterion["tolerance"] = int(value) if value == value.to_integral_value() else float(value)
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def profile_recon_file(found: Profile, *, name: str | None = None) -> ReconFile:
    """`to_recon_file` of a profile, with the date order when all its files share one."""
    orders = {order for order in found.dates.values() if order}
    return to_recon_file(found.reading.layout, name=name, dates=orders.pop() if len(orders) == 1 else None)

"""What is known of a reconciliation itself: its recon file and what its two sides are called."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from memory.database import Database
from memory.schema import recons
from recon.recon_file import ReconFile, parse_recon_file


@dataclass(frozen=True)
class Said:
    """A reconciliation's recon file, with the names of its sides filled in from its layout."""

    name: str
    file: ReconFile
    left: str
    right: str
    layout: dict[str, Any]
    """The layout of its newest file as JSON; empty before the first run."""


def said_of(db: Database, recon: str) -> Said:
    """Never fails for an unknown name: a recon file may say nothing at all."""
    with db.read() as connection:
        row = connection.execute(sa.select(recons).where(recons.c.name == recon)).one_or_none()
    file = parse_recon_file(row.body or {}, recon) if row is not None else ReconFile()
    layout = dict(row.layout or {}) if row is not None else {}
    left = file.sources.left if file.sources else str(layout.get("left_source") or "left")
    right = file.sources.right if file.sources else str(layout.get("right_source") or "right")
    return Said(recon, file, left, right, layout)

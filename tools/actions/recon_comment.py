"""The operator's comment on named breaks: kept with the breaks and written into the exported file."""

import sqlalchemy as sa

from memory.action import Action, Receipt
from memory.database import Database
from memory.schema import recon_comments
from recon.clock import Clock
from recon.words import ActionKind
from tools.actions.door import HARMLESS, Check, Recovery
from tools.actions.render import shown_json


class ReconComments:
    """One row per action and break; the export takes a break's newest comment."""

    name = "recon"
    kinds: frozenset[ActionKind] = frozenset({"recon.comment"})

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def recovery(self, kind: ActionKind) -> Recovery:
        return HARMLESS

    def dry_run(self, action: Action) -> bytes:
        payload = action.payload
        return shown_json([{"break": break_id, "comment": payload["comment"]} for break_id in payload["breaks"]])

    def do(self, action: Action) -> Receipt:
        payload = action.payload
        with self._db.begin() as conn:
            known = set(
                conn.execute(
                    sa.select(recon_comments.c.break_id).where(recon_comments.c.action_id == action.id)
                ).scalars()
            )
            fresh = [
                {
                    "action_id": action.id,
                    "recon": payload["recon"],
                    "break_id": break_id,
                    "comment": payload["comment"],
                    "at": self._clock(),
                }
                for break_id in dict.fromkeys(payload["breaks"])
                if break_id not in known
            ]
            if fresh:
                conn.execute(recon_comments.insert(), fresh)
        return _receipt(action)

    def look_up(self, action: Action) -> Receipt | None:
        query = sa.select(sa.func.count()).where(recon_comments.c.action_id == action.id)
        with self._db.read() as conn:
            kept = conn.execute(query).scalar_one()
        return _receipt(action) if kept == len(set(action.payload["breaks"])) else None

    def check(self) -> list[Check]:
        return [Check("recon comments", True, "Comments are kept in the workspace and written into exports.")]

    def doubles(self, action: Action) -> list[str]:
        return []


def _receipt(action: Action) -> Receipt:
    n = len(set(action.payload["breaks"]))
    noun = "break" if n == 1 else "breaks"
    return Receipt(f"{n} {noun}", detail="It stands in the next exported file.")

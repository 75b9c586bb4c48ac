"""What time alone brings to the desk between runs: snoozes end, cases grow late, files do not come, people answer."""

import logging

from agents.desk import Desk
from agents.replies import hear
from memory.daybook import Daybook
from memory.recons import RunStore
from memory.retention import sweep
from recon.errors import TieoutError

log = logging.getLogger("tieout")

EVERY: float = 60.0
"""Seconds between two looks."""


def tend(desk: Desk) -> list[str]:
    """Looks after every reconciliation once. One that is said wrongly does not keep the others from it."""
    recons = RunStore(desk.db, desk.clock)
    book = Daybook(desk.db, desk.cases, desk.clock, desk.ledger)
    told: list[str] = []
    for name in recons.names():
        try:
            told += book.tend(name, recons.recon(name))
        except TieoutError as error:
            log.warning("%s was not looked after: %s", name, error)
    told += hear(desk)
    if desk.settings.retention_days is not None:
        swept = sweep(desk.settings.home, desk.db, desk.audit, desk.clock, desk.settings.retention_days)
        told += [swept] if swept else []
    for line in told:
        log.info("%s", line)
    return told

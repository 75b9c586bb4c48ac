"""A simulated month of two reconciliations, run day by day: is every planted event told once, on its day?"""

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from datetime import time as time_of_day
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import sqlalchemy as sa
import yaml

from evals.scenarios.lives import (
    BALANCES,
    REST,
    STATEMENT,
    Life,
    Told,
    is_open,
    month_days,
    open_at_end,
    plant_lives,
    truth,
)

if TYPE_CHECKING:
    from agents.desk import Desk

HEADER: Final = ("Business Date", "Account", "AU", "Currency", "Left Balance", "Right Balance", "Difference", "Comment")
QUIET: Final = 24
"""Accounts in each file and currency that agree all month."""
DEADLY: Final = ("judge", "follow", "keep", "lake")
"""Stages of a run at which a process is killed; from then on work is left for whoever takes the file next."""


@dataclass
class Month:
    """The simulated month: its truth, its workspace, and what the commands said."""

    lives: list[Life]
    days: list[date]
    folder: Path
    rng: np.random.Generator
    said: list[str] = field(default_factory=list)
    expected_alarms: Counter[tuple[str, str]] = field(default_factory=Counter)
    crashes: int = 0
    now: datetime = datetime(2025, 4, 1, tzinfo=UTC)

    def clock(self) -> datetime:
        return self.now

    def at(self, day: date, hour: int) -> None:
        self.now = datetime.combine(day, time_of_day(hour), UTC)


def run(quick: bool = False, *, seed: int = 11, days: Sequence[date] | None = None) -> dict[str, Any]:
    """The scores: planted and told events, items open at the end, ages, promises, alarms, doubles.

    `quick`: a third of the lives, three weeks, and no killed process; `days`: other days than these.
    """
    with tempfile.TemporaryDirectory() as folder:
        days = list(days or (month_days()[:16] if quick else month_days()))
        month = Month(plant_lives(seed, 1 if quick else 3), days, Path(folder), np.random.default_rng(seed))
        begun = time.perf_counter()
        desk = _open(month)
        _write_recons(month)
        for n, day in enumerate(days):
            _one_day(month, desk, n, day, quick=quick)
        score = _score(month, desk)
        return {**score, "headline": _headline(score), "seconds": round(time.perf_counter() - begun, 1)}


def _open(month: Month) -> "Desk":
    from recon.settings import Settings
    from server import open_desk

    return open_desk(Settings(home=month.folder / "home"), month.clock)


# --- the days -----------------------------------------------------------------------------------------------------


def _one_day(month: Month, desk: "Desk", n: int, day: date, *, quick: bool) -> None:
    """Files of the day arrive in the evening and are watched; some days go wrong in a planted way."""
    for recon in (BALANCES, STATEMENT):
        month.at(day, 17)
        rows = _rows(month, recon, day)
        match (recon == BALANCES, n):
            case (True, 5):
                _short_then_whole(month, desk, recon, day, rows)
            case (True, 9):
                _wrong_then_corrected(month, desk, recon, day, rows)
            case (False, 7):
                _late(month, desk, recon, day, rows)
            case (False, 12):
                _repeated(month, desk, recon, day, rows)
            case (True, 14):
                _corrected_days_after(month, desk, recon, day, rows)
            case (True, 17) | (False, 18) if not quick:
                _crashed(month, recon, day, rows)
                _arrive(month, desk, recon, day, rows)
            case _:
                _arrive(month, desk, recon, day, rows)


def _arrive(month: Month, desk: "Desk", recon: str, day: date, rows: pd.DataFrame, suffix: str = "") -> None:
    folder = _inbox(month, recon)
    rows.to_csv(folder / f"{recon}-{day}{suffix}.csv", index=False)
    _watch(month, desk, recon)


def _watch(month: Month, desk: "Desk", recon: str) -> None:
    """`tieout watch --once` on the folder, with a clock that does not wait."""
    from agents.watch import watch
    from recon.recon_file import load_recon_file

    said = load_recon_file(month.folder / f"{recon}.yaml")
    ticks = iter(range(0, 10_000, 5))
    folder = _inbox(month, recon)
    lines = watch(desk, folder, said, recon, once=True, pause=lambda _: None, monotonic=lambda: float(next(ticks)))
    month.said += list(lines)
    for path in folder.iterdir():
        path.unlink()


def _short_then_whole(month: Month, desk: "Desk", recon: str, day: date, rows: pd.DataFrame) -> None:
    """A third of the file first: what is not in it has not cleared. Then the whole file restates it."""
    _arrive(month, desk, recon, day, rows.iloc[::3], "-part")
    _arrive(month, desk, recon, day, rows)
    month.expected_alarms[(recon, "short")] += 1
    month.expected_alarms[(recon, "restated")] += 1


def _wrong_then_corrected(month: Month, desk: "Desk", recon: str, day: date, rows: pd.DataFrame) -> None:
    """The first file invents breaks and hides real ones; the corrected one of the same evening restates it."""
    _arrive(month, desk, recon, day, _spoilt(month, rows), "-first")
    _arrive(month, desk, recon, day, rows, "-corrected")
    month.expected_alarms[(recon, "restated")] += 1


def _corrected_days_after(month: Month, desk: "Desk", recon: str, day: date, rows: pd.DataFrame) -> None:
    """Today's file comes as usual; then a wrong and at last a right file for two days ago."""
    _arrive(month, desk, recon, day, rows)
    earlier = month.days[month.days.index(day) - 2]
    right = _rows(month, recon, earlier)
    _arrive(month, desk, recon, earlier, _spoilt(month, right), "-wrong")
    _arrive(month, desk, recon, earlier, right, "-right")
    month.expected_alarms[(recon, "restated")] += 2


def _spoilt(month: Month, rows: pd.DataFrame) -> pd.DataFrame:
    """The same file with a third of its breaks gone and as many matches broken."""
    spoilt = rows.copy()
    left, right = spoilt["Left Balance"].astype(float), spoilt["Right Balance"].astype(float)
    broken = np.flatnonzero((left - right).abs() > 1)
    fine = np.flatnonzero((left - right).abs() <= 1)
    hide = month.rng.choice(broken, max(1, len(broken) // 3), replace=False)
    invent = month.rng.choice(fine, len(hide), replace=False)
    right.iloc[hide] = left.iloc[hide]
    right.iloc[invent] = left.iloc[invent] - 777
    spoilt["Right Balance"] = right.map("{:.2f}".format)
    spoilt["Difference"] = (left - right).map("{:.2f}".format)
    return spoilt


def _late(month: Month, desk: "Desk", recon: str, day: date, rows: pd.DataFrame) -> None:
    """Nothing by the cut-off of the day; the file comes the next morning."""
    month.at(day, 19)
    _watch(month, desk, recon)
    month.expected_alarms[(recon, "late")] += 1
    month.at(day, 23)
    _arrive(month, desk, recon, day, rows)


def _repeated(month: Month, desk: "Desk", recon: str, day: date, rows: pd.DataFrame) -> None:
    _arrive(month, desk, recon, day, rows)
    _arrive(month, desk, recon, day, rows, "-again")
    month.expected_alarms[(recon, "repeated")] += 1


def _crashed(month: Month, recon: str, day: date, rows: pd.DataFrame) -> None:
    """`tieout run` as a process of its own, killed as it tells a stage drawn at random."""
    path = month.folder / f"crash-{day}.csv"
    rows.to_csv(path, index=False)
    said = month.folder / f"{recon}.yaml"
    command = [sys.executable, "-c", "import cli; cli.main()", "run", str(path), "--recon", str(said), "--progress"]
    home = {**os.environ, "TIEOUT_HOME": str(month.folder / "home")}
    last = str(month.rng.choice(DEADLY))
    with subprocess.Popen(command, env=home, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        reached = any(line.startswith(last) for line in process.stderr)
        process.kill()
    if not reached:
        msg = f"the run of {path.name} never told that it was at {last!r}"
        raise RuntimeError(msg)
    month.crashes += 1


# --- the files ----------------------------------------------------------------------------------------------------


def _inbox(month: Month, recon: str) -> Path:
    folder = month.folder / f"in-{recon}"
    folder.mkdir(exist_ok=True)
    return folder


def _rows(month: Month, recon: str, day: date) -> pd.DataFrame:
    """The file of one day: the lives that stand, their keys where balances match again, and accounts that agree.

    Balances keep every key all month; the statement drops a reference when it has cleared.
    """
    rng = np.random.default_rng([day.toordinal(), len(recon)])
    lines: list[tuple[str, ...]] = []
    for life in month.lives:
        if life.recon != recon or not is_open(day, life.currency):
            continue
        amount = life.amounts.get(day, 0)
        if amount or recon == BALANCES:
            lines.append(_line(rng, day, life.key_on(day), life.currency, amount, life.comments.get(day, "")))
    for currency in REST:
        if is_open(day, currency):
            keys = [(f"{2_900_000 + i}", f"{9000 + i % 7}") for i in range(QUIET)]
            lines += [_line(rng, day, key, currency, 0, "") for key in keys]
    return pd.DataFrame(lines, columns=list(HEADER))


def _line(
    rng: np.random.Generator, day: date, key: tuple[str, str], currency: str, cents: int, comment: str
) -> tuple[str, ...]:
    right = int(np.random.default_rng(int(key[0])).integers(10**6, 10**9)) // 100 * 100
    left = right + cents
    amounts = (f"{left / 100:.2f}", f"{right / 100:.2f}", f"{cents / 100:.2f}")
    return (day.isoformat(), *key, currency, *amounts, comment)


def _write_recons(month: Month) -> None:
    pair = {
        "left": "Left Balance",
        "right": "Right Balance",
        "derived": "Difference",
        "tolerance": 1,
        "name": "Balance",
    }
    for recon in (BALANCES, STATEMENT):
        body = {
            "name": recon,
            "columns": {
                "key": ["Account", "AU", "Currency"],
                "criteria": [pair],
                "date": "Business Date",
                "comment": "Comment",
            },
            "currency": "Currency",
            "sla": {"high": "1d", "medium": "3d", "low": "5d"},
            "calendar": {"zone": "UTC", "cut_off": "18:00", "by_currency": {c: list(d) for c, d in REST.items() if d}},
        }
        (month.folder / f"{recon}.yaml").write_text(yaml.safe_dump(body), encoding="utf-8")


# --- the score ----------------------------------------------------------------------------------------------------


def _score(month: Month, desk: "Desk") -> dict[str, Any]:
    planted = Counter(truth(month.lives, month.days))
    told = _told(desk)
    missed, false = planted - told, told - planted
    left = open_at_end(month.lives, month.days)
    found = _open_items(desk, month.days[-1])
    return {
        "lives": len(month.lives),
        "days": len(month.days),
        "events_planted": sum(planted.values()),
        "events_right": sum((planted & told).values()),
        "events_missed": sum(missed.values()),
        "events_false": sum(false.values()),
        "by_kind": {
            kind: [sum(n for t, n in of.items() if t.kind == kind) for of in (planted, planted & told, false)]
            for kind in sorted({t.kind for t in (*planted, *told)})
        },
        "open_planted": len(left),
        "open_equal": {k for k in found if k in left} == set(left) and len(found) == len(left),
        "ages_wrong": sum(found.get(key) != days for key, days in left.items()),
        **_cases(desk),
        **_promises(month, desk),
        "alarms_missing": _counted(month.expected_alarms - _alarms(desk)),
        "alarms_false": _counted(_alarms(desk) - month.expected_alarms),
        "crashes": month.crashes,
        "examples": [_shown(t) for t in [*missed, *false][:8]],
    }


def _headline(score: Mapping[str, Any]) -> dict[str, float]:
    told = score["events_right"] + score["events_false"]
    return {
        "events told": score["events_right"] / score["events_planted"],
        "events right": score["events_right"] / max(told, 1),
        "queue equal to the truth": float(score["open_equal"]),
        "ages wrong": float(score["ages_wrong"]),
        "promises right": score["promises_right"] / max(score["promises_planted"], 1),
        "alarms wrong": float(len(score["alarms_missing"]) + len(score["alarms_false"])),
        "items without a case, or cases without one": float(
            score["items_without_open_case"] + score["open_cases_without_items"]
        ),
    }


def _shown(told: Told) -> str:
    return f"{told.recon} {told.key[0]} since {told.onset}: {told.kind} on {told.day}"


def _counted(alarms: Mapping[tuple[str, str], int]) -> list[str]:
    return [f"{recon}: {kind} x {count}" for (recon, kind), count in sorted(alarms.items())]


def _key(key: Mapping[str, str]) -> tuple[str, str]:
    return (key["Account"], key["AU"])


def _told(desk: "Desk") -> Counter[Told]:
    """Every reported event as the items' history tells it; each row counts, so that a double shows."""
    from memory.lives import REPORTED
    from memory.schema import item_events, items

    query = sa.select(
        item_events.c.recon, item_events.c.kind, item_events.c.business_date, items.c.onset, items.c.key
    ).join(items, items.c.id == item_events.c.item_id)
    with desk.db.read() as connection:
        rows = connection.execute(query.where(item_events.c.kind.in_(REPORTED))).all()
    return Counter(Told(r.recon, r.onset, _key(r.key), r.kind, r.business_date) for r in rows)


def _open_items(desk: "Desk", today: date) -> dict[tuple[str, date, tuple[str, str]], int]:
    from memory.items import ItemStore
    from memory.recons import RunStore
    from recon.calendar import BusinessCalendar

    store, recons = ItemStore(desk.db, desk.clock), RunStore(desk.db, desk.clock)
    found = {}
    for recon in (BALANCES, STATEMENT):
        calendar = BusinessCalendar.of(recons.recon(recon).calendar)
        for item in store.open_items(recon, limit=100_000):
            if item.onset is not None:
                found[(recon, item.onset, _key(item.key))] = item.age(today, calendar)
    return found


def _cases(desk: "Desk") -> dict[str, int]:
    """Open items that no open case holds, or more than one; open cases that hold none."""
    from memory.cases import OPEN_STATES
    from memory.schema import cases, items

    with desk.db.read() as connection:
        is_open_case = sa.select(cases.c.id).where(cases.c.state.in_(OPEN_STATES))
        homeless = connection.execute(
            sa.select(sa.func.count())
            .select_from(items)
            .where(items.c.state == "open", sa.or_(items.c.case_id.is_(None), items.c.case_id.not_in(is_open_case)))
        ).scalar_one()
        held = sa.select(items.c.case_id).where(items.c.state == "open", items.c.case_id.is_not(None))
        hollow = connection.execute(
            sa.select(sa.func.count()).select_from(cases).where(cases.c.state.in_(OPEN_STATES), cases.c.id.not_in(held))
        ).scalar_one()
        count = connection.execute(
            sa.select(sa.func.count()).select_from(cases).where(cases.c.state.in_(OPEN_STATES))
        ).scalar_one()
    return {"open_cases": count, "items_without_open_case": homeless, "open_cases_without_items": hollow}


def _promises(month: Month, desk: "Desk") -> dict[str, Any]:
    from memory.schema import items, promises

    query = sa.select(promises, items.c.key).join(items, items.c.id == promises.c.item_id)
    with desk.db.read() as connection:
        rows = connection.execute(query).all()
    checked = {(r.recon, _key(r.key)): (r.checked_on, r.state == "kept") for r in rows if r.state != "open"}
    due = [life for life in month.lives if life.promise and life.promise[0] <= month.days[-1]]
    wanted = {(life.recon, life.key): life.promise for life in due}
    right = sum(checked.get(key) == promise for key, promise in wanted.items())
    return {"promises_planted": len(wanted), "promises_right": right, "promises_false": len(set(checked) - set(wanted))}


def _alarms(desk: "Desk") -> Counter[tuple[str, str]]:
    from memory.schema import alarms

    with desk.db.read() as connection:
        rows = connection.execute(sa.select(alarms.c.recon, alarms.c.kind)).all()
    return Counter((row.recon, row.kind) for row in rows)


def table(score: Mapping[str, Any]) -> str:
    """The scores for a person."""
    lines = [f"{name:26} {value}" for name, value in score.items() if name not in ("by_kind", "examples", "headline")]
    lines += [f"  {kind:10} planted {p}, right {r}, false {f}" for kind, (p, r, f) in score["by_kind"].items()]
    return "\n".join([*lines, *(f"  ! {line}" for line in score["examples"])])


def main(arguments: Sequence[str] = ()) -> None:
    """`python -m evals.month [quick]`."""
    sys.stdout.write(table(run(quick="quick" in arguments)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])

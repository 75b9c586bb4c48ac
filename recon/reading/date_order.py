"""The order of the parts of a date, from the recon file, the column, its file, or files that write alike."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from recon.errors import AmbiguousDates
from recon.reading import doctor
from recon.reading.columns import Column
from recon.reading.dates import DateReader, Votes, first_of_month, said_order, votes_of
from recon.reading.dating import numeric_date
from recon.reading.sheet import Part
from recon.recon_file import ReconFile
from recon.rows import ImportFinding


def date_readers(
    said: ReconFile,
    today: date,
    part: Part,
    votes: Mapping[int, Mapping[str, Votes]],
    columns: Mapping[str, Column],
    needed: Sequence[str],
) -> tuple[dict[str, DateReader], list[ImportFinding]]:
    """How each date column of a file is read. Raises AmbiguousDates for one that is needed and can be read two ways."""
    order, fmt = said_order(said.dates)
    mine = votes[id(part.table)]
    total = _sum(mine.values())
    findings: list[ImportFinding] = []
    readers: dict[str, DateReader] = {}
    for name, vote in mine.items():
        own = order or vote.order() or total.order() or _neighbour(vote, votes, part)
        own = own or first_of_month(name, vote)
        if own is None and vote.open and fmt is None and name in needed:
            raise AmbiguousDates(doctor.ambiguous_dates(part.file, name, vote))
        number = numeric_date(columns[name]) if name in columns else "no"
        readers[name] = DateReader(
            own or "dayfirst",
            today,
            fmt if name in needed else None,
            "epoch" if number == "epoch" else "serial" if number == "serial" else "no",
        )
        if name in needed:
            findings += doctor.date_findings(part.file, name, vote, own, total, declared=order is not None)
    for name in needed:
        readers.setdefault(name, DateReader(order or total.order() or "dayfirst", today, fmt))
    return readers, findings


def votes_in(part: Part, columns: Mapping[str, Column]) -> dict[str, Votes]:
    """Votes of every date column of the file, over all its distinct texts up to a bound."""
    found: dict[str, Votes] = {}
    for name, column in columns.items():
        if name not in part.names or not (column.is_date or numeric_date(column) != "no"):
            continue
        codes = part.codes(name)
        if codes is not None:
            found[name] = votes_of(codes.vocabulary.slice(0, 20_000).to_pylist())
    return found


def _sum(votes: Any) -> Votes:
    dayfirst = monthfirst = unsettled = dates = 0
    for vote in votes:
        dayfirst += vote.dayfirst
        monthfirst += vote.monthfirst
        unsettled += vote.open
        dates += vote.dates
    return Votes(dayfirst, monthfirst, unsettled, dates)


def _neighbour(vote: Votes, votes: Mapping[int, Mapping[str, Votes]], part: Part) -> Any:
    """The order of another file that writes its dates in the same manner, when all such files agree."""
    manner = _manner(vote)
    orders = {
        other.order()
        for key, columns in votes.items()
        if key != id(part.table)
        for other in columns.values()
        if other.order() is not None and _manner(other) == manner
    }
    return orders.pop() if len(orders) == 1 else None


def _manner(vote: Votes) -> tuple[str, int]:
    example = vote.open_example or vote.dayfirst_example or vote.monthfirst_example
    mark = next((letter for letter in example if not letter.isdigit()), "")
    return mark, len(example.rpartition(mark)[2]) if mark else 0

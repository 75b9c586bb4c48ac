"""Recognition: a file of a reconciliation that this workspace knows is read as its files were read before.

Roles are inferred from a file's own rows, and one day's rows can mislead: where a feed came a hundred times too large,
the two sides look like strangers. What was decided for the reconciliation stands, and is said.
"""

from collections.abc import Mapping
from dataclasses import replace

from memory.recons import Known
from recon.rows import ImportFinding, Layout, Reading


def columns_of(layout: Layout) -> set[str]:
    """Every column that the layout needs of a file."""
    named = {*layout.key, layout.date, layout.timestamp, layout.currency, *layout.historical}
    for pair in layout.pairs:
        named |= set(pair.columns)
    return {name for name in named if name}


def essence(layout: Layout) -> tuple[object, ...]:
    """What makes two layouts the same reading of a file: its key, its pairs and its time."""
    pairs = tuple((p.left, p.right, p.kind, p.sign) for p in layout.pairs)
    return tuple(sorted(layout.key)), pairs, layout.date, layout.timestamp


def recognised(current: Reading, name: str, fixed: bool, known: Mapping[str, Known]) -> Known | None:
    """The known reconciliation that the file belongs to; None when there is none or it could be several.

    `name`: what it would be called by its own reading; `fixed`: that name was given. One that was never read with
    two sides has nothing to teach.
    """
    if fixed or name in known:
        return known.get(name)
    header = set(current.rows.text.column_names)
    fitting = [
        one
        for one in known.values()
        if one.layout is not None
        and all(pair.right is not None for pair in one.layout.pairs)
        and columns_of(one.layout) <= header
    ]
    return fitting[0] if len(fitting) == 1 else None


def layout_for(current: Reading, known: Known) -> Layout | None:
    """The known layout where the file was read in another way although all of its columns are there; else None."""
    layout = known.layout
    if layout is None or essence(layout) == essence(current.layout):
        return None
    if any(pair.right is None for pair in layout.pairs):
        return None
    return layout if columns_of(layout) <= set(current.rows.text.column_names) else None


def as_known(current: Reading, known: Known) -> Reading:
    """The reading with a finding that says why it was read so."""
    pairs = "; ".join(f"{p.left} against {p.right}" for p in current.layout.pairs)
    finding = ImportFinding(
        "known_layout",
        "info",
        f"by its own rows this file would be read in another way than the files of {known.name} before it",
        current.rows.files[0] if current.rows.files else "",
        f"read as those were: {pairs}, by {', '.join(current.layout.key)}",
        remedy="a recon file whose columns say otherwise",
    )
    return replace(current, findings=(finding, *current.findings))

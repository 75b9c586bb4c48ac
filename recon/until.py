"""A run's panels as they stood on one day: nothing later is in them, not even a group that a key joined afterwards."""

from collections.abc import Sequence
from dataclasses import replace

from recon.cutting import rows_of
from recon.groups import levels_of, sight
from recon.panel import Panel
from recon.panels import levelled
from recon.rows import NO_DAY, Layout


def until(layout: Layout, panels: Sequence[Panel], day: int) -> tuple[Panel, ...]:
    """The rows up to `day`, those of the day itself current. Rows without a date are left out."""
    cut = []
    for panel in panels:
        kept = rows_of(panel, (panel.day <= day) & (panel.day != NO_DAY))
        cut.append(replace(kept, current=kept.day == day))
    return levelled(cut, layout, levels_of([sight(cut[0], layout)])) if cut else ()

"""What an operator reads: codes in words, amounts with their band, and never a contradiction."""

from dataclasses import replace

import numpy as np
from panel_builder import CALENDAR, panel_of

from detectors.judge import judge
from detectors.reasons import reason
from evals.single import ask, single
from evals.single import panel_of as long_panel
from recon.panel import Panel
from recon.words import PATTERN_LABELS

PATTERNS = list(PATTERN_LABELS)


def codes(rows: list[list[int]]) -> Panel:
    """A pair of codes: 1 where the sides differ."""
    panel = panel_of(rows, tolerance=0, scale=0)
    return replace(panel, pair=replace(panel.pair, name="CUSIP", left="C_CUSIP", right="I_CUSIP", kind="text"))


def test_codes_are_told_in_words_and_have_no_amount() -> None:
    panel = codes([[0] * 30 + [1], [1] * 31, *[[0] * 31] * 20])
    judged = judge(panel, calendar=CALENDAR)
    never, always = reason(panel, judged, 0), reason(panel, judged, 1)
    assert never.startswith(
        "C_CUSIP and I_CUSIP hold different values; they differed in 0 of the key's 30 earlier rows"
    )
    assert "differed in 30 of the key's 30 earlier rows" in always
    for said in (never, always):
        assert "ifference of" not in said
        assert "spread" not in said
    assert {PATTERNS[p] for p in judged.pattern[:2]} <= {"new", "in_line", "repeated"}


def test_a_break_that_is_common_is_no_spike() -> None:
    rng = np.random.default_rng(1)
    panel = panel_of([list(50 * rng.standard_t(2, 40)) for _ in range(200)], now=5)
    judged = judge(panel, calendar=CALENDAR)
    spikes = np.isin(judged.pattern, [PATTERNS.index("spike"), PATTERNS.index("drop")])
    assert spikes.any()
    assert (judged.pvalue[spikes] < 0.05).all()
    common = np.flatnonzero((judged.pattern == PATTERNS.index("in_line")) & (judged.numbers["x"] > judged.high))
    for i in common:
        assert "its like is common here" in reason(panel, judged, int(i))


def test_an_alarm_on_a_long_series_says_what_was_unlike_before() -> None:
    data = single(3, "daily", "flat")
    panel, judged = long_panel(data), ask(data)
    said = [reason(panel, judged, int(i)) for i in np.flatnonzero(judged.anomaly == 1)]
    assert said
    assert any("without their usual movement" in one for one in said)

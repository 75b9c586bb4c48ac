"""The reason: one sentence that an operator would say, with the numbers that make it so."""

import math

from detectors.judgement import Judgement
from detectors.learning import Lessons
from detectors.long_series import QUESTIONS
from recon.panel import Panel
from recon.words import PATTERN_LABELS

PATTERNS = tuple(PATTERN_LABELS)


def amount(value: float, scale: int = 2) -> str:
    """A number as an operator writes it: thousands separated, no more decimals than the data has.

    >>> amount(-15000.0), amount(0.005, 3), amount(98.125, 4)
    ('-15,000', '0.005', '98.125')
    """
    if not math.isfinite(value):
        return "none"
    text = f"{value:,.{max(scale, 0)}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text


def reason(panel: Panel, judgement: Judgement, i: int, lessons: Lessons | None = None) -> str:
    """Row i of the judgement in one sentence: its difference, what was expected of it, and the deciding evidence."""
    n = {name: float(values[i]) for name, values in judgement.numbers.items()}
    pattern = PATTERNS[int(judgement.pattern[i])] if judgement.pattern[i] >= 0 else "match"
    n["outside"] = float(not judgement.low[i] <= n["x"] <= judgement.high[i])
    facts = _facts(panel, judgement, i, n)
    said = _said(panel, judgement, i, n, facts, pattern) + _gathered(n) + _answer(judgement, i, facts)
    if lessons is not None:
        said = "; ".join([said[:-1], *_taught(judgement, i, lessons)]) + "."
    # a header is told as it is written
    return said if panel.pair.kind == "text" else said[0].upper() + said[1:]


def _said(panel: Panel, judgement: Judgement, i: int, n: dict[str, float], facts: dict[str, str], pattern: str) -> str:
    if panel.pair.kind == "text":
        seen = int(judgement.support[i])
        odds = math.exp(n["surprise"]) if seen == 0 and judgement.level[i] >= 0 else 0.0
        return _codes(panel, int(judgement.rows[i]), seen, int(n["breaks"]), odds)
    question = int(n.get("question", -1.0))
    if judgement.anomaly[i] == 1 and question >= 0:
        return _OWN[QUESTIONS[question]].format(**facts)
    if pattern == "new" and n.get("gathered"):
        return f"difference of {facts['x']}, {_band(facts)}"
    return _SAY[pattern](n, facts)


def _gathered(n: dict[str, float]) -> str:
    """What the row's slice shows, where its breaks gather as never before."""
    if not n.get("gathered"):
        return ""
    hits, of, before, past = (int(n[f"gathered{part}"]) for part in ("", "_of", "_before", "_past"))
    then = f"{before:,} of its {past:,} earlier rows did" if past else "it has no earlier rows"
    return f"; {hits:,} of the {of:,} rows beside it break alike today, {then}"


def _codes(panel: Panel, row: int, seen: int, differed: int, odds: float) -> str:
    """Codes have no size: they are equal or not, and were so before or not. `odds`: one in how many rows of its group
    differs, where the key has no past; 0 when there is no group."""
    left, right = panel.pair.left, panel.pair.right
    if panel.left_missing[row] or panel.right_missing[row]:
        head = f"{left if panel.left_missing[row] else right} is missing"
    else:
        head = f"{left} and {right} hold {'different values' if panel.is_break[row] else 'the same value'}"
    if seen == 0:
        group = f", and about 1 in {odds:,.0f} of its group differs" if odds and panel.is_break[row] else ""
        return f"{head}; the key has no earlier rows{group}"
    rows = "1 earlier row" if seen == 1 else f"{seen:,} earlier rows"
    return f"{head}; they differed in {differed:,} of the key's {rows}"


_OWN = {
    "value": "value of {x} is far from nearly all before it",
    "season": "value of {x} is not what this place in its cycle usually brings",
    "step": "value moved from {previous} to {x}, a step hardly ever seen before",
    "still": "value stands at {x}: 12 rows without their usual movement",
    "still_long": "value stands at {x}: 24 rows without their usual movement",
    "stretch": "the 16 rows that end with {x} are far from any before them",
    "stretch_long": "the 64 rows that end with {x} are far from any before them",
    "shape": "the 32 rows that end with {x} have a shape not seen before",
}


def _taught(judgement: Judgement, i: int, lessons: Lessons) -> list[str]:
    """What people's tags did to the row, one clause each."""
    n, clauses = judgement.numbers, []
    by = int(n["taught_by"][i])
    called = judgement.anomaly[i] == 1
    if n["quieted"][i] > 0:
        like = int(((n["quieted"] > 0) & (n["taught_by"] == by)).sum())
        clauses.append(lessons.why_quiet(by, like))
    elif called and n["outgrown"][i] > 0:
        clauses.append(lessons.why_back(by))
    elif called and by >= 0:
        clauses.append(lessons.why_called(by))
    relabelled = int(n["pattern_by"][i]) if "pattern_by" in n else -1
    if relabelled >= 0:
        clauses.append(lessons.why_pattern(relabelled))
    return clauses


def _facts(panel: Panel, judgement: Judgement, i: int, n: dict[str, float]) -> dict[str, str]:
    scale = panel.scale
    support = int(judgement.support[i])
    level = int(judgement.level[i])
    rows = "1 past row" if support == 1 else f"{support} past rows"
    return {
        "x": amount(n["x"], scale),
        "expected": amount(float(judgement.expected[i]), scale),
        "low": amount(float(judgement.low[i]), scale),
        "high": amount(float(judgement.high[i]), scale),
        "previous": amount(n["previous"], scale),
        "median": amount(n["median"], scale),
        "slope": amount(n["slope"], scale),
        "tolerance": amount(n["tolerance"], scale),
        "cusum": amount(n["cusum"], scale),
        "spread": amount(n["spread"], scale),
        "z": f"{abs(n['z']):,.1f}",
        "rows": rows,
        "from": f"its own {rows}" if level < 0 else f"its group ({panel.group_names[level]}), as this key has no past",
    }


def _band(f: dict[str, str]) -> str:
    return f"expected {f['expected']} (band {f['low']} to {f['high']}) from {f['from']}"


def _spike(n: dict[str, float], f: dict[str, str]) -> str:
    said = f"difference of {f['x']}, {_band(f)}"
    if not n["spread"] > 0.0:
        return said
    # thousands of spreads say no more than "far"
    how_far = f"{f['z']} times" if abs(n["z"]) < 1_000.0 else "far beyond"
    return f"{said}: {how_far} the usual spread of {f['spread']}"


def _drop(n: dict[str, float], f: dict[str, str]) -> str:
    return f"difference fell to {f['x']}, {_band(f)}"


def _inconsistent(n: dict[str, float], f: dict[str, str]) -> str:
    return (
        f"difference of {f['x']} after {f['previous']}, {_band(f)}: the {int(n['outs'])} rows before it were out of "
        f"pattern too and settle on no level"
    )


def _trend(n: dict[str, float], f: dict[str, str]) -> str:
    way = "rises" if n["slope"] > 0 else "falls"
    return f"difference {way} by about {f['slope'].lstrip('-')} a period over {f['rows']}: {f['x']}, {_band(f)}"


def _in_line(n: dict[str, float], f: dict[str, str]) -> str:
    if n["outside"] > 0.0:
        return f"difference of {f['x']} is outside its band of {f['low']} to {f['high']}, but its like is common here"
    return f"difference of {f['x']} is in line: {_band(f)}"


def _shift(n: dict[str, float], f: dict[str, str]) -> str:
    return f"difference of {f['x']} stays, with the {int(n['outs'])} rows before it, on a new level; {_band(f)}"


def _volatile(n: dict[str, float], f: dict[str, str]) -> str:
    return f"difference of {f['x']}, {_band(f)}: the last residuals vary {n['volatility']:.1f} times the usual spread"


def _reversal(n: dict[str, float], f: dict[str, str]) -> str:
    return f"difference of {f['x']} reverses {f['previous']} of the row before it; {_band(f)}"


def _recurring(n: dict[str, float], f: dict[str, str]) -> str:
    return (
        f"difference of {f['x']} recurs by calendar: {_band(f)}, against a usual level of {f['median']} on other days"
    )


def _repeated(n: dict[str, float], f: dict[str, str]) -> str:
    return (
        f"break {int(n['run_length'])} in a row and {int(n['breaks_in_10']) + 1} in the last 11 rows, where the key "
        f"breaks {n['break_rate']:.0%} of the time: {f['x']}, {_band(f)}"
    )


def _drift(n: dict[str, float], f: dict[str, str]) -> str:
    return (
        f"difference of {f['x']} is within the tolerance of {f['tolerance']}, but small differences of one sign "
        f"have added up to {f['cusum']}"
    )


def _no_history(n: dict[str, float], f: dict[str, str]) -> str:
    return f"difference of {f['x']}: neither the key nor a group of it has a past to judge it by"


def _new(n: dict[str, float], f: dict[str, str]) -> str:
    return (
        f"difference of {f['x']}, {_band(f)}: within its band, yet new in how often or how large it breaks "
        f"(the key breaks {n['break_rate']:.0%} of the time)"
    )


def _match(n: dict[str, float], f: dict[str, str]) -> str:
    return f"match: difference of {f['x']} within the tolerance of {f['tolerance']}"


_SAY = {
    "spike": _spike,
    "drop": _drop,
    "inconsistent": _inconsistent,
    "consistent_trend": _trend,
    "in_line": _in_line,
    "level_shift": _shift,
    "high_volatility": _volatile,
    "reversal": _reversal,
    "recurring": _recurring,
    "repeated": _repeated,
    "drift_within_tolerance": _drift,
    "insufficient_history": _no_history,
    "new": _new,
    "match": _match,
}


def _answer(judgement: Judgement, i: int, f: dict[str, str]) -> str:
    if judgement.anomaly[i] < 0 or not math.isfinite(float(judgement.pvalue[i])):
        return "."
    p = float(judgement.pvalue[i])
    chance = f"p = {p:.2g}" if p >= 1e-12 else "p < 1e-12"
    provisional = ", provisional" if judgement.provisional[i] and judgement.anomaly[i] == 1 else ""
    verdict = "out of pattern" if judgement.anomaly[i] == 1 else "not out of pattern"
    return f" ({verdict}, {chance}{provisional})."

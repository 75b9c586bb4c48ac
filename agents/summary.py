"""The break resolution summary that a person reads first: what matters, why, and what waits for them."""

from collections import Counter
from collections.abc import Mapping, Sequence

from memory.action import Action
from recon.case import Case
from recon.money import readable
from recon.rows import Reading

SHOWN = 20


def summary(
    recon: str,
    current: Reading,
    cases: Sequence[Case],
    actions: Sequence[Action],
    counts: Mapping[str, int],
    since: Sequence[str] = (),
) -> str:
    """Markdown; everything in it stands in the other files too."""
    anomalies = [c for c in cases if c.kind == "anomaly"]
    documents = [c for c in cases if c.kind == "document"]
    lines = [f"# {recon}: break resolution summary", "", *_counted(counts), "", *map(_line, since)]
    lines += _section("Needs a person", anomalies, actions)
    lines += _section("In line: only the comment is missing", documents, actions)
    lines += _imported(current)
    return "\n".join(lines).rstrip() + "\n"


def _counted(counts: Mapping[str, int]) -> list[str]:
    return [
        f"{counts['rows_in']:,} rows read, {counts['rows_scored']:,} judged, {counts['rows_rejected']:,} rejected; "
        f"{counts['history_rows']:,} rows of history.",
        f"{counts['breaks']:,} breaks, {counts['anomalies']:,} rows out of pattern, "
        f"{counts['anomaly_cases']:,} problems in {counts['cases']:,} cases, "
        f"{counts['actions']:,} drafts waiting for approval.",
    ]


def _section(title: str, cases: Sequence[Case], actions: Sequence[Action]) -> list[str]:
    if not cases:
        return [f"## {title}", "", "Nothing.", ""]
    drafts = Counter(a.case_id for a in actions)
    ranked = sorted(cases, key=lambda c: (-c.amount_base, c.id))
    lines = [f"## {title}", ""]
    for case in ranked[:SHOWN]:
        unit = f" {case.currency}" if case.currency else ""
        waiting = f" {drafts[case.id]} draft(s) wait." if drafts[case.id] else ""
        lines += [
            f"### {_line(case.title)}",
            f"{case.id} · {case.severity} · pattern {case.pattern} · cause {case.cause} "
            f"({case.confidence:.0%}) · {case.break_count:,} breaks · {readable(case.amount)}{unit}.{waiting}",
            "",
            _line(case.summary),
            "",
        ]
    if len(ranked) > SHOWN:
        lines += [f"And {len(ranked) - SHOWN:,} more in cases.json.", ""]
    return lines


def _imported(current: Reading) -> list[str]:
    if not current.findings and not current.layout.assumed:
        return []
    lines = ["## What the import found", ""]
    lines += [f"- {_line(f.what)} ({_line(f.where)}): {_line(f.done)}" for f in current.findings]
    lines += [f"- {_line(sentence)}" for sentence in current.layout.assumed]
    return [*lines, ""]


def _line(text: str) -> str:
    """Text from data on one line, with what Markdown would read as markup made plain."""
    flat = " ".join(text.split())
    return flat.replace("\\", "\\\\").replace("`", "\\`").replace("<", "&lt;").replace("[", "\\[")

"""The break resolution summary that a person reads first: what matters, why, and what waits for them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from memory.action import Action
from recon.case import Case
from recon.money import measured
from recon.rows import Reading
from recon.text import counted

SHOWN = 20
OVER: Final = ("cleared", "resolved", "closed_forced")
"""States that say that nothing is left to do, though the file still holds the breaks."""


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
    lines += _listed("Not out of pattern: only the comment is missing", documents, actions)
    lines += _imported(current)
    return "\n".join(lines).rstrip() + "\n"


def _counted(counts: Mapping[str, int]) -> list[str]:
    return [
        f"{counted(counts['rows_in'], 'row')} read, {counts['rows_scored']:,} judged, "
        f"{counts['rows_rejected']:,} rejected; {counted(counts['history_rows'], 'row')} of history.",
        f"{counted(counts['breaks'], 'break')}, {counted(counts['anomalies'], 'row')} out of pattern, "
        f"{counted(counts['anomaly_cases'], 'problem')} in {counted(counts['cases'], 'case')}, "
        f"{counted(counts['actions'], 'draft')} waiting for approval.",
    ]


def _section(title: str, cases: Sequence[Case], actions: Sequence[Action]) -> list[str]:
    if not cases:
        return [f"## {title}", "", "Nothing.", ""]
    drafts = Counter(a.case_id for a in actions)
    ranked = sorted(cases, key=lambda c: (-c.amount_base, c.id))
    lines = [f"## {title}", ""]
    for case in ranked[:SHOWN]:
        over = f" · {case.state}" if case.state in OVER else ""
        waiting = f" {counted(drafts[case.id], 'draft')} waiting." if drafts[case.id] else ""
        measure = f" · {measured(case.amount, case.currency)}" if case.amount else ""
        lines += [
            f"### {_line(case.title)}",
            f"{case.id} · {case.severity} · pattern {case.pattern} · {_cause(case)} · "
            f"{counted(case.break_count, 'break')}{measure}{over}.{waiting}",
            "",
            _line(_told(case)),
            "",
        ]
    return lines + _more(len(ranked) - SHOWN)


def _listed(title: str, cases: Sequence[Case], actions: Sequence[Action]) -> list[str]:
    """One line a case: what it is and the comment that waits, since there is nothing to look into."""
    if not cases:
        return [f"## {title}", "", "Nothing.", ""]
    comments = {a.case_id: str(a.payload.get("comment") or "") for a in actions if a.kind == "recon.comment"}
    ranked = sorted(cases, key=lambda c: (-c.amount_base, c.id))
    lines = [f"## {title}", ""]
    for case in ranked[:SHOWN]:
        over = f" · {case.state}" if case.state in OVER else ""
        said = comments.get(case.id, "")
        comment = f" · proposed comment: «{_line(said)}»" if said else ""
        lines.append(f"- **{_line(case.title)}** · {case.id} · {case.severity} · {_cause(case)}{over}{comment}")
    return [*lines, "", *_more(len(ranked) - SHOWN)]


def _told(case: Case) -> str:
    """The summary without the title that stands above it."""
    return case.summary.removeprefix(f"{case.title}. ")


def _more(count: int) -> list[str]:
    return [f"And {count:,} more in cases.json.", ""] if count > 0 else []


def _cause(case: Case) -> str:
    """How sure the cause is; that nothing was proved needs no percentage."""
    return "no cause proved" if case.cause == "unknown" else f"cause {case.cause} ({case.confidence:.0%})"


def _imported(current: Reading) -> list[str]:
    if not current.findings and not current.layout.assumed:
        return []
    lines = ["## What the import found", ""]
    lines += [f"- {_line(f.sentence())}" for f in current.findings]
    lines += [f"- {_line(sentence)}" for sentence in current.layout.assumed]
    return [*lines, ""]


def _line(text: str) -> str:
    """Text from data on one line, with what Markdown would read as markup made plain."""
    flat = " ".join(text.split())
    return flat.replace("\\", "\\\\").replace("`", "\\`").replace("<", "&lt;").replace("[", "\\[")

"""Which findings are one problem: slices, linked rows and keys become groups; one group, one case."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import numpy.typing as npt

from detectors.judgement import Judgement
from detectors.learning import Lessons
from detectors.localise import Slice
from detectors.proof import Proof
from recon.panel import Panel
from recon.words import PATTERN_LABELS, CaseKind

PATTERN_IDS = tuple(PATTERN_LABELS)

LINKING_CAUSES = frozenset({"misposting", "duplicate", "aggregation", "lag", "timing", "fee_or_tax", "fx_rate"})
"""Causes whose proof names other rows: those rows are the same problem."""

BY_LINK = frozenset({"misposting", "aggregation"})
"""Causes whose proof names the rows that belong together; what else those rows share says nothing."""

CROWD = 20
"""Breaks of one cause from which they are one case where there is no past and no slice."""

PURE = 0.8
"""Share of a slice's rows that deviate alike from which what is unproved in it belongs to it: a second break under the
first hides the arithmetic, not the feed that failed."""

Finding = tuple[int, int]
"""(panel index, position in that panel's judgement)."""


@dataclass(frozen=True)
class Group:
    """Findings that share one cause and scope."""

    kind: CaseKind
    cause: str
    pattern: str
    scope: tuple[tuple[str, str], ...]
    onset_day: int
    members: tuple[Finding, ...]
    """Strangest first."""
    proof: Proof | None
    """The proof of its strangest proved member."""
    slice: Slice | None
    precedent: str = ""
    """For documents: the comment that operators used on the like."""


@dataclass(frozen=True)
class Judged:
    """A run's panels with what was found about them; the sequences run parallel."""

    panels: Sequence[Panel]
    judgements: Sequence[Judgement]
    proofs: Sequence[Mapping[int, Sequence[Proof]]]
    """By panel row, best first."""
    causes: Sequence[npt.NDArray[np.object_]]
    """The cause word of every judged row; "" for a match that is not anomalous."""
    slices: Sequence[tuple[int, Slice]]
    """(panel index, slice); a slice's rows are panel rows."""
    lessons: Lessons | None = None
    """What operators' tags taught; the reason under a row says when one of them decided."""

    def row(self, finding: Finding) -> int:
        """The finding's panel row."""
        return int(self.judgements[finding[0]].rows[finding[1]])

    def pattern(self, finding: Finding) -> str:
        """The finding's pattern id: a person's word where one was said of the like, else the judgement's."""
        judgement = self.judgements[finding[0]]
        by = judgement.numbers.get("pattern_by")
        if self.lessons is not None and by is not None and by[finding[1]] >= 0:
            return self.lessons.lessons[int(by[finding[1]])].corrected or "in_line"
        index = int(judgement.pattern[finding[1]])
        return PATTERN_IDS[index] if index >= 0 else "in_line"

    def best_proof(self, finding: Finding) -> Proof | None:
        """The proof that ranks first, if any mechanism holds."""
        found = self.proofs[finding[0]].get(self.row(finding))
        return found[0] if found else None


def without_past(judged: Judged) -> bool:
    """True when nothing could be judged against a past: then the breaks themselves are the deviations."""
    return all(bool((j.anomaly == -1).all()) for j in judged.judgements)


def group(judged: Judged, precedents: Mapping[Finding, str] | None = None) -> list[Group]:
    """Every break and every anomaly in one group at most: slices first, then linked rows, then keys.

    `precedents`: the comment proposed for a finding, which decides which breaks in line are documented together.
    """
    deviations = _deviations(judged)
    taken: set[Finding] = set()
    # what a slice's amounts say is told before what its words say of the same rows
    slices = sorted(judged.slices, key=lambda one: judged.panels[one[0]].pair.kind == "text")
    groups = _merged([g for p, s in slices if (g := _slice_group(judged, p, s, deviations, taken)) is not None])
    rest = [f for f in deviations if f not in taken]
    noise = _noise(judged, rest, beside=bool(groups)) if without_past(judged) else []
    groups += _leftovers(judged, noise, "document" if groups else "anomaly")
    alone = set(rest) - set(noise)
    deviating = [f for f in rest if f in alone]
    groups += _linked_and_keyed(judged, [*deviating, *_partners(judged, deviating, taken.union(rest))])
    taken.update(f for g in groups for f in g.members)
    groups += _documents(judged, taken, precedents or {})
    return groups


def _merged(groups: Sequence[Group]) -> list[Group]:
    """One cause in one slice is one problem, whichever pairs show it (an amount, and the same in another currency), and
    what is unproved in a slice belongs to what is proved there of the same pair: small amounts hide the arithmetic."""
    proved: dict[tuple[tuple[str, str], ...], Group] = {}
    for one in groups:
        if one.scope and one.cause not in ("unknown", "new"):
            proved.setdefault(one.scope, one)

    def belongs(one: Group, first: Group) -> bool:
        unproved = one.cause in ("unknown", "new") and {p for p, _ in one.members} <= {p for p, _ in first.members}
        return one.scope == first.scope and (one.cause == first.cause or unproved)

    found: list[Group] = []
    for one in groups:
        first = proved.get(one.scope)
        if one is first:
            found.append(replace(one, members=tuple(f for g in groups if belongs(g, one) for f in g.members)))
        elif first is None or not belongs(one, first):
            found.append(one)
    return found


def _deviations(judged: Judged) -> list[Finding]:
    """What cases are made of, strangest first: the anomalies, or the breaks when nothing has a past."""
    blind = without_past(judged)
    found: list[tuple[float, Finding]] = []
    for p, (panel, judgement) in enumerate(zip(judged.panels, judged.judgements, strict=True)):
        is_break = panel.is_break[judgement.rows]
        wanted = is_break if blind else judgement.anomaly == 1
        found += [(-float(judgement.score[j]), (p, int(j))) for j in np.flatnonzero(wanted)]
    return [finding for _, finding in sorted(found)]


def _slice_group(
    judged: Judged, p: int, found: Slice, deviations: Sequence[Finding], taken: set[Finding]
) -> Group | None:
    inside = set(found.rows.tolist())
    rows = inside if without_past(judged) else set(found.deviating.tolist())
    unproved = found.purity >= PURE and not without_past(judged)
    members = [
        f
        for f in deviations
        if f[0] == p
        and f not in taken
        and ((row := judged.row(f)) in rows or (unproved and row in inside and judged.causes[p][f[1]] == "unknown"))
    ]
    if not members:
        return None
    taken.update(members)
    # Other pairs of the same rows tell of the same problem.
    same = {int(judged.panels[p].source[row]) for row in (judged.row(f) for f in members)}
    others = [f for f in deviations if f not in taken and int(judged.panels[f[0]].source[judged.row(f)]) in same]
    taken.update(others)
    in_line = _other_pairs(judged, [*members, *others], taken)
    members += [*others, *in_line]
    taken.update(in_line)
    panel = judged.panels[p]
    scope = tuple(
        (column, str(panel.columns[column].vocabulary[int(code)].as_py())) for column, code in found.parts.items()
    )
    onsets = Counter(onset_day(panel, judged.row(f)) for f in members)
    day, _ = max(onsets.items(), key=lambda item: (item[1], -item[0]))
    cause, proof = _common_cause(judged, members)
    # Nothing is proved, yet the rows deviate together: a bucket of its own, offered to the desk by name.
    cause = "new" if cause == "unknown" and not without_past(judged) else cause
    return Group("anomaly", cause, _common_pattern(judged, members), scope, day, tuple(members), proof, found)


def _partners(judged: Judged, deviating: Sequence[Finding], taken: set[Finding]) -> list[Finding]:
    """Breaks in line that belong to a deviation: the other half that its proof names, and the other pairs of a row that
    one side lacks. One problem is one case."""
    found: dict[Finding, None] = dict.fromkeys(_other_pairs(judged, deviating, taken))
    for finding in deviating:
        found |= dict.fromkeys(f for f in _bound_to(judged, finding) if f not in taken)
    return list(found)


def _bound_to(judged: Judged, finding: Finding) -> list[Finding]:
    """The other breaks that its proof says belong together with it."""
    proof = judged.best_proof(finding)
    if proof is None or proof.cause not in BY_LINK:
        return []
    p, rows = finding[0], judged.judgements[finding[0]].rows
    at = [(int(np.searchsorted(rows, row)), row) for row in proof.rows]
    return [(p, j) for j, row in at if j < len(rows) and rows[j] == row and judged.panels[p].is_break[row]]


def _other_pairs(judged: Judged, deviating: Sequence[Finding], taken: set[Finding]) -> list[Finding]:
    """The breaks in line of the other pairs of rows that one side lacks, as deviations of those rows show."""
    lacking = [f for f in deviating if judged.causes[f[0]][f[1]] in ("missing_left", "missing_right")]
    if not lacking or len(judged.panels) == 1:
        return []
    wanted = {(int(judged.panels[f[0]].source[judged.row(f)]), str(judged.causes[f[0]][f[1]])) for f in lacking}
    sources = np.array([source for source, _ in wanted])
    found: list[Finding] = []
    for p, (panel, judgement) in enumerate(zip(judged.panels, judged.judgements, strict=True)):
        source = panel.source[judgement.rows]
        for j in np.flatnonzero(panel.is_break[judgement.rows] & np.isin(source, sources)):
            if (p, int(j)) not in taken and (int(source[j]), str(judged.causes[p][j])) in wanted:
                found.append((p, int(j)))
    return found


def _linked_and_keyed(judged: Judged, rest: Sequence[Finding]) -> list[Group]:
    """Rows that a proof ties together are one problem; so are all pairs of one key with one cause, the pairs of one row
    that are off by one factor (a quantity, and the money that follows from it), and the rows of a day whose words
    differ alike."""
    where = {(f[0], judged.row(f)): f for f in rest}
    boss: dict[Finding, Finding] = {f: f for f in rest}

    def find(f: Finding) -> Finding:
        while boss[f] != f:
            boss[f] = boss[boss[f]]
            f = boss[f]
        return f

    def join(a: Finding, b: Finding) -> None:
        first, second = find(a), find(b)
        if first != second:
            boss[max(first, second)] = min(first, second)

    keyed: dict[tuple[int, str], Finding] = {}
    changed: dict[tuple[int, int, str], Finding] = {}
    scaled: dict[tuple[int, float], Finding] = {}
    for f in rest:
        if (place := _row_and_factor(judged, f))[1]:
            join(scaled.setdefault(place, f), f)
        if change := _change(judged, f):
            join(changed.setdefault((f[0], int(judged.panels[f[0]].day[judged.row(f)]), change), f), f)
        series = _series_index(judged.panels[f[0]], judged.row(f))
        key = (int(judged.panels[f[0]].series_id[series]), str(judged.causes[f[0]][f[1]]))
        join(keyed.setdefault(key, f), f)
        proof = judged.best_proof(f)
        if proof is not None and proof.cause in LINKING_CAUSES:
            for row in proof.rows:
                other = where.get((f[0], row))
                if other is not None:
                    join(f, other)
    families: dict[Finding, list[Finding]] = defaultdict(list)
    for f in rest:
        families[find(f)].append(f)
    return [_key_group(judged, members) for members in families.values()]


def _row_and_factor(judged: Judged, finding: Finding) -> tuple[int, float]:
    """The current row, and by what share of the left side the right one is more, to three digits: pairs of a row that
    are off by one factor are one problem. Endless where a side is missing, 0 where a side is nothing."""
    panel, row = judged.panels[finding[0]], judged.row(finding)
    if panel.left_missing[row] != panel.right_missing[row]:
        return int(panel.source[row]), math.inf if panel.left_missing[row] else -math.inf
    left, right = int(panel.left[row]), int(panel.right[row])
    known = panel.pair.kind != "text" and panel.pair.right is not None and left and right
    return int(panel.source[row]), float(f"{(right - left) / left:.3g}") if known else 0.0


def _change(judged: Judged, finding: Finding) -> str:
    """What one side made of the other's words: the same on several rows of a day is one problem. "" for amounts, and
    where a side is missing."""
    panel = judged.panels[finding[0]]
    proof = judged.best_proof(finding)
    if panel.pair.kind != "text" or proof is None or proof.mechanism != "text_differs":
        return ""
    left, right = str(proof.values["left"]), str(proof.values["right"])
    try:
        return f"{(date.fromisoformat(right) - date.fromisoformat(left)).days} days"
    except ValueError:
        return f"{left}\x1f{right}"


def _noise(judged: Judged, rest: Sequence[Finding], *, beside: bool) -> list[Finding]:
    """Of a file without a past, what no slice explains: all that is `beside` slices; without slices the causes that
    are too many to be looked at one by one."""
    if beside:
        return list(rest)
    counted = Counter(str(judged.causes[p][j]) for p, j in rest)
    return [f for f in rest if (cause := str(judged.causes[f[0]][f[1]])) not in BY_LINK and counted[cause] >= CROWD]


def _leftovers(judged: Judged, rest: Sequence[Finding], kind: CaseKind) -> list[Group]:
    """Without a past, what no slice explains: one group for each cause, without a scope over several keys. Where there
    are slices it is noise, but for what is proved and more than rounding."""
    by_cause: dict[str, list[Finding]] = defaultdict(list)
    for f in rest:
        by_cause[str(judged.causes[f[0]][f[1]])].append(f)
    groups = [_key_group(judged, members) for members in by_cause.values()]
    return [
        replace(
            one,
            kind=kind if one.cause in ("unknown", "rounding") else "anomaly",
            scope=one.scope if len(one.members) == 1 else (),
        )
        for one in groups
    ]


def _key_group(judged: Judged, members: list[Finding]) -> Group:
    cause, proof = _common_cause(judged, members)
    onset = min(onset_day(judged.panels[p], judged.row((p, j))) for p, j in members)
    return Group(
        "anomaly",
        cause,
        _common_pattern(judged, members),
        _shared_key(judged, members),
        onset,
        tuple(members),
        proof,
        None,
    )


def _documents(judged: Judged, taken: set[Finding], precedents: Mapping[Finding, str]) -> list[Group]:
    """Breaks in line, by pattern, cause and precedent: one comment documents them all. What belongs together, by a
    proof or as pairs of a row that are off by one factor, goes by the strangest of it."""
    if without_past(judged):
        return []
    rest = [
        (p, int(j))
        for p, (panel, judgement) in enumerate(zip(judged.panels, judged.judgements, strict=True))
        for j in np.flatnonzero(panel.is_break[judgement.rows] & (judgement.anomaly != 1))
        if (p, int(j)) not in taken
    ]
    beside: dict[tuple[int, float], list[Finding]] = defaultdict(list)
    for f in rest if len(judged.panels) > 1 else ():
        beside[_row_and_factor(judged, f)].append(f)
    families: dict[tuple[str, str, str], list[Finding]] = defaultdict(list)
    for f in rest:
        place = _row_and_factor(judged, f)
        together = [f, *_bound_to(judged, f), *(beside[place] if place[1] else ())]
        lead = min(together, key=lambda g: (-float(judged.judgements[g[0]].score[g[1]]), g))
        families[judged.pattern(lead), str(judged.causes[lead[0]][lead[1]]), precedents.get(lead, "")].append(f)
    groups = []
    for (pattern, cause, precedent), members in families.items():
        members.sort(key=lambda f: -float(judged.judgements[f[0]].score[f[1]]))
        newest = max(int(judged.panels[p].day[judged.row((p, j))]) for p, j in members)
        scope = _shared_key(judged, members)
        proof = next((found for f in members if (found := judged.best_proof(f)) is not None), None)
        groups.append(Group("document", cause, pattern, scope, newest, tuple(members), proof, None, precedent))
    return groups


def _common_cause(judged: Judged, members: Sequence[Finding]) -> tuple[str, Proof | None]:
    """The cause that at least half of the members have proved, else `unknown`; with the strangest one's proof."""
    counted = Counter(str(judged.causes[p][j]) for p, j in members)
    proved = [(count, cause) for cause, count in counted.items() if cause not in ("", "unknown")]
    if not proved:
        return "unknown", None
    count, cause = max(proved, key=lambda item: (item[0], item[1]))
    if 2 * count < len(members):
        return "unknown", None
    for f in members:
        proof = judged.best_proof(f)
        if proof is not None and proof.cause == cause:
            return cause, proof
    return cause, None


def _common_pattern(judged: Judged, members: Sequence[Finding]) -> str:
    counted = Counter(judged.pattern(f) for f in members)
    order = {pattern: n for n, pattern in enumerate(PATTERN_IDS)}
    return min(counted, key=lambda pattern: (-counted[pattern], order.get(pattern, len(order)), pattern))


def _shared_key(judged: Judged, members: Sequence[Finding]) -> tuple[tuple[str, str], ...]:
    """The key columns in which all members hold the same value."""
    first = judged.panels[members[0][0]]
    shared: list[tuple[str, str]] = []
    for column in first.key_columns:
        codes = first.columns[column]
        values = {int(judged.panels[p].columns[column].codes[judged.row((p, j))]) for p, j in members}
        if len(values) == 1:
            shared.append((column, str(codes.vocabulary[values.pop()].as_py())))
    return tuple(shared)


def _series_index(panel: Panel, row: int) -> int:
    return int(panel.series_at(row))


def onset_day(panel: Panel, row: int) -> int:
    """The day since when the row's series has been outside tolerance without a day inside; its own when it is not."""
    first = int(panel.offsets[_series_index(panel, row)])
    onset = row
    while panel.is_break[row] and onset > first and panel.is_break[onset - 1]:
        onset -= 1
    return int(panel.day[onset])

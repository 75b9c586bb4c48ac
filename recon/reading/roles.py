"""Which column plays which role, in files never seen before: by names and values, and what the recon file says."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from recon.errors import BadInput
from recon.reading.columns import Column
from recon.reading.dating import date_like, days_as_dates, find_dates
from recon.reading.keys import Grouping, groups_and_categories, infer_key, is_line_id
from recon.reading.named import Named
from recon.reading.pairs import PairsFound, infer_pairs, is_measure
from recon.reading.sides import Sides, find_sides
from recon.reading.status import is_match
from recon.reading.words import COMMENT, CURRENCY, LABEL, MEASURE, OUTCOME, STATUS
from recon.recon_file import ReconFile
from recon.rows import Layout, Pair
from recon.text import normalise

GroupingOf = Callable[[Sequence[Column], str | None], Grouping]
"""Codes of candidate columns over the rows, given the date column."""

_TRUTH: Final = frozenset(
    {"yes", "no", "y", "n", "true", "false", "0", "1", "anomaly", "normal", "anomalous", "outlier", "inlier", "-1"}
    | {"00", "10", "0.0", "1.0", "abnormal", "fraud", "legit"}
)
_FLAGS: Final = frozenset({"y", "n", "yes", "no", "true", "false"})


@dataclass(frozen=True)
class Roles:
    """A layout and how it was come by."""

    layout: Layout
    reasons: Mapping[str, str]
    """Why each inferred column has its role, by role."""
    sides: Sides | None
    """The two sources' columns, where the headers name them: which columns are blank when a side is absent."""
    aliases: Mapping[str, str]
    """Key columns of the left side, and where the right side writes the same."""


def infer_roles(columns: Mapping[str, Column], said: ReconFile, grouping_of: GroupingOf) -> Roles:
    """Decides every role; what the recon file says stands, the rest is inferred and said in `Layout.assumed`.

    Raises BadReconFile for a named column that the file lacks, BadInput when no column holds values to judge.
    """
    named = Named(columns, said)
    everything = list(columns.values())
    ignored = set(named.ignore)
    free = [c for c in everything if c.name not in ignored]
    label = named.label or _label(free)
    doubled = _of_both_sides(free)
    status = named.status or _status([c for c in free if c.name not in doubled], label)
    currency = named.currency or _currency(free)
    comment = named.comment or _comments(free, {label, status, currency})
    taken = {name for name in (label, status, currency, *comment, *named.key, *ignored) if name}
    outcomes = {c.name for c in free if _is_outcome(c)} - set(named.key)
    compared = taken - ({currency} & (doubled - set(named.key)))
    dated = days_as_dates(free)
    found = named.pairs(everything) or infer_pairs(dated, frozenset(compared | outcomes | date_like(dated)))
    date, timestamp = find_dates(free, named, found, taken)
    if not found.pairs or _only_text(found):
        found = _with_dates_free(free, taken | outcomes | {date or "", timestamp or ""}, found)
    if not found.pairs:
        raise BadInput(_no_values(everything))
    taken |= found.used | outcomes | {name for name in (date, timestamp) if name}
    candidates = [c for c in free if c.name not in taken - {currency} and _may_identify(c)]
    if not any(is_line_id(c) for c in candidates):
        lefts = {left for left, _ in found.identities}
        candidates = [c for c in free if c in candidates or (c.name in lefts and _may_identify(c))]
    grouping = grouping_of(candidates, date or timestamp)
    key = infer_key(candidates, grouping, currency)
    chosen = named.key or key.columns
    historical, categorical = groups_and_categories(candidates, chosen, grouping)
    layout = Layout(
        key=chosen,
        pairs=tuple(_in_money(pair, currency) for pair in found.pairs),
        historical=named.historical or historical,
        categorical=tuple(name for name in categorical if name != currency and name not in named.historical),
        date=date,
        timestamp=timestamp,
        status=status,
        comment=comment,
        label=label,
        currency=currency,
        left_source=_source(said, found, "left"),
        right_source=_source(said, found, "right"),
    )
    months = date is not None and columns[date].is_month
    reasons = {"key": key.why, "pairs": found.why, "date": " (a month stands for its last day)" if months else ""}
    layout = replace(layout, assumed=_assumed(layout, named, reasons))
    return Roles(layout, reasons, found.sides, {left: right for left, right in found.identities if left in chosen})


def _label(columns: Sequence[Column]) -> str | None:
    for column in columns:
        named = column.squashed in LABEL or (
            any(word in ("anomaly", "outlier", "anomalous", "groundtruth") for word in column.tokens)
            and not any(word in ("score", "reason", "type", "comment", "detail") for word in column.tokens)
        )
        values = {value.casefold() for value in column.distinct_values}
        if named and (values <= _TRUTH or column.distinct <= 2):
            return column.name
    return None


def _status(columns: Sequence[Column], label: str | None) -> str | None:
    """The column whose cells say match or break; its name counts, its words decide."""
    best, best_score = None, 0.0
    for column in columns:
        if column.name == label or column.is_blank or column.distinct > 60 or column.is_number or column.is_date:
            continue
        texts = {text for text in column.values if text.strip()}
        known = sum(is_match(text) is not None for text in texts) / max(1, len(texts))
        if column.distinct_values <= _FLAGS:
            known = float("match" in column.squashed or "reconciled" in column.squashed)
        if _is_comment(column) and not any(word in STATUS for word in column.tokens):
            continue
        name = sum(word in STATUS for word in column.tokens) + ("resolution" not in column.tokens)
        if known >= 0.5 and (name > 1 or known == 1.0) and "reason" not in column.tokens:
            score = known + 0.5 * name
            if score > best_score:
                best, best_score = column.name, score
    return best


def _of_both_sides(columns: Sequence[Column]) -> set[str]:
    """The columns that each of the two sources has: what each side calls its state, or its currency, is compared, and
    a state is no word on whether they match."""
    sides = find_sides(columns)
    return {c.name for couple in sides.couples for c in (couple.left, couple.right)} if sides is not None else set()


def _currency(columns: Sequence[Column]) -> str | None:
    fitting = [c for c in columns if c.currency_share >= 0.7 and c.mean_length <= 4]
    named = [c for c in fitting if c.squashed in CURRENCY or any(word in CURRENCY for word in c.tokens)]
    close = [c for c in fitting if _is_near(c.squashed, "currency")]
    chosen = named or close or fitting
    return min(chosen, key=lambda c: (len(c.tokens), c.position)).name if chosen else None


def _is_near(name: str, word: str) -> bool:
    from rapidfuzz.fuzz import ratio

    return ratio(name, word) >= 80


def _comments(columns: Sequence[Column], taken: set[str | None]) -> tuple[str, ...]:
    return tuple(c.name for c in columns if c.name not in taken and _is_comment(c))


def _is_comment(column: Column) -> bool:
    if column.is_number or column.is_date:
        return False
    named = any(word in COMMENT for word in column.tokens)
    if named and not any(word in ("code", "id", "type") for word in column.tokens):
        return True
    return column.words_per_cell >= 6 and column.mean_length >= 40


def _is_outcome(column: Column) -> bool:
    return any(word in OUTCOME for word in column.tokens) and not column.is_number and not column.is_date


def _only_text(found: PairsFound) -> bool:
    return all(pair.kind == "text" for pair in found.pairs)


def _with_dates_free(columns: Sequence[Column], taken: set[str], found: PairsFound) -> PairsFound:
    """Once more, with number columns that were taken for dates and are not the date."""
    again = infer_pairs(columns, frozenset(taken))
    return again if any(pair.kind == "number" for pair in again.pairs) else found


def _may_identify(column: Column) -> bool:
    if column.is_blank or column.is_date:
        return False
    if column.is_number and is_measure(column) and not _is_coded(column):
        return False
    return column.words_per_cell <= 6 and column.mean_length <= 60


def _is_coded(column: Column) -> bool:
    """Whole numbers under a name that says nothing: amounts or codes; whether they come back on other dates tells."""
    return column.is_integer and not column.is_negative and not any(word in MEASURE for word in column.tokens)


def _in_money(pair: Pair, currency: str | None) -> Pair:
    """Where a file has a currency, values that are nothing else are money."""
    if currency is None or pair.kind != "number" or pair.unit != "other":
        return pair
    return replace(pair, unit="money")


def _source(said: ReconFile, found: PairsFound, side: str) -> str:
    if said.sources is not None:
        return said.sources.left if side == "left" else said.sources.right
    if found.sides is not None:
        words = found.sides.left if side == "left" else found.sides.right
        number = next((p for p in found.pairs if p.kind == "number"), found.pairs[0])
        shown = _spelled(words, number.left if side == "left" else number.right)
        return shown or side
    pair = found.pairs[0]
    name = pair.left if side == "left" else pair.right
    return normalise(name) if name and pair.right is not None else side


def _spelled(words: tuple[str, ...], header: str | None) -> str:
    """The side's words as the header writes them."""
    text = normalise(header or "")
    if words and all(len(word) == 1 for word in words):
        words = ("system", *words) if re.search(rf"system[\W_]*{words[0]}", text, re.IGNORECASE) else words
    match = re.search(r"[\W_]*".join(map(re.escape, words)), text, re.IGNORECASE) if words else None
    return match[0].strip(" _-") if match else " ".join(words)


def _assumed(layout: Layout, named: Named, reasons: Mapping[str, str]) -> tuple[str, ...]:
    lines = []
    if not named.key:
        what = ", ".join(layout.key) or "none"
        lines.append(f"key: {what} ({reasons['key']}); overrule with `columns: {{key: [...]}}`")
    if not named.said.columns.criteria:
        for pair in layout.pairs:
            lines.append(_pair_assumed(pair, reasons["pairs"]))
    for role, value, said in (
        ("date", layout.date and f"{layout.date}{reasons['date']}", named.date),
        ("timestamp", layout.timestamp, named.timestamp),
        ("status", layout.status, named.status),
        ("comment", ", ".join(layout.comment) or None, named.comment),
        ("label", layout.label, named.label),
        ("historical", ", ".join(layout.historical) or None, named.historical),
    ):
        if value and not said:
            lines.append(f"{role}: {value}; overrule with `columns: {{{role}: ...}}`")
    if layout.currency and not named.currency:
        lines.append(f"currency: {layout.currency}; overrule with `currency: ...`")
    if not layout.date and not layout.timestamp:
        lines.append("date: none found; name one with `columns: {date: ...}`")
    return tuple(lines)


def _pair_assumed(pair: Pair, why: str) -> str:
    if pair.right is None:
        return f"pair {pair.name}: {pair.left} alone ({why}); overrule with `columns: {{criteria: [...]}}`"
    derived = (
        f", derived {pair.derived} ({'left - right' if pair.sign == 1 else 'right - left'})" if pair.derived else ""
    )
    marks = ", ".join(name for name in (pair.left_mark, pair.right_mark) if name)
    derived += f", credits negative by {marks}" if marks else ""
    derived += ", one side's debit being the other's credit" if pair.mirrored else ""
    return (
        f"pair {pair.name}: left {pair.left}, right {pair.right}{derived} ({why}); "
        "overrule with `columns: {criteria: [...]}`"
    )


def _no_values(columns: Sequence[Column]) -> str:
    shown = ", ".join(f"{c.name} ({c.kind})" for c in columns[:12])
    return (
        f"no column to compare was found among {shown}; name the columns as "
        "`columns: {criteria: [{left: ..., right: ...}]}` in a recon file"
    )

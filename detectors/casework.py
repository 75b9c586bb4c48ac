"""Turns a group of findings into a case: its title, amount, severity and numbered evidence."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np

from detectors.conversion import converted
from detectors.grouping import PURE, Finding, Group, Judged, onset_day, without_past
from detectors.hypotheses import rank
from detectors.proof import SAID
from detectors.reasons import reason
from detectors.sides import Peers, suspect
from recon.calendar import to_date
from recon.case import BreakRow, Case, Evidence, Hypothesis, ScopePart
from recon.ids import break_id, break_numbers, case_id, item_id, item_number
from recon.money import measured, plain, readable
from recon.panel import Panel
from recon.recon_file import Materiality, ReconFile
from recon.rows import Layout, Pair, Reading
from recon.text import of_side
from recon.words import CAUSE_LABELS, PATTERN_LABELS, AnomalyAnswer, Severity, Side

ANSWERS: tuple[AnomalyAnswer, ...] = ("no", "yes", "insufficient_history")
SHOWN_ROWS = 5
"""How many of a case's breaks get an evidence line of their own; the rest are in its rows."""
TITLE_WORD = 24
"""The longest word of a text pair that a title has room for."""


Fact = tuple[str, str, dict[str, Any], tuple[int, ...]]
"""The kind of an evidence line, its statement, its values and the rows that it is about."""


@dataclass(frozen=True)
class Written:
    """A case with its breaks, as it is stored and put into files."""

    case: Case
    breaks: tuple[BreakRow, ...]
    spark: tuple[float, ...]
    score: float
    group: Group


@dataclass(frozen=True)
class Casework:
    """What turning groups into cases needs to know of the run."""

    recon: str
    layout: Layout
    said: ReconFile
    judged: Judged
    current: Reading
    occurrence: Sequence[np.ndarray[Any, np.dtype[np.int64]]]
    """Per panel and panel row: which of the rows of its key and date it is, from 0."""
    numbers: Sequence[np.ndarray[Any, np.dtype[np.uint64]]] = field(default=())
    """Per panel and judged row: the number of its break id."""
    owners: Sequence[np.ndarray[Any, np.dtype[np.uint64]]] = field(default=())
    """Per panel and judged row: the number of the outstanding item it belongs to; 0 or left out: by key and onset."""

    _rows: dict[Finding, BreakRow] = field(default_factory=dict, compare=False, repr=False)
    """Rows that were made already: each is asked for when comments are proposed and again by its case."""
    _peers: dict[int, Peers] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def _converted(self) -> dict[int, int]:
        """Panels whose money another panel holds in its own currency."""
        return converted(self.judged.panels, self.layout.currency)

    def write(self, group: Group) -> Written:
        """The group's case, evidence and breaks."""
        breaks = tuple(self.break_row(f) for f in group.members)
        alike = self._of_one_unit(group, breaks)
        in_words = all(self.judged.panels[p].pair.kind == "text" for p, _ in group.members)
        amounts = {} if in_words else _amounts(alike)
        currency, amount, base = _total(amounts, self.said.materiality) if amounts else ("", Decimal(0), 0.0)
        weight = base if amounts else self._at_stake(group)
        side, side_statement, side_values = self._side(group)
        apart = amounts if len(amounts) > 1 and currency in amounts and amounts[currency] == amount else {}
        total = _total_fact(breaks, amount, currency, apart, alike[0].pair if len(alike) < len(breaks) else "")
        evidence = self._evidence(group, breaks, total, side_statement, side_values)
        hypotheses = self._hypotheses(group, side, evidence)
        scope = tuple(ScopePart(column, value) for column, value in group.scope)
        onset = to_date(group.onset_day)
        lead = group.members[0]
        score = max(float(self.judged.judgements[p].score[j]) for p, j in group.members)
        case = Case(
            id=self._case_id(group),
            kind=group.kind,
            state="open",
            title=self._title(group, alike[0], len(breaks), measured(amount, currency) + _and_more(apart)),
            recon=self.recon,
            pattern=group.pattern,
            cause=group.cause,
            cause_detail=group.proof.statement if group.proof else "",
            confidence=hypotheses[0].confidence if hypotheses else 0.0,
            severity=_severity(group, weight, self.said.materiality),
            scope=scope,
            break_count=len(group.members),
            amount=amount,
            currency=currency,
            onset=onset,
            rows=tuple(sorted({b.row for b in breaks})),
            evidence=evidence,
            hypotheses=hypotheses,
            suspect_side=side,
            summary=" ".join(e.statement for e in evidence[:3]),
            family=self._family(group),
            pair=breaks[0].pair,
            key={c: v for c, v in group.scope if c in self.layout.key},
            amount_base=base,
            provisional=bool(self.judged.judgements[lead[0]].provisional[lead[1]]),
            last_date=max((b.business_date for b in breaks if b.business_date), default=None),
        )
        return Written(case, breaks, self._spark(lead), score, group)

    def break_row(self, finding: Finding) -> BreakRow:
        """One finding with its numbers as text."""
        if finding not in self._rows:
            self._rows[finding] = self._break_row(finding)
        return self._rows[finding]

    def _break_row(self, finding: Finding) -> BreakRow:
        p, j = finding
        panel, judgement = self.judged.panels[p], self.judged.judgements[p]
        i = int(judgement.rows[j])
        source = int(panel.source[i])
        columns = {name: str(c.vocabulary[int(c.codes[i])].as_py()) for name, c in panel.columns.items()}
        return BreakRow(
            break_id=break_id(int(self.numbers[p][j])),
            item_id=item_id(self._item(finding)),
            row=int(self.current.rows.row[source]),
            business_date=to_date(int(panel.day[i])),
            pair=panel.pair.name,
            key={name: columns[name] for name in self.layout.key},
            columns={name: text for name, text in columns.items() if name not in self.layout.key},
            left=_side_text(panel, i, "left", self.current, source),
            right=_side_text(panel, i, "right", self.current, source),
            difference=plain(int(panel.diff[i]), panel.scale),
            currency=self._currency(finding) or None if panel.pair.unit == "money" else None,
            is_break=bool(panel.is_break[i]),
            anomaly=ANSWERS[int(judgement.anomaly[j])],
            score=float(judgement.score[j]),
            pvalue=_number(judgement.pvalue[j]),
            expected=_number(judgement.expected[j]),
            low=_number(judgement.low[j]),
            high=_number(judgement.high[j]),
            pattern=self.judged.pattern(finding),
            cause=str(self.judged.causes[p][j]),
            reason=reason(panel, judgement, j, self.judged.lessons),
            comment=str(self.current.rows.comment[source].as_py() or ""),
            words=panel.pair.kind == "text",
        )

    def _item(self, finding: Finding) -> int:
        p, j = finding
        if self.owners and self.owners[p][j]:
            return int(self.owners[p][j])
        panel, row = self.judged.panels[p], self.judged.row(finding)
        series = int(panel.series_at(row))
        return item_number(self.recon, panel.pair.name, int(panel.series_id[series]), onset_day(panel, row))

    # --- parts of a case -----------------------------------------------------------------------------------------

    def _case_id(self, group: Group) -> str:
        onset = to_date(group.onset_day)
        scope = list(group.scope)
        if group.kind == "document":
            scope += [("pattern", group.pattern), ("precedent", group.precedent)]
        pairs = sorted({self.judged.panels[p].pair.name for p, _ in group.members})
        if group.slice is not None:
            scope += [("pair", pairs[0])]
        return case_id(self.recon, group.cause, scope, onset.isoformat() if onset else "")

    def _family(self, group: Group) -> str:
        """Cases that read alike to a model: same kind, cause, pattern, mechanism and route."""
        mechanism = group.proof.mechanism if group.proof else ""
        currencies = sorted({self._currency(f) for f in group.members})[:1]
        words = [self.recon, group.kind, group.cause, group.pattern, mechanism, group.precedent, *currencies]
        words += [column for column, _ in group.scope]
        return hashlib.sha256("\x1f".join(words).encode()).hexdigest()[:16]

    def _currency(self, finding: Finding) -> str:
        panel = self.judged.panels[finding[0]]
        if panel.pair.currency is not None or not self.layout.currency:
            return panel.pair.currency or ""
        codes = panel.columns[self.layout.currency]
        return str(codes.vocabulary[int(codes.codes[self.judged.row(finding)])].as_py())

    def _of_one_unit(self, group: Group, breaks: Sequence[BreakRow]) -> list[BreakRow]:
        """The breaks whose differences may be added up: those of money, else those of the strangest one's pair.

        A trade that is missing breaks in its quantity and in its price; their sum is no amount of anything. Nor is
        that of a payment and of the same payment in dollars: the dollars count where they stand for all rows.
        """
        pairs = [self.judged.panels[p].pair for p, _ in group.members]
        numbers = [n for n, pair in enumerate(pairs) if pair.kind == "number"]
        money = [n for n in numbers if pairs[n].unit == "money"]
        twice = {n: self._converted[p] for n in money if (p := group.members[n][0]) in self._converted}
        if plain_ones := [n for n in money if group.members[n][0] in twice.values()]:
            whole = {breaks[n].row for n in plain_ones} <= {breaks[n].row for n in twice}
            without = set(plain_ones) if whole else set(twice)
            money = [n for n in money if n not in without]
        lead = (money or numbers or [0])[0]
        chosen = money or [n for n, pair in enumerate(pairs) if pair.name == pairs[lead].name]
        return [breaks[n] for n in chosen]

    def _at_stake(self, group: Group) -> float:
        """What rows that differ in words only are about: their largest money, in the materiality currency."""
        money = [panel for panel in self.judged.panels if panel.pair.unit == "money"]
        totals: dict[str, Decimal] = defaultdict(Decimal)
        for f in group.members:
            row = self.judged.row(f)
            units = [(max(abs(int(p.left[row])), abs(int(p.right[row]))), p.scale) for p in money]
            totals[self._currency(f)] += max((Decimal(u).scaleb(-scale) for u, scale in units), default=Decimal(0))
        return _total(totals, self.said.materiality)[2] if totals else 0.0

    def _side(self, group: Group) -> tuple[Side, str, dict[str, Any]]:
        p, j = group.members[0]
        if p not in self._peers:
            self._peers[p] = Peers.of(self.judged.panels[p])
        names = (self.layout.left_source, self.layout.right_source)
        side, statement, values = suspect(self.judged.panels[p], self.judged.judgements[p], j, names, self._peers[p])
        if group.proof is not None and group.proof.suspect_side != "unclear":
            side = group.proof.suspect_side
        return side, statement, values

    def _evidence(
        self,
        group: Group,
        breaks: Sequence[BreakRow],
        total: Fact,
        side_statement: str,
        side_values: dict[str, Any],
    ) -> tuple[Evidence, ...]:
        found: list[Fact] = [total] if len(breaks) > 1 else []
        for brk, finding in list(zip(breaks, group.members, strict=True))[:SHOWN_ROWS]:
            found.append(self._break_fact(brk, finding))
            found.append(self._band_fact(brk))
            proof = self.judged.best_proof(finding)
            if proof is not None and proof.cause == group.cause:
                values = {**proof.values, **_who(brk), "mechanism": proof.mechanism}
                kind = "said" if proof.mechanism == SAID else "proof"
                found.append((kind, proof.statement, values, (brk.row,)))
        if group.slice is not None:
            found.append(self._slice_fact(group, breaks))
        if side_statement:
            found.append(("side", side_statement, {**side_values, **_who(breaks[0])}, (breaks[0].row,)))
        found.append(self._onset_fact(group))
        return tuple(
            Evidence(f"E{n}", kind, statement, values, rows)
            for n, (kind, statement, values, rows) in enumerate(found, 1)
        )

    def _break_fact(self, brk: BreakRow, finding: Finding) -> Fact:
        layout = self.layout
        pair = self.judged.panels[finding[0]].pair
        unit = f" {brk.currency}" if brk.currency else ""
        day = f"On {brk.business_date.isoformat()} " if brk.business_date else ""
        key = ", ".join(f"{name} {value}" for name, value in brk.key.items())
        if pair.right is None:
            told = f"{pair.left} is {_said(brk.left, pair)}"
        elif brk.left == brk.right and pair.kind == "text":
            told = f"both sides say {_said(brk.left, pair)}"
        else:
            told = (
                f"{of_side(layout.left_source, pair.name)} is {_said(brk.left, pair)} and "
                f"{of_side(layout.right_source, pair.name)} is {_said(brk.right, pair)}"
            )
        off = "" if pair.kind == "text" else f": difference {_said(brk.difference, pair)}{unit}"
        values = {
            **_who(brk),
            "left": brk.left,
            "left_source": layout.left_source,
            "right": brk.right,
            "right_source": layout.right_source,
            "difference": brk.difference,
            "currency": brk.currency,
            "pair": brk.pair,
        }
        return "break", f"{day}{told}{off} ({key}).", values, (brk.row,)

    def _band_fact(self, brk: BreakRow) -> Fact:
        values: dict[str, Any] = {**_who(brk), "pattern": brk.pattern, "anomaly": brk.anomaly}
        for name in ("expected", "low", "high"):
            bound = getattr(brk, name)
            if bound is not None:
                values[name] = f"{bound:.2f}"
        return "band", brk.reason, values, (brk.row,)

    def _slice_fact(self, group: Group, breaks: Sequence[BreakRow]) -> Fact:
        found = group.slice
        assert found is not None
        panel = self.judged.panels[group.members[0][0]]
        names = {column: panel.columns[column].vocabulary.to_pylist() for column in found.parts}
        values = {
            "scope": dict(group.scope),
            "coverage": round(found.coverage, 4),
            "count_coverage": round(found.count_coverage, 4),
            "purity": round(found.purity, 4),
            "base_rate": round(found.base_rate, 4),
            "rows_inside": len(found.rows),
            "rows_deviating": len(found.deviating),
        }
        return "slice", found.statement(names), values, tuple(b.row for b in breaks)

    def _onset_fact(self, group: Group) -> Fact:
        p, j = group.members[0]
        panel, row = self.judged.panels[p], self.judged.row((p, j))
        since, now = to_date(onset_day(panel, row)), to_date(int(panel.day[row]))
        if since is None or now is None:
            return "onset", "The rows carry no date, so the onset is not known.", {}, ()
        values = {"onset": since.isoformat(), "date": now.isoformat()}
        if since == now:
            return "onset", f"It was first outside tolerance on {since.isoformat()}.", values, ()
        return "onset", f"It has been outside tolerance since {since.isoformat()}.", values, ()

    def _hypotheses(self, group: Group, side: Side, evidence: Sequence[Evidence]) -> tuple[Hypothesis, ...]:
        lead = group.members[0]
        proofs = self.judged.proofs[lead[0]].get(self.judged.row(lead), [])
        if group.proof is not None and group.proof not in proofs:
            proofs = [group.proof, *proofs]
        ids = {kind: [e.id for e in evidence if e.kind == kind] for kind in ("proof", "said", "break", "slice")}
        ids["proof"] += ids["said"]
        found = rank(list(proofs), pattern=group.pattern, side=side, coherent=group.slice is not None)
        return tuple(
            Hypothesis(
                cause,
                statement,
                confidence,
                tuple(ids["proof"] if cause == group.cause and ids["proof"] else ids["slice"] or ids["break"]),
            )
            for cause, confidence, statement in found
        )

    def _title(self, group: Group, lead: BreakRow, count: int, measure: str) -> str:
        if group.cause not in ("unknown", "new", ""):
            label = CAUSE_LABELS.get(group.cause, group.cause).format(
                left=self.layout.left_source, right=self.layout.right_source
            )
        elif without_past(self.judged) and group.slice is not None:
            label = "Shared difference"
        else:
            label = PATTERN_LABELS.get(group.pattern, group.pattern)
        where = ", ".join(f"{column} {value}" for column, value in group.scope[:4])
        words = self._same_words(group)
        where = where or ("all over the file" if group.slice is not None and not words else self._how_many(group))
        many = f" ({count:,} breaks)" if count > 1 else ""
        many_pairs = len({p.pair.name for p in self.judged.panels}) > 1
        in_words = all(self.judged.panels[p].pair.kind == "text" for p, _ in group.members)
        said = [] if in_words else [measure]
        told = lead.pair.casefold() == (lead.currency or "").casefold()  # `Paid USD` against `Settled USD`
        said += [lead.pair] if (many_pairs and not told) or in_words else []
        return f"{label}: {where}, {' '.join(said)}{words}{many}"

    def _same_words(self, group: Group) -> str:
        """« «USD» against «EUR»», where one word stands against another in most rows; "" for other breaks."""
        proofs = [self.judged.best_proof(finding) for finding in group.members]
        told = Counter((p.values["left"], p.values["right"]) for p in proofs if p and p.mechanism == "text_differs")
        (words, count), *_ = told.most_common(1) or [(("", ""), 0)]
        if count < PURE * len(proofs) or max(map(len, words)) > TITLE_WORD:
            return ""
        return f" «{words[0]}» against «{words[1]}»"

    def _how_many(self, group: Group) -> str:
        """«12 keys», or «12 rows» where lines have no key or all are of one."""
        rows: dict[int, list[int]] = defaultdict(list)
        for finding in group.members:
            rows[finding[0]].append(self.judged.row(finding))
        panels = self.judged.panels
        series = {i for p, at in rows.items() for i in panels[p].series_id[panels[p].series_at(np.array(at))].tolist()}
        if len(series) > 1 and self.layout.key:
            return f"{len(series):,} keys"
        sources = {i for p, at in rows.items() for i in panels[p].source[at].tolist()}
        return f"{len(sources):,} rows"

    def _spark(self, finding: Finding) -> tuple[float, ...]:
        panel = self.judged.panels[finding[0]]
        row = self.judged.row(finding)
        series = int(panel.series_at(row))
        first = max(int(panel.offsets[series]), row - 29)
        return tuple(round(float(v), 4) for v in panel.diff[first : row + 1] / 10.0**panel.scale)


def break_numbers_of(recon: str, panel: Panel, rows: np.ndarray[Any, Any], occurrence: np.ndarray[Any, Any]) -> Any:
    """The break numbers of some panel rows."""
    series = panel.series_at(rows)
    return break_numbers(recon, panel.pair.name, panel.series_id[series], panel.day[rows], occurrence[rows])


def occurrences(panel: Panel) -> np.ndarray[Any, np.dtype[np.int64]]:
    """For each row, which of the rows of its key and date it is, from 0: history and current counted apart."""
    n = panel.n
    if not n:
        return np.zeros(0, np.int64)
    series = panel.series_of_rows()
    begins = np.ones(n, np.bool_)
    begins[1:] = (
        (series[1:] != series[:-1]) | (panel.day[1:] != panel.day[:-1]) | (panel.current[1:] != panel.current[:-1])
    )
    starts = np.maximum.accumulate(np.where(begins, np.arange(n), 0))
    return np.asarray(np.arange(n) - starts, dtype=np.int64)


def _amounts(breaks: Sequence[BreakRow]) -> dict[str, Decimal]:
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for brk in breaks:
        totals[brk.currency or ""] += abs(Decimal(brk.difference))
    return dict(totals)


def _total_fact(
    breaks: Sequence[BreakRow], amount: Decimal, currency: str, apart: Mapping[str, Decimal], pair: str
) -> Fact:
    """What the breaks add up to; `apart`: by currency, where no rates add them."""
    values = {"break_count": len(breaks), "amount": format(amount, "f"), "currency": currency}
    if not amount:
        return "total", f"{len(breaks):,} breaks in all.", values, tuple(b.row for b in breaks)
    told = measured(amount, currency)
    if apart:
        largest = sorted(apart.items(), key=lambda item: (item[0] != currency, -item[1], item[0]))
        told = ", ".join(measured(of, unit) for unit, of in largest)
        values["amounts"] = {unit: format(of, "f") for unit, of in largest}
    statement = f"{len(breaks):,} breaks, {told}{f' of {pair}' if pair else ''} in all."
    return "total", statement, values, tuple(b.row for b in breaks)


def _and_more(apart: Mapping[str, Decimal]) -> str:
    """
    >>> _and_more({}), _and_more({"JPY": Decimal(9), "USD": Decimal(1)})
    ('', ' and 1 more currency')
    """
    more = len(apart) - 1
    return f" and {more} more {'currency' if more == 1 else 'currencies'}" if more > 0 else ""


def _who(brk: BreakRow) -> dict[str, Any]:
    return {
        "key": brk.key,
        "date": brk.business_date.isoformat() if brk.business_date else None,
        "break_id": brk.break_id,
    }


def _said(amount: str | None, pair: Pair) -> str:
    if amount is None:
        return "missing"
    if pair.kind == "text":
        return f"«{amount}»"
    value = Decimal(amount)
    return format(value, ",f") if pair.unit == "quantity" else readable(value)


def _side_text(panel: Panel, row: int, side: str, current: Reading, source: int) -> str | None:
    if getattr(panel, f"{side}_missing")[row]:
        return None
    column = getattr(panel.pair, side)
    if column is None:
        return None
    if panel.pair.kind == "text":
        return str(current.rows.text.column(column)[source].as_py())
    return plain(int(getattr(panel, side)[row]), panel.scale)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _total(amounts: Mapping[str, Decimal], materiality: Materiality) -> tuple[str, Decimal, float]:
    """(currency, amount, amount in the materiality currency). Currencies are added only through given rates."""

    def rate(currency: str) -> Decimal | None:
        return Decimal(1) if currency in ("", materiality.currency) else materiality.rates.get(currency)

    base = sum((amount * (rate(c) or Decimal(1)) for c, amount in amounts.items()), Decimal(0))
    if len(amounts) == 1:
        currency, amount = next(iter(amounts.items()))
        return currency, amount, float(base)
    if all(rate(c) is not None for c in amounts):
        cents = base.quantize(Decimal("0.01"))
        return materiality.currency, cents, float(base)
    currency = max(amounts, key=lambda c: (amounts[c] * (rate(c) or Decimal(1)), c))
    return currency, amounts[currency], float(base)


def _severity(group: Group, base: float, materiality: Materiality) -> Severity:
    limit = float(materiality.amount)
    if group.kind == "document":
        return "medium" if base >= 10 * limit else "low"
    if base >= limit:
        return "high"
    return "medium" if base >= limit / 10 else "low"

"""The words of column headers: how a name falls into tokens, and which words hint at which role."""

import re
from functools import lru_cache
from typing import Final

from recon.text import normalise, squash


def word_set(text: str) -> frozenset[str]:
    """The words of a text, for membership."""
    return frozenset(text.split())


_ACCOUNT: Final = re.compile(r"(?<![A-Za-z])[aA]/[cC](?![A-Za-z])")
_PARTS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_A-Za-z]+")

_TAILS: Final = (
    "difference", "tolerance", "quantity", "principal", "principical", "amount", "balance", "price", "date", "diff",
    "code", "name", "status", "type", "number", "face", "time", "value", "qty", "amt", "rate", "id",
)  # fmt: skip
"""Words that headers glue to the one before them: `PRICEDIFFERENCE`, `TRADEID`."""
_WHOLE: Final = word_set(
    """
    paid void bid grid solid valid avoid rapid hybrid liquid forename username surname estimate update
    candidate rebate corporate aggregate separate surface interface sometime realtime lifetime overtime
    runtime mandate accrual barcode
    """
)

DIFFERENCE: Final = word_set(
    """
    difference diff differences variance delta gap discrepancy residual imbalance variation
    deviation differenz abweichung ecart diferencia differenza verschil
    """
)
AGES: Final = word_set("age aging ageing days aged bucket")
"""Columns that only repeat how old a break is."""
TOLERANCE: Final = word_set("tolerance tol threshold")
COMMENT: Final = word_set(
    """
    comment comments commentary note notes remark remarks narrative narration memo explanation reason
    reasons description desc text feedback justification bemerkung kommentar notiz commentaire comentario
    """
)
OUTCOME: Final = word_set(
    """
    resolution resolved outcome root cause action assignee assigned owner ticket jira investigator
    analyst recommendation remediation closed
    """
)
LABEL: Final = word_set(
    """
    anomaly isanomaly anomalous anomalyflag label labels isoutlier outlier groundtruth truth isfraud
    fraud target class anomalylabel islabel anomalies isanomalous trueanomaly gt isabnormal abnormal
    ylabel
    """
)
STATUS: Final = word_set("status match matched result state")
CURRENCY: Final = word_set(
    """
    currency ccy curr cur currencycode ccycode currcode iso isocurrency transactioncurrency
    localcurrency tradecurrency accountcurrency dealcurrency curcode
    """
)
MEASURE: Final = word_set(
    """
    amount amt balance bal value price px qty quantity notional face principal market mv cost total sum
    net gross debit credit rate fee tax interest pnl exposure position units shares count kpi real
    predict predicted actual expected forecast ledger statement nominal proceeds money sales revenue
    volume nav accrued coupon yield original
    """
)
IDENTITY: Final = word_set(
    """
    id ids no num number nr ref reference key account acct acc code company entity au isin cusip sedol
    ticker symbol trade deal txn transaction order book fund portfolio desk branch center centre unit
    counterparty party client customer security instrument uti uid uuid guid lei bic iban swift seq
    sequence index row line folio invoice voucher cheque check batch version year month zip phone
    segment subaccount gl legal
    """
)
LINE_ID: Final = word_set("id ids ref reference no num number nr uti uid uuid guid key seq invoice voucher cheque etid")
COUNTERS: Final = word_set(
    """
    id row rowid rowno rownumber rownum index idx line lineno linenumber no nr number seq sequence sno
    srno serial serialno unnamed0 recordid recordno recno record
    """
)
DIMENSION: Final = word_set(
    """
    company entity account acct acc au currency ccy book fund portfolio branch isin cusip sedol ticker
    symbol security instrument counterparty client customer center centre costcenter subaccount legal
    desk ledger location site sensor metric kpi product region
    """
)
ATTRIBUTE: Final = word_set("primary secondary type class category group name level parent status kind subtype")
"""Words of columns that describe a key's column instead of being one."""
GROUPING: Final = word_set(
    """
    account acct acc type class category group desk inventory cusip book product instrument bank
    counterparty portfolio fund strategy segment division department unit region country branch entity
    company primary secondary trading security isin sector
    """
)
SIDES: Final = word_set(
    """
    left right source target src tgt ledger statement book books bank internal external ours theirs our
    their gl subledger ihub catalyst impact system sys actual expected forecast predict predicted
    prediction real budget reported computed broker custodian custody counterparty cpty accounting front
    back office fo bo murex upstream downstream original new old before after a b x y lhs rhs stmt
    records record host feed erp sap oracle bloomberg vendor client street depot nostro swift cash erp1
    erp2 prod uat legacy primary secondary
    """
)
BARE_PAIRS: Final = (
    ("ledger", "statement"), ("ledger", "bank"), ("book", "bank"), ("books", "bank"), ("gl", "subledger"),
    ("left", "right"), ("source", "target"), ("actual", "expected"), ("actual", "forecast"), ("actual", "predicted"),
    ("actual", "predict"), ("actual", "budget"), ("actual", "prediction"), ("real", "predict"), ("real", "predicted"),
    ("real", "expected"), ("real", "forecast"), ("observed", "expected"), ("observed", "predicted"),
    ("value", "expected"),
    ("value", "predict"), ("value", "forecast"), ("internal", "external"), ("ours", "theirs"), ("a", "b"), ("x", "y"),
    ("lhs", "rhs"), ("before", "after"), ("old", "new"), ("debit", "credit"), ("front", "back"), ("y", "yhat"),
    ("book", "stmt"), ("ledger", "stmt"), ("books", "statement"), ("book", "statement"), ("system1", "system2"),
    ("expected", "received"), ("sent", "received"), ("ordered", "delivered"), ("invoiced", "paid"), ("gl", "ihub"),
    ("f", "r"),
)  # fmt: skip
"""Headers that are a side each and nothing else."""


@lru_cache(maxsize=8192)
def tokens(name: str) -> tuple[str, ...]:
    """The words of a header, folded.

    >>> tokens("Catalyst_PRICEDIFFERENCE"), tokens("AsOfDate"), tokens("TRADEID")
    (('catalyst', 'price', 'difference'), ('as', 'of', 'date'), ('trade', 'id'))
    >>> tokens("Nostro A/C")
    ('nostro', 'account')
    """
    found: list[str] = []
    for part in _PARTS.findall(_ACCOUNT.sub("Account", normalise(name))):
        found.extend(_untailed(part.casefold()))
    return tuple(found)


def _untailed(word: str) -> list[str]:
    if word in _WHOLE or len(word) < 5:
        return [word]
    for tail in _TAILS:
        if word.endswith(tail) and len(word) >= len(tail) + (3 if tail == "id" else 2):
            return [*_untailed(word[: -len(tail)]), tail]
    return [word]


def has_word(name: str, words: frozenset[str]) -> bool:
    """True when a token of the header, or the whole header, is one of the words."""
    return squash(name) in words or any(token in words for token in tokens(name))


def is_sidelike(side: tuple[str, ...]) -> bool:
    """True when every word of a supposed side is one that headers use for sides."""
    return bool(side) and all(word in SIDES or word.isdigit() for word in side)

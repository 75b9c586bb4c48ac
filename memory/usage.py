"""What the language model cost, and the answers already paid for."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from memory.database import Database
from memory.schema import model_answers, model_usage
from recon.clock import Clock
from recon.settings import Settings


@dataclass(frozen=True)
class Spent:
    """Calls and tokens."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0

    @property
    def tokens(self) -> int:
        return self.tokens_in + self.tokens_out

    def cost(self, settings: Settings) -> Decimal | None:
        """In the currency of the prices; None where no price is set; a way without a price costs nothing."""
        if settings.price_in is None and settings.price_out is None:
            return None
        return (self.tokens_in * (settings.price_in or 0) + self.tokens_out * (settings.price_out or 0)) / Decimal(
            1_000_000
        )

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(self.calls + other.calls, self.tokens_in + other.tokens_in, self.tokens_out + other.tokens_out)


@dataclass(frozen=True)
class Bill:
    """What one question cost, and on whose account."""

    case_id: str | None
    node: str
    model: str
    spent: Spent


class Usage:
    """The tables of model usage and of paid answers."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def record(self, bill: Bill) -> None:
        """Adds to the account; nothing spent, nothing written."""
        if not bill.spent.calls:
            return
        values = {
            "case_id": bill.case_id,
            "day": self._clock().date(),
            "node": bill.node,
            "model": bill.model[:120],
            "calls": bill.spent.calls,
            "tokens_in": bill.spent.tokens_in,
            "tokens_out": bill.spent.tokens_out,
        }
        with self._db.begin() as connection:
            connection.execute(sa.insert(model_usage).values(**values))

    def of_case(self, case_id: str) -> Spent:
        """All that a case has cost."""
        return self._sum(model_usage.c.case_id == case_id)

    def of_day(self, day: date | None = None) -> Spent:
        """All that a day has cost; today by default."""
        return self._sum(model_usage.c.day == (day or self._clock().date()))

    def _sum(self, condition: sa.ColumnElement[bool]) -> Spent:
        columns = (model_usage.c.calls, model_usage.c.tokens_in, model_usage.c.tokens_out)
        query = sa.select(*(sa.func.coalesce(sa.func.sum(c), 0) for c in columns)).where(condition)
        with self._db.read() as connection:
            calls, tokens_in, tokens_out = connection.execute(query).one()
        return Spent(int(calls), int(tokens_in), int(tokens_out))

    def answer(self, key: str) -> dict[str, Any] | None:
        """An answer already paid for."""
        with self._db.read() as connection:
            row = connection.execute(sa.select(model_answers.c.body).where(model_answers.c.key == key)).first()
        if row is None:
            return None
        return dict(row.body if isinstance(row.body, Mapping) else json.loads(row.body))

    def keep(self, key: str, body: Mapping[str, Any], spent: Spent) -> None:
        """Keeps an answer; the first one under a key stays."""
        with self._db.begin() as connection:
            known = connection.execute(sa.select(model_answers.c.key).where(model_answers.c.key == key)).first()
            if known is None:
                connection.execute(
                    sa.insert(model_answers).values(
                        key=key,
                        body=dict(body),
                        tokens_in=spent.tokens_in,
                        tokens_out=spent.tokens_out,
                        at=self._clock(),
                    )
                )

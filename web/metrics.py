"""What Prometheus may ask: requests by route, the queue, actions and runs by state, chat's first token."""

import os
import time
from typing import Final

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agents.desk import Desk
from memory.schema import actions, cases, runs

BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The counters of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "tieout_request_seconds",
            "Seconds from request to the end of the answer",
            ("method", "route", "status"),
            registry=self.registry,
            buckets=BUCKETS,
        )
        self.first_token = Histogram(
            "tieout_chat_first_token_seconds",
            "Seconds to a chat's first token",
            registry=self.registry,
            buckets=BUCKETS,
        )
        self.decisions = Counter(
            "tieout_decisions_total", "Decisions taken through the service", ("decision",), registry=self.registry
        )
        self.cases = Gauge("tieout_cases", "Cases by state", ("state",), registry=self.registry)
        self.actions = Gauge("tieout_actions", "Actions by state", ("state",), registry=self.registry)
        self.runs = Gauge("tieout_runs", "Runs by state", ("state",), registry=self.registry)

    def text(self, desk: Desk) -> bytes:
        """The exposition format; the gauges are counted when they are asked for."""
        with desk.db.read() as connection:
            for gauge, column in (
                (self.cases, cases.c.state),
                (self.actions, actions.c.state),
                (self.runs, runs.c.state),
            ):
                gauge.clear()
                for state, n in connection.execute(sa.select(column, sa.func.count()).group_by(column)):
                    gauge.labels(state).set(n)
        if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            together = CollectorRegistry()
            MultiProcessCollector(together)  # type: ignore[no-untyped-call]
            return generate_latest(together)
        return generate_latest(self.registry)


class Measured:
    """Times every answer by its route, so that ids in paths do not become labels."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, sending)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            took = time.perf_counter() - began
            self.metrics.requests.labels(scope["method"][:10], route, str(status)).observe(took)

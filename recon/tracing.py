"""Traces, off unless TIEOUT_TRACES says otherwise: spans with names, counts and times, never a row of data."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

Traces = Literal["off", "otel", "langsmith"]

_LANGSMITH = ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING", "LANGCHAIN_TRACING_V2")


class _Tracer:
    """One for the process; None until it is switched on, and then nothing is imported."""

    otel: Any = None


def switch(traces: Traces) -> None:
    """Switches tracing on or off for this process.

    `otel`: spans go where the OTEL_ variables say (OTEL_EXPORTER_OTLP_ENDPOINT; OTEL_TRACES_EXPORTER=console prints
    them). `langsmith`: langchain's own tracer sends each prompt and answer, masked as the model sees them, to
    LANGSMITH_ENDPOINT. `off` also overrules a LANGSMITH_TRACING that was set for another program.
    """
    for name in _LANGSMITH:
        os.environ[name] = "true" if traces == "langsmith" else "false"
    if traces != "otel":
        _Tracer.otel = None
    elif _Tracer.otel is None:
        _Tracer.otel = _opentelemetry()


def _opentelemetry() -> Any:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SimpleSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "tieout"}))
    if os.environ.get("OTEL_TRACES_EXPORTER") == "console":
        provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
    else:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer("tieout")


@contextmanager
def span(name: str, **attributes: str | int | float) -> Iterator[None]:
    """Times a block under a name; ids and counts only. Costs nothing while tracing is off."""
    if _Tracer.otel is None:
        yield
        return
    with _Tracer.otel.start_as_current_span(name, attributes=attributes):
        yield

"""The service: wires a Desk from the settings, and translates HTTP to cases and back. No logic."""

import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi import FastAPI
    from langchain_core.language_models.chat_models import BaseChatModel

    from agents.desk import Desk
    from recon.clock import Clock
    from recon.settings import Settings

log = logging.getLogger("tieout")


def open_desk(settings: "Settings", clock: "Clock | None" = None) -> "Desk":
    """Every port that the settings choose, on an upgraded database. Connects to nothing but the database.

    `clock` is for simulations; without one it is the machine's.
    """
    from agents.desk import Desk
    from memory.actions import Ledger
    from memory.audit import AuditLog
    from memory.cases import CaseStore
    from memory.database import Database
    from memory.feedback import FeedbackStore
    from memory.recons import RunStore
    from memory.resolutions import Resolutions
    from memory.vectors import Vectors, openai_embedder
    from recon.clock import system_clock
    from recon.errors import BadInput
    from recon.lake import lake_in
    from recon.tracing import switch
    from tools.actions.choose import choose_doors

    switch(settings.traces)
    clock = clock or system_clock
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"TIEOUT_HOME: {settings.home}: no workspace can be made here: {error.strerror}; name another folder"
        raise BadInput(msg) from error
    db = Database(settings.sqlalchemy_url())
    db.upgrade()
    audit = AuditLog(db, clock)
    ledger = Ledger(db, audit, clock)
    runs = RunStore(db, clock)
    projects, webhooks = runs.jira_projects(), runs.webhooks()
    if settings.embedding_model and settings.has_live_model():
        key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else None
        embedder = openai_embedder(settings.embedding_model, key, settings.openai_base_url)
        vectors = Vectors(
            settings.home / "chroma", settings.chroma_url, embedder=embedder, name=settings.embedding_model
        )
    else:
        vectors = Vectors(settings.home / "chroma", settings.chroma_url)
    return Desk(
        settings=settings,
        clock=clock,
        new_id=lambda: secrets.token_hex(8),
        db=db,
        lake=lake_in(settings.home, settings.lake_url),
        cases=CaseStore(db, clock),
        ledger=ledger,
        audit=audit,
        resolutions=Resolutions(db, vectors, clock),
        feedback=FeedbackStore(db, clock),
        make_model=lambda: _model(settings),
        doors={str(kind): door for kind, door in choose_doors(settings, db, clock, projects, webhooks).items()},
    )


def _model(settings: "Settings") -> "BaseChatModel":
    from agents.model import make_model

    return make_model(settings)


@asynccontextmanager
async def studio_graph() -> "AsyncIterator[Any]":
    """The graph for LangGraph Studio, which brings its own checkpointer: `langgraph dev` finds it by langgraph.json."""
    from agents.graph import build_graph
    from recon.settings import Settings

    desk = open_desk(Settings())
    try:
        yield build_graph(desk, None)
    finally:
        desk.db.close()


def create_app(desk: "Desk | None" = None, *, executor: bool = True) -> "FastAPI":
    """The ASGI application. Without a desk, the settings' own is opened when the server starts.

    `executor=False` leaves sending to another process (`tieout work`).
    """
    from fastapi import Depends, FastAPI
    from starlette.middleware import Middleware
    from starlette.middleware.body_limit import RequestBodyLimitMiddleware

    from recon.settings import Settings
    from web.api import API_ROUTERS
    from web.hub import Hub, guard
    from web.idempotency import Idempotency
    from web.metrics import Measured
    from web.pages import PAGE_ROUTERS, error_page
    from web.problems import Problem, install
    from web.security import AnswerHeaders, Walls

    hub = Hub(lambda: desk if desk is not None else open_desk(Settings()))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        hub.listen_for_the_end()
        hub.start(executor=executor)
        yield
        hub.close()

    app = FastAPI(
        title="Tieout",
        version="0.1.0",
        summary="Which reconciliation breaks matter, why they happened, and what to send once a person approves.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(guard)],
        responses={code: {"model": Problem, "description": words} for code, words in _REFUSALS.items()},
        middleware=[
            Middleware(Measured, metrics=hub.metrics),
            Middleware(AnswerHeaders, page=error_page),
            # Inside the headers, so that its refusal carries them and is told in our own form.
            Middleware(RequestBodyLimitMiddleware, max_body_size=2_000_000),
            Middleware(Walls, desk=hub.desk),
            Middleware(Idempotency, desk=hub.desk),
        ],
    )
    app.state.hub = hub
    install(app, error_page)
    for router in (*API_ROUTERS, *PAGE_ROUTERS):
        app.include_router(router)
    return app


_REFUSALS: dict[int | str, str] = {
    401: "Nobody is signed in.",
    403: "The role does not reach, or a second person must do it.",
    422: "The words were wrong.",
}


def serve(settings: "Settings", host: str, port: int) -> None:
    """Serves until it is stopped, and prints how to get in."""
    import uvicorn

    from recon.errors import BadInput
    from web.security import local_host

    if settings.auth == "local" and host not in ("127.0.0.1", "::1", "localhost"):
        msg = f"--host {host}: without TIEOUT_AUTH=token or proxy the workbench is for this machine only; use 127.0.0.1"
        raise BadInput(msg)
    desk = open_desk(settings)
    address = f"http://{'127.0.0.1' if not local_host(host) or host in ('0.0.0.0', '::') else host}:{port}"  # noqa: S104
    config = uvicorn.Config(
        create_app(desk),
        host=host,
        port=port,
        log_level="warning",
        # A proxy's word is believed in one place only, and only from listed peers: see web.auth.
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    print(welcome(desk, address), flush=True)
    uvicorn.Server(config).run()


def welcome(desk: "Desk", address: str) -> str:
    """What `serve` prints: in local mode the link that signs the single user in, once."""
    if desk.settings.auth != "local":
        return f"Tieout is at {address} (sign-in: {desk.settings.auth}). Stop with Ctrl-C."
    from web.auth import issue_link

    link = f"{address}/enter?key={issue_link(desk.db, clock=desk.clock)}"
    return f"Tieout is at {address}\nOpen this link once to sign in: {link}\nStop with Ctrl-C."


def __getattr__(name: str) -> Any:
    """`server:app` for ASGI servers, made when it is first asked for: `tieout --help` must not wait for it."""
    if name == "app":
        globals()["app"] = create_app()
        return globals()["app"]
    raise AttributeError(name)

"""Chat: an answer streamed as server-sent events, resumable by Last-Event-ID, stoppable."""

import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Header, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from memory.schema import messages
from web.api.models import ChatIn, Ident, MessageOut, MessagePageOut
from web.chats import Said, position
from web.hub import Here, OnDesk, Who

route_chat = APIRouter(prefix="/api/v1", tags=["chat"])


def existing_case(desk: OnDesk, case_id: Ident) -> str:
    """The case's id; raises NotFound before the stream begins."""
    return desk.cases.record(case_id).case.id


def chat_words(desk: OnDesk, said: ChatIn) -> ChatIn:
    """The question, with the further cases checked."""
    for case_id in said.cases:
        desk.cases.record(case_id)
    return said


CaseId = Annotated[str, Depends(existing_case)]
Question = Annotated[ChatIn, Depends(chat_words)]


@route_chat.post("/cases/{case_id}/chat", response_class=EventSourceResponse)
async def ask_case(
    hub: Here,
    desk: OnDesk,
    who: Who,
    case_id: CaseId,
    said: Question,
    last_event_id: Annotated[str | None, Header()] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Asks the assistant. Events: `token`, `tool`, `evidence`, `action`, `done`, `error`. After a lost connection send
    the same again with Last-Event-ID: the answer goes on where it was, it is not asked anew."""
    resumed = position(last_event_id)
    if resumed is not None:
        async for event in hub.chats.resume(desk, *resumed):
            yield _sent(event, resumed[0])
        return
    began = time.perf_counter()
    chat = hub.chats.ask(desk, [case_id, *said.cases], said.question, who)
    first = True
    async for event in chat.follow(0):
        if first and event.kind == "token":
            hub.metrics.first_token.observe(time.perf_counter() - began)
            first = False
        yield _sent(event, chat.id)


def _sent(said: Said, chat_id: str) -> ServerSentEvent:
    data: Any = said.data
    return ServerSentEvent(event=said.kind, id=said.id_in(chat_id), data=data)


@route_chat.delete("/cases/{case_id}/chat/{chat_id}", status_code=204)
def stop_chat(hub: Here, desk: OnDesk, case_id: Ident, chat_id: Ident) -> Response:
    """Stops an answer; its id is the part of the event ids before the colon."""
    hub.chats.stop(desk, chat_id)
    return Response(status_code=204)


@route_chat.get("/cases/{case_id}/chat")
def get_chat(desk: OnDesk, case_id: CaseId) -> MessagePageOut:
    """The conversation so far, oldest first; the newest 200 messages."""
    query = sa.select(messages).where(messages.c.case_id == case_id).order_by(messages.c.n.desc()).limit(200)
    with desk.db.read() as connection:
        rows = list(connection.execute(query))
    return MessagePageOut(
        items=[
            MessageOut(n=r.n, role=r.role, who=r.who, text=r.text, body=r.body or {}, at=r.at) for r in reversed(rows)
        ]
    )

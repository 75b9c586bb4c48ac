"""API tokens: made, listed without their secrets, and ended."""

from datetime import timedelta

from fastapi import APIRouter, Response

from recon.errors import NotFound
from web.api.models import Ident, TokenIn, TokenMadeOut, TokenOut, TokenPageOut
from web.auth import issue_token, list_tokens, revoke
from web.hub import OnDesk, Who

route_tokens = APIRouter(prefix="/api/v1", tags=["tokens"])


@route_tokens.get("/tokens")
def get_tokens(desk: OnDesk) -> TokenPageOut:
    """The API tokens, newest first; never their secrets."""
    return TokenPageOut(items=[TokenOut.model_validate(t, from_attributes=True) for t in list_tokens(desk.db)])


@route_tokens.post("/tokens", status_code=201)
def make_token(desk: OnDesk, who: Who, said: TokenIn) -> TokenMadeOut:
    """A new token; its secret is shown this once."""
    secret = issue_token(desk.db, said.person, said.role, timedelta(days=said.days), now=desk.clock())
    with desk.db.begin() as connection:
        body = {"person": said.person, "role": said.role, "days": said.days}
        desk.audit.append(connection, who.name, "token.made", said.person[:80], body)
    return TokenMadeOut(token=secret, person=said.person, role=said.role)


@route_tokens.delete("/tokens/{token_id}", status_code=204)
def end_token(desk: OnDesk, who: Who, token_id: Ident) -> Response:
    """Ends a token at once."""
    if not revoke(desk.db, token_id, desk.clock):
        msg = f"{token_id}: no living token has this id"
        raise NotFound(msg)
    with desk.db.begin() as connection:
        desk.audit.append(connection, who.name, "token.ended", token_id, {})
    return Response(status_code=204)

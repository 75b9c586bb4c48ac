"""The API under /api/v1, one router a subject."""

from web.api.actions import route_actions
from web.api.cases import route_cases
from web.api.chat import route_chat
from web.api.doors import route_doors
from web.api.recons import route_recons
from web.api.records import route_records
from web.api.runs import route_runs
from web.api.service import route_service
from web.api.tokens import route_tokens

API_ROUTERS = (
    route_service,
    route_runs,
    route_cases,
    route_chat,
    route_actions,
    route_doors,
    route_recons,
    route_records,
    route_tokens,
)

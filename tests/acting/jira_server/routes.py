"""The endpoints of the test Jira: each a function of the state and the request that gives (status, body)."""

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from tests.acting.jira_server.state import STATUSES, TRANSITIONS, TYPES, Issue, JiraState, no

_ids = itertools.count(20000)
PERMISSIONS = (
    "BROWSE_PROJECTS", "CREATE_ISSUES", "ADD_COMMENTS", "TRANSITION_ISSUES", "CREATE_ATTACHMENTS", "ASSIGN_ISSUES",
)  # fmt: skip


@dataclass
class Request:
    path: str
    query: dict[str, str]
    body: Any
    raw: bytes
    headers: dict[str, str]
    base: str


Reply = tuple[int, Any]
Route = Callable[..., Reply]
ROUTES: list[tuple[str, re.Pattern[str], Route]] = []


def route(method: str, path: str) -> Callable[[Route], Route]:
    def add(function: Route) -> Route:
        ROUTES.append((method, re.compile(f"/rest/api/(?:2|latest)/{path}"), function))
        return function

    return add


@route("GET", "serverInfo")
def server_info(state: JiraState, request: Request) -> Reply:
    cloud = state.mode == "cloud"
    return 200, {
        "baseUrl": request.base,
        "version": "1001.0.0-SNAPSHOT" if cloud else "9.12.4",
        "versionNumbers": [1001, 0, 0] if cloud else [9, 12, 4],
        "deploymentType": "Cloud" if cloud else "Server",
        "buildNumber": 100256,
        "serverTitle": "Jira",
    }


@route("GET", "myself")
def myself(state: JiraState, request: Request) -> Reply:
    return 200, {**_person(state, "tieout.bot"), "active": True, "timeZone": "UTC"}


@route("GET", "mypermissions")
def my_permissions(state: JiraState, request: Request) -> Reply:
    asked = request.query.get("permissions", "")
    if state.mode == "cloud" and not asked:
        raise no(400, "The 'permissions' query parameter is required.")
    _project(state, request.query.get("projectKey", "REC"))
    names = [name for name in PERMISSIONS if not asked or name in asked.split(",")]
    granted = {name: name not in state.lacking and not (state.forbidden and name == "CREATE_ISSUES") for name in names}
    shown = {
        name: {"id": str(n), "key": name, "name": name.replace("_", " ").capitalize(), "type": "PROJECT",
               "description": "", "havePermission": granted[name]}
        for n, name in enumerate(names, 10)
    }  # fmt: skip
    return 200, {"permissions": shown}


@route("GET", "field")
def fields(state: JiraState, request: Request) -> Reply:
    names = ("summary", "description", "labels", "status", "priority", "assignee", "attachment", "issuetype", "project")
    return 200, [{"id": name, "name": name.capitalize(), "custom": False, "clauseNames": [name]} for name in names]


@route("GET", r"project/([A-Z]+)")
def project(state: JiraState, request: Request, key: str) -> Reply:
    return 200, {"id": "1", "key": _project(state, key), "name": state.projects[key], "issueTypes": TYPES}


@route("GET", r"project/([A-Z]+)/statuses")
def project_statuses(state: JiraState, request: Request, key: str) -> Reply:
    _project(state, key)
    return 200, [{**kind, "self": request.base, "statuses": list(STATUSES.values())} for kind in TYPES]


@route("GET", r"issue/createmeta/([A-Z]+)/issuetypes")
def create_types(state: JiraState, request: Request, key: str) -> Reply:
    _project(state, key)
    name = "issueTypes" if state.mode == "cloud" else "values"
    return 200, {"maxResults": 50, "startAt": 0, "total": len(TYPES), name: TYPES}


@route("GET", r"issue/createmeta/([A-Z]+)/issuetypes/(\d+)")
def create_fields(state: JiraState, request: Request, key: str, kind: str) -> Reply:
    _project(state, key)
    names = ["summary", "description", "priority", "issuetype", "project"]
    names += ["labels"] if state.labels_on_screen else []
    rows = [
        {
            "fieldId": name,
            "key": name,
            "name": name.capitalize(),
            "required": name == "summary",
            "hasDefaultValue": False,
            "operations": ["set"],
            "schema": {"type": "string"},
        }
        for name in names
    ]
    name = "fields" if state.mode == "cloud" else "values"
    return 200, {"maxResults": 200, "startAt": 0, "total": len(rows), name: rows}


@route("POST", "issue")
def create(state: JiraState, request: Request) -> Reply:
    if state.forbidden:
        raise no(403, "You do not have permission to create issues in this project.")
    issue = state.create(request.body["fields"])
    return 201, {"id": issue.id, "key": issue.key, "self": f"{request.base}/rest/api/2/issue/{issue.id}"}


@route("GET", "search/jql")
@route("POST", "search/jql")
def search_cloud(state: JiraState, request: Request) -> Reply:
    if state.mode != "cloud":
        raise no(404, "null for uri")
    found = state.search(_asked(request, "jql"))
    return 200, {"issues": [_shown(state, issue, request.base) for issue in found], "isLast": True}


@route("GET", "search")
@route("POST", "search")
def search_dc(state: JiraState, request: Request) -> Reply:
    if state.mode == "cloud":
        raise no(410, "The requested API has been removed. Please use the /rest/api/3/search/jql API.")
    found = state.search(_asked(request, "jql"))
    shown = [_shown(state, issue, request.base) for issue in found]
    return 200, {"startAt": 0, "maxResults": 50, "total": len(shown), "issues": shown}


@route("GET", r"issue/([A-Z]+-\d+|\d+)")
def read(state: JiraState, request: Request, key: str) -> Reply:
    return 200, _shown(state, state.find(key), request.base)


@route("PUT", r"issue/([A-Z]+-\d+|\d+)")
def update(state: JiraState, request: Request, key: str) -> Reply:
    state.find(key).fields.update(request.body.get("fields", {}))
    return 204, None


@route("GET", r"issue/([A-Z]+-\d+|\d+)/comment")
def comments(state: JiraState, request: Request, key: str) -> Reply:
    found = list(state.find(key).comments)
    if request.query.get("orderBy") == "-created":
        found.reverse()
    limit = int(request.query.get("maxResults", "50"))
    return 200, {"startAt": 0, "maxResults": limit, "total": len(found), "comments": found[:limit]}


@route("POST", r"issue/([A-Z]+-\d+|\d+)/comment")
def add_comment(state: JiraState, request: Request, key: str) -> Reply:
    issue = state.find(key)
    number = str(next(_ids))
    comment = {
        "id": number,
        "self": f"{request.base}/rest/api/2/issue/{issue.id}/comment/{number}",
        "body": request.body["body"],
        "author": _person(state, "tieout.bot"),
        "created": "2026-03-02T09:00:00.000+0000",
    }
    with state.lock:
        issue.comments.append(comment)
    return 201, comment


@route("GET", r"issue/([A-Z]+-\d+|\d+)/transitions")
def transitions(state: JiraState, request: Request, key: str) -> Reply:
    issue = state.find(key)
    ways = [
        {"id": number, "name": f"Go to {name}", "to": STATUSES[name]}
        for number, name in TRANSITIONS
        if name != issue.status
    ]
    return 200, {"expand": "transitions", "transitions": ways}


@route("POST", r"issue/([A-Z]+-\d+|\d+)/transitions")
def move(state: JiraState, request: Request, key: str) -> Reply:
    wanted = str(request.body["transition"]["id"])
    for number, name in TRANSITIONS:
        if number == wanted:
            with state.lock:
                state.find(key).status = name
            return 204, None
    raise no(400, "The transition is not valid for this issue.")


@route("GET", "user/search")
def users(state: JiraState, request: Request) -> Reply:
    text = request.query.get("query") or request.query.get("username") or ""
    return 200, [_person(state, name) for name in state.people if text in name]


@route("PUT", r"issue/([A-Z]+-\d+|\d+)/assignee")
def assign(state: JiraState, request: Request, key: str) -> Reply:
    issue = state.find(key)
    wanted = request.body.get("accountId") if state.mode == "cloud" else request.body.get("name")
    known = {_person(state, name)["accountId" if state.mode == "cloud" else "name"]: name for name in state.people}
    if wanted not in known:
        raise no(400, "The user does not exist or cannot be assigned.")
    with state.lock:
        issue.assignee = known[wanted]
    return 204, None


@route("POST", r"issue/([A-Z]+-\d+|\d+)/attachments")
def attach(state: JiraState, request: Request, key: str) -> Reply:
    issue = state.find(key)
    if request.headers.get("x-atlassian-token") != "no-check":
        raise no(403, "XSRF check failed")
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    added = []
    for part in BytesParser(policy=HTTP).parsebytes(head + request.raw).iter_parts():
        data = part.get_payload(decode=True)
        number = str(next(_ids))
        file = {
            "id": number,
            "self": f"{request.base}/rest/api/2/attachment/{number}",
            "filename": part.get_filename(),
            "size": len(data),
            "mimeType": part.get_content_type(),
            "content": f"{request.base}/rest/api/2/attachment/content/{number}",
            "created": "2026-03-02T09:00:00.000+0000",
        }
        added.append(file)
    with state.lock:
        issue.attachments.extend(added)
    return 200, added


@route("PUT", r"issue/([A-Z]+-\d+|\d+)/properties/([^/]+)")
def set_property(state: JiraState, request: Request, key: str, name: str) -> Reply:
    issue = state.find(key)
    known = name in issue.properties
    issue.properties[name] = request.body
    return (200 if known else 201), {}


@route("GET", r"issue/([A-Z]+-\d+|\d+)/properties/([^/]+)")
def get_property(state: JiraState, request: Request, key: str, name: str) -> Reply:
    issue = state.find(key)
    if name not in issue.properties:
        raise no(404, "The property does not exist.")
    return 200, {"key": name, "value": issue.properties[name]}


@route("POST", r"issue/([A-Z]+-\d+|\d+)/remotelink")
def link(state: JiraState, request: Request, key: str) -> Reply:
    issue = state.find(key)
    same = [n for n, known in enumerate(issue.links) if known.get("globalId") == request.body.get("globalId")]
    if same and request.body.get("globalId"):
        issue.links[same[0]] = request.body
        number = same[0]
    else:
        issue.links.append(request.body)
        number = len(issue.links) - 1
    return 201, {"id": 10000 + number, "self": f"{request.base}/rest/api/2/issue/{issue.key}/remotelink/{number}"}


def _asked(request: Request, name: str) -> str:
    return str((request.body or {}).get(name) or request.query.get(name) or "")


def _project(state: JiraState, key: str) -> str:
    if key not in state.projects:
        raise no(404, f"No project could be found with key '{key}'.")
    return key


def _person(state: JiraState, name: str) -> dict[str, Any]:
    shown = {"displayName": name, "emailAddress": f"{name}@bank.example", "active": True}
    if state.mode == "cloud":
        number = f"5b10-{name}"
        own = f"{state.base}/rest/api/2/user?accountId={number}"
        return {**shown, "self": own, "accountId": number, "accountType": "atlassian"}
    return {**shown, "self": f"{state.base}/rest/api/2/user?username={name}", "name": name, "key": f"JIRAUSER-{name}"}


def _shown(state: JiraState, issue: Issue, base: str) -> dict[str, Any]:
    return {
        "id": issue.id,
        "key": issue.key,
        "self": f"{base}/rest/api/2/issue/{issue.id}",
        "fields": {
            "summary": issue.fields.get("summary"),
            "labels": issue.fields.get("labels") or [],
            "status": STATUSES[issue.status],
            "attachment": issue.attachments,
            "assignee": _person(state, issue.assignee) if issue.assignee else None,
        },
    }

"""Jira, Cloud and Data Center: looks by label before it creates, posts once, and adopts what it finds."""

import io
import json
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from jira import JIRA
from jira.resources import User

from memory.action import Action, Receipt
from memory.payloads import DESCRIPTION_LIMIT
from memory.standing import marker
from recon.words import ActionKind
from tools.actions.door import Check, Covered, DoorError, Recovery, Refused, Reply
from tools.actions.jira_faults import reading, writing
from tools.actions.render import shown_json, shown_request
from tools.actions.wiki import plain_for_wiki

T = TypeVar("T")
CLOUD_SETTLE = 180.0
DATA_CENTER_SETTLE = 30.0
_OURS = re.compile(r"tieout-A[0-9a-f]{12}\s*\Z")
_NEWEST = 1000
"""How many comments, newest first, are searched for ours."""

_RIGHTS = {
    "BROWSE_PROJECTS": "see tickets",
    "CREATE_ISSUES": "create them",
    "ADD_COMMENTS": "comment",
    "TRANSITION_ISSUES": "move them",
    "CREATE_ATTACHMENTS": "attach files",
    "ASSIGN_ISSUES": "assign them",
}
"""Jira's names of what the door does, in words."""


class Jira:
    """One Jira. At most one ticket per action, as long as its index catches up within the settle time.

    With a user, the token is an API token (Cloud); without one, a personal access token (Data Center).
    """

    name = "jira"
    kinds: frozenset[ActionKind] = frozenset({"jira.create", "jira.comment", "jira.transition"})

    def __init__(
        self,
        url: str,
        user: str | None,
        token: str,
        *,
        projects: Sequence[str] = (),
        settle: float | None = None,
        timeout: tuple[float, float] = (5.0, 30.0),
    ) -> None:
        self._url = url.rstrip("/")
        self._user = user
        self._token = token
        self._projects = tuple(projects)
        self._settle = settle
        self._timeout = timeout
        self._connected: JIRA | None = None

    def recovery(self, kind: ActionKind) -> Recovery:
        if kind == "jira.create":
            return Recovery(can_look=True, settle=self._index_settles(), poll=10.0, resend=1)
        # Comments and states are read without an index; a request in flight may still take its full timeout.
        return Recovery(can_look=True, settle=self._timeout[1], poll=10.0, resend=1)

    def dry_run(self, action: Action) -> bytes:
        payload = action.payload
        body: dict[str, Any]
        match action.kind:
            case "jira.create":
                path, body = "issue", {"fields": _fields(action)}
            case "jira.comment":
                path, body = f"issue/{payload['ticket']}/comment", {"body": _comment_text(action)}
            case _:
                path = f"issue/{payload['ticket']}/transitions"
                body = {"transition": {"id": f"the one that leads to {payload['to']}"}}
        address = f"{self._url}/rest/api/2/{path}"
        request = shown_request("POST", address, {"Content-Type": "application/json"}, shown_json(body))
        after = [f"then attach {file['name']} ({len(file['text'])} characters)" for file in _files(action)]
        if payload.get("assignee"):
            after.append(f"then assign to {payload['assignee']}")
        return request + "".join(f"{line}\n" for line in after).encode()

    def do(self, action: Action) -> Receipt:
        match action.kind:
            case "jira.create":
                return self._create(action)
            case "jira.comment":
                return self._comment(action)
            case _:
                return self._move(action)

    def look_up(self, action: Action) -> Receipt | None:
        match action.kind:
            case "jira.create":
                mine = [key for key, labels, _ in self._labelled(action) if marker(action) in labels]
                if not mine:
                    return None
                return self._finished(action, mine[0], "Found by its label after the answer was lost.")
            case "jira.comment":
                if not self._has_comment(action):
                    return None
                return self._finished(action, action.payload["ticket"], "Found after the answer was lost.")
            case _:
                status, closed = self._status(action.payload["ticket"])
                arrived = status.casefold() == action.payload["to"].casefold()
                return self._moved(action, closed) if arrived else None

    def doubles(self, action: Action) -> list[str]:
        if action.kind != "jira.create":
            return []
        return [key for key, labels, _ in self._labelled(action) if marker(action) in labels]

    def check(self) -> list[Check]:
        try:
            who = self._read(lambda client: client.myself(), "who we are")
        except DoorError as no:
            return [Check("jira", False, no.fault.sentence)]
        name = who.get("displayName") or who.get("name") or "unknown"
        checks = [Check("jira", True, f"Signed in at {self._url} as {name}.")]
        for project in self._projects:
            checks.extend(self._check_project(project))
        return checks

    # --- a ticket ---------------------------------------------------------------------------------------------

    def _create(self, action: Action) -> Receipt:
        fields = _fields(action)
        if len(fields["description"]) > DESCRIPTION_LIMIT:
            said = (
                f"The description is longer than Jira's {DESCRIPTION_LIMIT} characters; shorten it and approve again."
            )
            raise Refused(said, code="too_long")
        for key, labels, is_open in self._labelled(action):
            if marker(action) in labels:
                return self._finished(action, key, "It stood there already.")
            if is_open:
                said = f"{key} is open in Jira for the same scope; comment on it instead."
                raise Covered(key, f"{self._url}/browse/{key}", said)
        issue = self._write(lambda client: client.create_issue(fields=fields, prefetch=False), "creating the ticket")
        return self._finished(action, issue.key, "")

    def _labelled(self, action: Action) -> list[tuple[str, list[str], bool]]:
        """(key, labels, is it open) of the tickets with the action's or its scope's label, our own first."""
        query = f'labels in ("{marker(action)}", "{scope_label(action)}")'

        def search(client: JIRA) -> list[tuple[str, list[str], bool]]:
            found = client.search_issues(query, fields=["labels", "status"], maxResults=50, json_result=True)
            return [_seen(issue) for issue in found["issues"]]

        tickets = self._read(search, "the search by label")
        return sorted(tickets, key=lambda ticket: (marker(action) not in ticket[1], len(ticket[0]), ticket[0]))

    def _finished(self, action: Action, ticket: str, detail: str) -> Receipt:
        """Attaches and assigns what is still missing; a fault there is said in the receipt, the ticket stands."""
        notes = [detail] if detail else []
        wanted = _files(action)
        attached: list[str] = []
        if wanted:
            notes.extend(self._attach(ticket, wanted, attached))
        if action.payload.get("assignee"):
            notes.extend(self._assign(ticket, action.payload["assignee"]))
        extra = {"attachments": attached} if attached else {}
        return Receipt(ticket, f"{self._url}/browse/{ticket}", " ".join(notes), extra)

    def _attach(self, ticket: str, wanted: Sequence[dict[str, str]], attached: list[str]) -> list[str]:
        try:
            there = self._read(lambda client: _attachments(client, ticket), "the attachments")
        except DoorError as no:
            return [f"The evidence could not be attached: {no.fault.sentence}"]
        notes = []
        for file in wanted:
            data = file["text"].encode()
            if (file["name"], len(data)) not in there:
                try:
                    self._write(_attaching(ticket, file["name"], data), f"attaching {file['name']}")
                except DoorError as no:
                    notes.append(f"{file['name']} may be missing: {no.fault.sentence}")
                    continue
            attached.append(file["name"])
        return notes

    def _assign(self, ticket: str, wanted: str) -> list[str]:
        try:
            user = self._read(lambda client: _user(client, wanted), "the assignee")
            if user is None:
                return [f"Nobody in Jira is exactly {wanted!r}, so it is not assigned."]
            self._write(lambda client: _put_assignee(client, ticket, user), "assigning the ticket")
        except DoorError as no:
            return [f"It could not be assigned to {wanted}: {no.fault.sentence}"]
        return []

    # --- a comment --------------------------------------------------------------------------------------------

    def _comment(self, action: Action) -> Receipt:
        ticket = action.payload["ticket"]
        if self._has_comment(action):
            return self._finished(action, ticket, "It stood there already.")
        text = _comment_text(action)
        self._write(lambda client: client.add_comment(ticket, text).id, "adding the comment")
        return self._finished(action, ticket, "")

    def _has_comment(self, action: Action) -> bool:
        ticket = action.payload["ticket"]
        found = self._read(
            lambda client: client.comments(ticket, max_results=_NEWEST, order_by="-created"), "the ticket's comments"
        )
        return any(marker(action) in (comment.raw.get("body") or "") for comment in found)

    def replies(self, ticket: str) -> list[Reply]:
        """What others wrote on a ticket, oldest first; comments with a marker of ours are ours."""
        found = self._read(
            lambda client: client.comments(ticket, max_results=_NEWEST, order_by="-created"), "the ticket's comments"
        )
        theirs = [c.raw for c in reversed(found) if not _OURS.search(str(c.raw.get("body") or ""))]
        return [
            Reply(
                f"jira:{ticket}:{raw.get('id')}",
                str((raw.get("author") or {}).get("displayName") or "someone in Jira"),
                str(raw.get("body") or ""),
                ticket,
                str(raw.get("created") or ""),
            )
            for raw in theirs
        ]

    # --- a change of state ------------------------------------------------------------------------------------

    def _move(self, action: Action) -> Receipt:
        ticket, to = action.payload["ticket"], action.payload["to"]
        status, closed = self._status(ticket)
        if status.casefold() == to.casefold():
            return self._moved(action, closed, "It stood there already.")
        ways = self._read(lambda client: client.transitions(ticket), "the possible states")
        fitting = [way for way in ways if way["to"]["name"].casefold() == to.casefold()]
        if not fitting:
            possible = ", ".join(sorted(way["to"]["name"] for way in ways)) or "none"
            said = f"{ticket} is {status} and cannot go to {to} from there; possible: {possible}. Edit it."
            raise Refused(said, code="no_transition")
        self._write(lambda client: client.transition_issue(ticket, fitting[0]["id"]), "moving the ticket")
        category = fitting[0]["to"].get("statusCategory", {}).get("key")
        return self._moved(action, category == "done")

    def _moved(self, action: Action, closed: bool, detail: str = "") -> Receipt:
        ticket = action.payload["ticket"]
        extra = {"status": action.payload["to"], "closed": closed}
        return Receipt(ticket, f"{self._url}/browse/{ticket}", detail, extra)

    def _status(self, ticket: str) -> tuple[str, bool]:
        def read(client: JIRA) -> tuple[str, bool]:
            status = client.issue(ticket, fields="status").raw["fields"]["status"]
            return str(status["name"]), status.get("statusCategory", {}).get("key") == "done"

        return self._read(read, f"the state of {ticket}")

    # --- doctor -----------------------------------------------------------------------------------------------

    def _check_project(self, project: str) -> list[Check]:
        try:
            types = self._read(lambda client: client.issue_types_for_project(project), f"project {project}")
        except DoorError as no:
            return [Check(f"jira {project}", False, no.fault.sentence)]
        checks = [Check(f"jira {project}", True, f"{project} takes {', '.join(t.name for t in types)}.")]
        checks.append(self._check_rights(project))
        for kind in types:
            if getattr(kind, "subtask", False):
                continue
            fields = self._create_fields(project, kind.id)
            if fields is not None and "labels" not in fields:
                said = f"{project}/{kind.name}: the field Labels is not on the create screen; add it, or tickets fail."
                checks.append(Check(f"jira {project} labels", False, said))
        return checks

    def _check_rights(self, project: str) -> Check:
        """What our user may do there; a right that this Jira does not tell of is not held against it."""
        try:
            told = self._read(
                lambda client: client.my_permissions(projectKey=project, permissions=",".join(_RIGHTS)), "our rights"
            )["permissions"]
        except DoorError as no:
            return Check(f"jira {project} rights", False, no.fault.sentence)
        lacking = [words for name, words in _RIGHTS.items() if not told.get(name, {}).get("havePermission", True)]
        if lacking:
            said = f"Our user may not {', '.join(lacking)} in {project}; ask the Jira administrator for these rights."
            return Check(f"jira {project} rights", False, said)
        return Check(f"jira {project} rights", True, f"Our user may {', '.join(_RIGHTS.values())} in {project}.")

    def _create_fields(self, project: str, kind: str) -> set[str] | None:
        """The fields of a create screen; None when this Jira does not tell."""

        def read(client: JIRA) -> set[str]:
            # The client's own method refuses Cloud, where the address is the same and only the list's name differs.
            found = client._get_json(f"issue/createmeta/{project}/issuetypes/{kind}", params={"maxResults": 200})
            rows = found["values"] if "values" in found else found["fields"]
            return {row.get("fieldId") or row.get("key") for row in rows}

        try:
            return self._read(read, "the create screen")
        except DoorError:
            return None

    # --- calls ------------------------------------------------------------------------------------------------

    def _read(self, ask: Callable[[JIRA], T], what: str) -> T:
        try:
            return ask(self._client())
        except DoorError:
            raise
        except Exception as error:
            raise reading(error, what) from None

    def _write(self, ask: Callable[[JIRA], T], what: str) -> T:
        client = self._client()
        try:
            return ask(client)
        except Exception as error:
            raise writing(error, what) from None

    def _client(self) -> JIRA:
        """Connects once, without the retries of the library, which would post again what may have arrived."""
        if self._connected is None:
            auth = {"basic_auth": (self._user, self._token)} if self._user else {"token_auth": self._token}
            try:
                self._connected = JIRA(
                    server=self._url, max_retries=0, timeout=self._timeout, logging=False, get_server_info=True, **auth
                )
            except Exception as error:
                raise reading(error, "its version") from None
        return self._connected

    def _index_settles(self) -> float:
        if self._settle is not None:
            return self._settle
        known = self._connected is not None and not self._connected._is_cloud
        return DATA_CENTER_SETTLE if known else CLOUD_SETTLE


def scope_label(action: Action) -> str:
    """The label that all tickets of one scope share."""
    return f"tieout-s-{action.scope_key[:16]}"


def _fields(action: Action) -> dict[str, Any]:
    payload = action.payload
    fields: dict[str, Any] = {
        "project": {"key": payload["project"]},
        "issuetype": {"name": payload["issuetype"]},
        "summary": payload["summary"],
        "description": plain_for_wiki(payload["description"]),
        "labels": list(dict.fromkeys([*payload["labels"], marker(action), scope_label(action)])),
    }
    if payload["priority"]:
        fields["priority"] = {"name": payload["priority"]}
    return fields


def _comment_text(action: Action) -> str:
    return f"{plain_for_wiki(action.payload['body'])}\n\n{marker(action)}"


def _files(action: Action) -> list[dict[str, str]]:
    return list(action.payload.get("attachments") or [])


def _seen(issue: dict[str, Any]) -> tuple[str, list[str], bool]:
    fields = issue.get("fields") or {}
    category = ((fields.get("status") or {}).get("statusCategory") or {}).get("key")
    return str(issue["key"]), list(fields.get("labels") or []), category != "done"


def _attachments(client: JIRA, ticket: str) -> set[tuple[str, int]]:
    found = client.issue(ticket, fields="attachment").raw["fields"].get("attachment") or []
    return {(file["filename"], int(file["size"])) for file in found}


def _attaching(ticket: str, name: str, data: bytes) -> Callable[[JIRA], object]:
    return lambda client: client.add_attachment(ticket, io.BytesIO(data), filename=name)


def _user(client: JIRA, wanted: str) -> str | None:
    """The one whose name, address or id is exactly this; the library would take the first that resembles it."""
    found = client.search_users(**({"query": wanted} if client._is_cloud else {"user": wanted}), maxResults=50)
    fitting = [user for user in found if wanted in _names(user)]
    if len(fitting) != 1:
        return None
    return str(fitting[0].raw.get("accountId") if client._is_cloud else fitting[0].raw.get("name"))


def _put_assignee(client: JIRA, ticket: str, user: str) -> None:
    # The library's own method searches once more and takes the first person that resembles the id.
    name = "accountId" if client._is_cloud else "name"
    client._session.put(client._get_latest_url(f"issue/{ticket}/assignee"), data=json.dumps({name: user}))


def _names(user: User) -> set[str]:
    return {str(user.raw[name]) for name in ("accountId", "name", "emailAddress", "displayName") if user.raw.get(name)}

"""Every table as it is today. A change here is also a new file in memory/migrations/versions: tests hold the two equal.

`make migration NAME=what_it_does` writes that file from the difference.
"""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator):  # type: ignore[type-arg]
    """A moment in UTC. SQLite forgets the zone; this puts it back, and refuses a naive one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value, dialect):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        from datetime import UTC

        if value is None:
            return None
        if value.tzinfo is None:
            msg = f"{value!r} has no time zone; pass UTC"
            raise ValueError(msg)
        return value.astimezone(UTC)

    def process_result_value(self, value, dialect):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        from datetime import UTC

        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# --- runs and files -------------------------------------------------------------------------------------------

runs = Table(
    "runs",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("recon", String(200), nullable=False),
    Column("state", String(16), nullable=False),  # queued running done failed cancelled
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("business_date", Date),
    Column("files", JSON, nullable=False),  # [{name, hash, rows, role}]
    Column("counts", JSON, nullable=False),
    Column("settings", JSON, nullable=False),
    Column("progress", JSON, nullable=False),  # {stage, done, total}
    Column("error", Text),
    Column("out_dir", Text),
    Column("requested_by", String(200)),
    Column("asked", JSON),  # what a queued run was asked to do; null for one that its own process runs
    Column("lease_owner", String(80)),  # the server at work on it, and until when that is believed
    Column("lease_until", UtcDateTime),
    Index("ix_runs_recon_started", "recon", "started_at"),
)

run_events = Table(
    "run_events",
    metadata,
    Column("n", Integer, primary_key=True, autoincrement=True),
    Column("run_id", String(40), nullable=False, index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("body", JSON, nullable=False),
)

files = Table(
    "files",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("recon", String(200), primary_key=True),
    Column("name", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("first_day", Date),
    Column("last_day", Date),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("run_id", String(40)),
    Column("control", JSON, nullable=False),  # control totals by pair and currency
    Column("restates", String(64)),  # hash of the file it corrects
)

import_findings = Table(
    "import_findings",
    metadata,
    Column("run_id", String(40), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("body", JSON, nullable=False),
)

recons = Table(
    "recons",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("body", JSON, nullable=False),  # the recon file as JSON
    Column("layout", JSON),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("updated_by", String(200)),
)

# --- cases and items ------------------------------------------------------------------------------------------

cases = Table(
    "cases",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("recon", String(200), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("title", Text, nullable=False),
    Column("pattern", String(64), nullable=False),
    Column("cause", String(64), nullable=False),
    Column("severity", Integer, nullable=False),  # 3 high, 2 medium, 1 low: sorts
    Column("score", Float, nullable=False),  # its strangest break
    Column("confidence", Float, nullable=False),
    Column("break_count", Integer, nullable=False),
    Column("amount", String(64), nullable=False),  # decimal text
    Column("currency", String(8), nullable=False),
    Column("amount_base", Float, nullable=False),
    Column("onset", Date),
    Column("last_date", Date),
    Column("owner", String(200)),
    Column("due_on", Date),
    Column("snooze_until", Date),
    Column("family", String(40), nullable=False),
    Column("run_id", String(40)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("version", Integer, nullable=False),
    Column("search", Text, nullable=False),  # lower-cased title, scope, key values: what `q` looks in
    Column("spark", JSON, nullable=False),  # the last differences, for the queue's sparkline
    Column("body", JSON, nullable=False),  # the whole Case as to_json() plus what it lacks
    Index("ix_cases_queue", "state", "severity", "amount_base", "id"),
    Index("ix_cases_recon", "recon", "state", "severity", "amount_base", "id"),
    Index("ix_cases_pattern", "pattern", "severity", "amount_base", "id"),
    Index("ix_cases_cause", "cause", "severity", "amount_base", "id"),
    Index("ix_cases_owner", "owner", "severity", "amount_base", "id"),
    Index("ix_cases_all_severity", "severity", "amount_base", "id"),
    Index("ix_cases_all_recon", "recon", "severity", "amount_base", "id"),
    Index("ix_cases_all_amount", "amount_base", "id"),
    Index("ix_cases_due", "due_on", "id"),
    Index("ix_cases_onset", "onset", "id"),
    Index("ix_cases_score", "score", "id"),
    Index("ix_cases_created", "created_at", "id"),
    # SQLite alone: an index row of PostgreSQL is shorter than a case's words may be
    Index("ix_cases_search", "search", "id").ddl_if(dialect="sqlite"),
)

CLOSED_STATES = ("resolved", "cleared", "closed_forced")
OPEN_CASE = "state NOT IN ('resolved', 'cleared', 'closed_forced')"
"""What is still to be worked. The queue asks in these very words, so that its indexes below are used; said the other
way round (state IN ...), SQLite would search by state and sort a hundred thousand rows."""

for _name, _keys in {
    "severity": ("severity", "amount_base", "id"),
    "recon": ("recon", "severity", "amount_base", "id"),
    "amount": ("amount_base", "id"),
    "onset": ("onset", "id"),
    "due": ("due_on", "id"),
    "score": ("score", "id"),
    "created": ("created_at", "id"),
}.items():
    Index(
        f"ix_cases_open_{_name}",
        *(cases.c[key] for key in _keys),
        sqlite_where=text(OPEN_CASE),
        postgresql_where=text(OPEN_CASE),
    )

case_breaks = Table(
    "case_breaks",
    metadata,
    Column("case_id", String(40), primary_key=True),
    Column("break_id", String(40), primary_key=True),
    Column("run_id", String(40), nullable=False),
    Column("row", Integer, nullable=False),
    Column("item_id", String(40), nullable=False, index=True),
    Column("business_date", Date),
    Column("score", Float, nullable=False),
    Column("body", JSON, nullable=False),  # the BreakRow
    Index("ix_case_breaks_break", "break_id"),
    Index("ix_case_breaks_run", "run_id"),
)

items = Table(
    "items",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("recon", String(200), nullable=False),
    Column("pair", String(200), nullable=False),
    Column("series_id", String(20), nullable=False),
    Column("key", JSON, nullable=False),
    Column("onset", Date),
    Column("last_seen", Date),
    Column("cleared_on", Date),
    Column("state", String(16), nullable=False),  # open cleared
    Column("difference", String(64), nullable=False),
    Column("first_difference", String(64), nullable=False),
    Column("currency", String(8), nullable=False),
    Column("case_id", String(40), index=True),
    Column("moved_from", JSON),  # {key, why} when its key drifted
    Column("first_seen", Date),  # business date of the run that first saw it; onset may lie before, in history
    Column("reference", String(64)),  # the difference when it was last reported: grew and shrank are against it
    Column("every", Integer),  # business days between two rows of its key: 21 for a month-end account
    Column("aged", Integer),  # the largest age limit already reported
    Column("body", JSON, nullable=False),
    Index("ix_items_recon_state", "recon", "state", "series_id"),
)

item_events = Table(
    "item_events",
    metadata,
    Column("n", Integer, primary_key=True, autoincrement=True),
    Column("item_id", String(40), nullable=False, index=True),
    Column("run_id", String(40), nullable=False, index=True),
    Column("business_date", Date),
    Column("kind", String(16), nullable=False),  # new cleared aged grew shrank flipped moved returned changed
    Column("body", JSON, nullable=False),  # the item's state after it: what a restated file rolls back to
    Column("recon", String(200), nullable=False),
    Column("size", Float, nullable=False, server_default="0"),  # in the materiality currency: the largest first
    UniqueConstraint("item_id", "business_date", "kind"),
    Index("ix_item_events_recon_date", "recon", "business_date", "kind", "size"),
)

case_events = Table(
    "case_events",
    metadata,
    Column("n", Integer, primary_key=True, autoincrement=True),
    Column("case_id", String(40), nullable=False, index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("who", String(200), nullable=False),
    Column("kind", String(32), nullable=False),  # opened judged drafted decided assigned note snoozed state ...
    Column("body", JSON, nullable=False),
    Column("undo", JSON),  # what puts it back; null when it cannot be undone
    Column("undone_at", UtcDateTime),
)

promises = Table(
    "promises",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("recon", String(200), nullable=False),
    Column("series_id", String(20), nullable=False),
    Column("item_id", String(40), index=True),
    Column("case_id", String(40), index=True),
    Column("text", Text, nullable=False),
    Column("due_on", Date, index=True),
    Column("condition", JSON, nullable=False),
    Column("state", String(16), nullable=False),  # open kept broken
    Column("made_on", Date),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("checked_on", Date),
    Column("body", JSON, nullable=False),
)

alarms = Table(
    "alarms",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("recon", String(200), nullable=False, index=True),
    Column("kind", String(32), nullable=False),  # late short empty repeated older restated
    Column("at", UtcDateTime, nullable=False),
    Column("business_date", Date),
    Column("statement", Text, nullable=False),
    Column("state", String(16), nullable=False),  # open seen
    Column("body", JSON, nullable=False),
)

# --- actions, decisions, audit: the ledger that is the truth ----------------------------------------------------

actions = Table(
    "actions",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("case_id", String(40), nullable=False, index=True),
    Column("recon", String(200), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("payload", Text, nullable=False),  # RFC 8785 canonical JSON: the very bytes that are hashed
    Column("payload_hash", String(64), nullable=False),
    Column("proposal", Text, nullable=False),  # the payload as first drafted, for the difference
    Column("rationale", Text, nullable=False),
    Column("scope_key", String(64), nullable=False),  # one ticket per scope
    Column("source_hash", String(64), nullable=False),  # the rows it rests on; a change voids it
    Column("amount_base", Float, nullable=False),
    Column("four_eyes", Boolean, nullable=False),
    Column("maker", String(200), nullable=False),  # `tieout` or who asked for it
    Column("last_editor", String(200)),
    Column("slot", String(80), nullable=False, server_default=""),  # one live draft per case, kind and slot
    Column("first_by", String(200)),  # the first of two approvals, when the draft is the machine's own
    Column("first_hash", String(64)),
    Column("approved_hash", String(64)),
    Column("approved_by", String(200)),
    Column("approved_at", UtcDateTime),
    Column("not_before", UtcDateTime),  # the undo window's end
    Column("expires_at", UtcDateTime),
    Column("order_n", Integer),  # the order in which approvals drain
    Column("lease_owner", String(80)),
    Column("lease_until", UtcDateTime),
    Column("fence", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("attempted_at", UtcDateTime),  # intent: written before the call
    Column("resent", Integer, nullable=False, server_default="0"),  # how often it was sent again after a lost answer
    Column("next_at", UtcDateTime),
    Column("receipt", JSON),
    Column("fault", JSON),  # {code, sentence, buttons}
    Column("thread_id", String(80)),
    Column("meta", JSON, nullable=False),  # model, prompt versions, evidence ids, policy
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("ix_actions_state", "state", "order_n"),
    Index("ix_actions_scope", "scope_key", "kind"),
)

NOT_CARRIED = "carried_at IS NULL"
"""Looked for about once a second: of decisions that are carried there are more every day."""

decisions = Table(
    "decisions",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("action_id", String(40), ForeignKey("actions.id"), nullable=False, index=True),
    Column("case_id", String(40), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("who", String(200), nullable=False),
    Column("role", String(16), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("seen_hash", String(64), nullable=False),
    Column("new_hash", String(64)),
    Column("payload", Text),
    Column("note", Text, nullable=False),
    Column("carried_at", UtcDateTime),  # when the graph took it up
    Index("ix_decisions_waiting", "at", sqlite_where=text(NOT_CARRIED), postgresql_where=text(NOT_CARRIED)),
)

audit = Table(
    "audit",
    metadata,
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("who", String(200), nullable=False),
    Column("what", String(64), nullable=False),
    Column("target", String(80), nullable=False, index=True),
    Column("payload_hash", String(64)),
    Column("body", Text, nullable=False),  # canonical JSON
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("body_hash", String(64)),  # stands for a body that was erased; null: the body is there
)

# The database itself refuses to change the past (its triggers stand in the migrations); the hash chain shows it where
# somebody did all the same.

doors = Table(
    "doors",
    metadata,
    Column("name", String(32), primary_key=True),  # jira, mail, webhook, ...
    Column("paused", Boolean, nullable=False),
    Column("sentence", Text, nullable=False),
    Column("since", UtcDateTime),
    Column("next_at", UtcDateTime),
)

tickets = Table(
    "tickets",
    metadata,
    Column("key", String(40), primary_key=True),
    Column("project", String(40), nullable=False),
    Column("action_id", String(40), unique=True),
    Column("scope_key", String(64), index=True),
    Column("status", String(32), nullable=False),
    Column("body", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

ticket_comments = Table(
    "ticket_comments",
    metadata,
    Column("id", String(40), primary_key=True),  # the action id
    Column("ticket", String(40), nullable=False, index=True),
    Column("body", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

ticket_links = Table(
    "ticket_links",
    metadata,
    Column("scope_key", String(64), primary_key=True),
    Column("ticket", String(80), primary_key=True),
    Column("door", String(32), nullable=False),
    Column("case_id", String(40), nullable=False, index=True),
    Column("state", String(16), nullable=False),  # open closed
    Column("url", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

recon_comments = Table(
    "recon_comments",
    metadata,
    Column("action_id", String(40), primary_key=True),
    Column("recon", String(200), nullable=False),
    Column("break_id", String(40), primary_key=True),
    Column("comment", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

# --- memory of the desk ---------------------------------------------------------------------------------------

resolutions = Table(
    "resolutions",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("recon", String(200), nullable=False),
    Column("business_date", Date),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("recorded_on", Date),
    Column("series_id", String(20)),
    Column("pattern", String(64), nullable=False),
    Column("cause", String(64), nullable=False),
    Column("comment", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("outcome", String(32), nullable=False),  # resolved reopened rejected unknown
    Column("source", String(32), nullable=False),  # comment learned decision
    Column("body", JSON, nullable=False),
    Index("ix_resolutions_recon_date", "recon", "business_date"),
)

feedback = Table(
    "feedback",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("recon", String(200), nullable=False, index=True),
    Column("target_kind", String(8), nullable=False),  # case break
    Column("target_id", String(40), nullable=False, index=True),
    Column("verdict", String(16), nullable=False),
    Column("pattern", String(64)),
    Column("cause", String(64)),
    Column("note", Text, nullable=False),
    Column("scope", JSON, nullable=False),
    Column("features", JSON, nullable=False),  # what the model learns from: views' p-values and context
    Column("who", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("active", Boolean, nullable=False),
)

preferences = Table(
    "preferences",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("recon", String(200), nullable=False, index=True),
    Column("scope", JSON, nullable=False),  # {cause, pattern, column: value}
    Column("field", String(64), nullable=False),
    Column("value", JSON, nullable=False),
    Column("support", Integer, nullable=False),
    Column("against", Integer, nullable=False),
    Column("learned_from", JSON, nullable=False),  # decision ids
    Column("at", UtcDateTime, nullable=False),
    Column("active", Boolean, nullable=False),
)

messages = Table(
    "messages",
    metadata,
    Column("n", Integer, primary_key=True, autoincrement=True),
    Column("case_id", String(40), nullable=False, index=True),
    Column("role", String(16), nullable=False),  # user assistant
    Column("who", String(200), nullable=False),
    Column("text", Text, nullable=False),
    Column("body", JSON, nullable=False),  # cited evidence, tools looked up, drafts touched
    Column("at", UtcDateTime, nullable=False),
)

model_answers = Table(
    "model_answers",
    metadata,
    Column("key", String(64), primary_key=True),  # hash of prompt version, model and evidence
    Column("body", JSON, nullable=False),
    Column("tokens_in", Integer, nullable=False),
    Column("tokens_out", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

model_usage = Table(
    "model_usage",
    metadata,
    Column("n", Integer, primary_key=True, autoincrement=True),
    Column("case_id", String(40), index=True),
    Column("day", Date, nullable=False, index=True),
    Column("node", String(32), nullable=False),
    Column("model", String(120), nullable=False),
    Column("calls", Integer, nullable=False),
    Column("tokens_in", Integer, nullable=False),
    Column("tokens_out", Integer, nullable=False),
)

# --- people ---------------------------------------------------------------------------------------------------

people = Table(
    "people",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("email", String(320)),
    Column("created_at", UtcDateTime, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("hash", String(64), nullable=False, unique=True),
    Column("person", String(200), nullable=False),
    Column("role", String(16), nullable=False),
    Column("kind", String(16), nullable=False),  # api session link
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
)

saved_views = Table(
    "saved_views",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("who", String(200), nullable=False),
    Column("name", String(120), nullable=False),
    Column("query", Text, nullable=False),
    UniqueConstraint("who", "name"),
)

autosaves = Table(
    "autosaves",
    metadata,
    Column("action_id", String(40), primary_key=True),
    Column("who", String(200), primary_key=True),
    Column("base_hash", String(64), nullable=False),
    Column("payload", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("who", String(200), primary_key=True),
    Column("request_hash", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

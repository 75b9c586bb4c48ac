"""The recon file: what a reconciliation's owner says of it. All of it is optional."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from recon.errors import BadReconFile
from recon.words import Cause, Pattern


def _as_list(value: Any) -> Any:
    if value is None:
        return []
    return [value] if isinstance(value, str) else value


Names = Annotated[list[str], BeforeValidator(_as_list)]


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Sources(_Said):
    left: str = "left"
    right: str = "right"


class CriteriaColumns(_Said):
    """One pair of compared columns, with its derived column and tolerance in the pair's unit."""

    left: str
    right: str | None = None
    derived: str | None = None
    tolerance: Decimal | None = Field(default=None, ge=0)
    name: str | None = None
    left_mark: str | None = None
    right_mark: str | None = None
    """Columns that say debit or credit of each side's amounts: credits are negative."""
    mirrored: bool = False
    """One side's debit is the other's credit."""


class Columns(_Said):
    key: Names = []
    criteria: list[CriteriaColumns] = []
    historical: Names = []
    date: str | None = None
    timestamp: str | None = None
    status: str | None = None
    comment: Names = []
    label: str | None = None
    ignore: Names = []


class Materiality(_Said):
    amount: Decimal = Decimal(10000)
    currency: str = "USD"
    rates: dict[str, Decimal] = {}
    """Units of the materiality currency for one unit of each currency."""


class JiraRoute(_Said):
    project: str
    issuetype: str = "Task"
    priority: str | None = None
    assignee: str | None = None
    labels: Names = []


class EmailRoute(_Said):
    to: Names
    cc: Names = []


class WebhookRoute(_Said):
    url: str


class Route(_Said):
    """Where a case's drafts go when every column of `when` holds; the first route that fits."""

    when: dict[str, str | list[str]] = {}
    jira: JiraRoute | None = None
    email: EmailRoute | None = None
    webhook: WebhookRoute | None = None


class Allow(_Said):
    email_domains: Names = []
    jira_projects: Names = []
    webhooks: Names = []


class Approval(_Said):
    four_eyes_over: Decimal | None = None
    undo_seconds: int = Field(default=10, ge=0, le=600)
    expires_days: int = Field(default=30, ge=1)


class Sla(_Said):
    high: str = "1d"
    medium: str = "3d"
    low: str = "5d"
    escalate_to: str | None = None
    escalate_after: str | None = None


class CalendarSaid(_Said):
    zone: str = "UTC"
    cut_off: str | None = None
    """HH:MM in `zone`; a timestamp after it belongs to the next business day."""
    holidays: list[date] = []
    by_currency: dict[str, list[date]] = {}


class WriteOff(_Said):
    under: Decimal
    currency: str = "USD"
    account: str | None = None


class Buckets(_Said):
    """Renamed labels, and buckets of the desk's own (id: label)."""

    labels: dict[Pattern | Cause, str] = {}
    patterns: dict[str, str] = {}
    causes: dict[str, str] = {}


class ReconFile(_Said):
    """A whole recon file; `ReconFile()` says nothing and everything is inferred."""

    name: str | None = None
    sources: Sources | None = None
    columns: Columns = Columns()
    dates: str | None = None
    """`dayfirst`, `monthfirst`, or a strptime format."""
    numbers: Literal["point", "comma"] | None = None
    """The decimal sign, where the rows cannot tell."""
    encoding: str | None = None
    currency: str | None = None
    materiality: Materiality = Materiality()
    mask: Names = []
    target_fdr: float = Field(default=0.1, gt=0, lt=1)
    budget: int | None = Field(default=None, ge=1)
    """How many anomalies an operator can look at in one run; None: no limit."""
    routing: list[Route] = []
    allow: Allow = Allow()
    approval: Approval = Approval()
    sla: Sla = Sla()
    calendar: CalendarSaid = CalendarSaid()
    write_off: WriteOff | None = None
    buckets: Buckets = Buckets()
    remedies: dict[str, str] = {}
    """What the import doctor should do about an oddity without asking again (finding code: remedy)."""


LARGEST: Final = 512_000
"""Bytes of a recon file; what is larger is no file that a person wrote."""


def load_recon_file(path: Path) -> ReconFile:
    """Reads and checks a recon file. Raises BadReconFile with the place and what to do."""
    try:
        if path.stat().st_size > LARGEST:
            msg = f"{path}: larger than {LARGEST // 1000:,} KB, so it is no recon file; was a data file meant?"
            raise BadReconFile(msg)
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        msg = f"{path}: no such recon file; give a path to a .yaml file"
        raise BadReconFile(msg) from None
    except (yaml.YAMLError, UnicodeDecodeError, OSError, RecursionError, ValueError) as error:
        reason = " ".join(str(error).split())
        msg = f"{path}: this is no YAML: {reason}"
        raise BadReconFile(msg) from error
    return parse_recon_file(said if said is not None else {}, str(path))


def parse_recon_file(said: object, where: str) -> ReconFile:
    """Checks an already parsed recon file; `where` names it in the error."""
    try:
        return ReconFile.model_validate(said)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        msg = f"{where}: {place}: {first['msg'].lower()}; see the recon file section of the README"
        raise BadReconFile(msg) from error

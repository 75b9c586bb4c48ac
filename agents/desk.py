"""The Desk: the ports that every node, page and command works through, chosen once at the door."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from memory.actions import Ledger
from memory.audit import AuditLog
from memory.cases import CaseStore
from memory.database import Database
from memory.feedback import FeedbackStore
from memory.resolutions import Resolutions
from recon.clock import Clock
from recon.lake import Lake
from recon.settings import Settings
from tools.actions.door import Door

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel


@dataclass(frozen=True)
class Desk:
    """Everything with a side effect, handed over. No module reaches for one by itself."""

    settings: Settings
    clock: Clock
    new_id: Callable[[], str]
    db: Database
    lake: Lake
    cases: CaseStore
    ledger: Ledger
    audit: AuditLog
    resolutions: Resolutions
    feedback: FeedbackStore
    make_model: "Callable[[], BaseChatModel]"
    """Makes the chat model when it is first asked: most commands never ask, and need not wait for its packages."""
    doors: Mapping[str, Door]
    """Action kind -> the adapter that does it. Only the executor may knock."""

    @cached_property
    def model(self) -> "BaseChatModel":
        """The offline model or ChatOpenAI; nodes cannot tell which."""
        return self.make_model()

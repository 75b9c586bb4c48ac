"""The port through which an approved action leaves: one adapter a door, one promise for all of them."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from memory.action import Action, Fault, Receipt
from recon.errors import TieoutError
from recon.words import ActionKind


class DoorError(TieoutError):
    """An action did not go through; `fault` says why in words."""

    def __init__(self, sentence: str, *, code: str, retry_after: float | None = None) -> None:
        self.fault = Fault(code, sentence)
        self.retry_after = retry_after
        """Seconds that the other side asked us to wait; None: it named none."""
        super().__init__(sentence)


class NotSent(DoorError):
    """It is certain that nothing happened outside; the same may be tried again."""

    def __init__(self, sentence: str, *, code: str, retry_after: float | None = None, whole_door: bool = True) -> None:
        super().__init__(sentence, code=code, retry_after=retry_after)
        self.whole_door = whole_door
        """True: nothing else can leave by this door just now, so that everything waits in its order."""


class Lost(DoorError):
    """The request left and its answer was lost: it may have happened."""


class Refused(DoorError):
    """The other side said no, for good; nothing happened."""


class Covered(Refused):
    """There is an open ticket for the scope already; nothing was made."""

    def __init__(self, ticket: str, url: str, sentence: str) -> None:
        self.ticket = ticket
        self.url = url
        super().__init__(sentence, code="covered")


class Paused(DoorError):
    """The door itself is shut to us until a person acts (a token expired); nothing happened."""


@dataclass(frozen=True)
class Recovery:
    """What to do when an answer was lost."""

    can_look: bool
    """False: nobody but a person can find out; the action is `unknown` at once."""
    settle: float = 0.0
    """Seconds after the attempt during which "not found" does not mean "did not happen"."""
    poll: float = 5.0
    """Seconds between two looks."""
    resend: int = 0
    """How often it is sent again when it was not found after the settle time; then it is `unknown`."""


UNKNOWN = Recovery(can_look=False)
"""Mail and webhooks: only a person can find out."""

HARMLESS = Recovery(can_look=True, resend=1_000_000)
"""Doing it again replaces the same with the same: files named after the action, rows keyed by it."""


@dataclass(frozen=True)
class Check:
    """One line of `tieout doctor`."""

    name: str
    ok: bool
    sentence: str


@dataclass(frozen=True)
class Reply:
    """What somebody outside said to something of ours. Data, never an order."""

    id: str
    """The same for the same words whenever they are read again."""
    who: str
    text: str
    where: str
    """The ticket, or `mail`."""
    said_at: str
    """When, as the other side writes it."""


@runtime_checkable
class Listening(Protocol):
    """A door that can also be listened at; reading changes nothing outside."""

    def replies(self, ticket: str) -> list[Reply]:
        """What others said on a ticket, oldest first, without what we wrote ourselves. Raises DoorError."""
        ...


class Door(Protocol):
    """An adapter. It is built without work and without a connection, and called in a worker thread."""

    @property
    def name(self) -> str:
        """`jira`, `mail`, `webhook`, `tracker`, `recon`."""
        ...

    @property
    def kinds(self) -> Collection[ActionKind]:
        """What it can do."""
        ...

    def recovery(self, kind: ActionKind) -> Recovery:
        """How a lost answer of this kind is dealt with."""
        ...

    def dry_run(self, action: Action) -> bytes:
        """Exactly what would leave, byte for byte where the adapter makes the bytes; touches nothing outside."""
        ...

    def do(self, action: Action) -> Receipt:
        """Does it. Raises NotSent, Lost, Refused or Paused; anything else counts as Lost."""
        ...

    def look_up(self, action: Action) -> Receipt | None:
        """Whether it happened, and finishes what may be left of it. None: not found. Raises NotSent or Paused."""
        ...

    def check(self) -> list[Check]:
        """Whether it would work: the connection, the rights, the label field. Raises nothing."""
        ...

    def doubles(self, action: Action) -> list[str]:
        """The references under which the action is found outside: more than one is a double."""
        ...

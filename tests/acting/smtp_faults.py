"""Twenty-five and more ways in which mail fails, with the state and the sentence that each must come to."""

from dataclasses import dataclass, field
from typing import Any

from recon.words import ActionState
from tests.acting.mail_server import MailFault

GONE = "gone@bank.example"
TWO = {"to": ["fx.ops@bank.example", GONE]}


@dataclass(frozen=True)
class SmtpFault:
    """What goes wrong, how the action stands right after, and how it ends when nothing else fails."""

    name: str
    fault: MailFault | None
    state: ActionState
    says: str
    ends: ActionState
    arrives: int
    door_says: bool = False
    payload: dict[str, Any] = field(default_factory=dict)
    server: dict[str, Any] = field(default_factory=dict)
    """How the server is set up: auth, tls (True: with a certificate), implicit, starttls."""
    client: dict[str, Any] = field(default_factory=dict)
    """How we are: user, password, trusts (False: not that certificate), down (True: nobody listens)."""


def waits(name: str, stage: str, answer: str | None, says: str, **also: Any) -> SmtpFault:
    fault = MailFault(stage, answer) if stage else None
    return SmtpFault(name, fault, "approved", says, "done", 1, door_says=True, **also)


def later(name: str, stage: str, answer: str, says: str, **also: Any) -> SmtpFault:
    """Only this mail waits; others go on."""
    return SmtpFault(name, MailFault(stage, answer), "approved", says, "done", 1, **also)


def fails(name: str, stage: str, answer: str, says: str, recipient: str | None = None, **also: Any) -> SmtpFault:
    return SmtpFault(name, MailFault(stage, answer, recipient=recipient, times=9), "failed", says, "failed", 0, **also)


def shut(name: str, says: str, **also: Any) -> SmtpFault:
    """It cannot go through until a person changes something."""
    return SmtpFault(name, None, "approved", says, "approved", 0, door_says=True, **also)


def lost(name: str, fault: MailFault, arrives: int) -> SmtpFault:
    return SmtpFault(name, fault, "unknown", "after the whole mail had left", "unknown", arrives)


SIGNED = {"user": "tieout", "password": "p@ss:word"}
TLS = {"tls": True}
WARY = {"trusts": False}
IMPLICIT = {"tls": True, "implicit": True}
GUARDED = {"tls": True, "auth": True}
WRONG = {"user": "tieout", "password": "wrong"}

BUSY = MailFault("AUTH", "454 not now", times=2)

FAULTS: tuple[SmtpFault, ...] = (
    shut("nobody listens", "no connection", client={"down": True}),
    waits("greeting: broken off", "connect", None, "out of reach"),
    waits("greeting: 421", "connect", "421 too busy", "is closing for now (too busy)"),
    fails("greeting: 554", "connect", "554 no mail from you", "no mail from you"),
    waits("EHLO: broken off", "EHLO", None, "out of reach"),
    SmtpFault("EHLO: 502, an old server", MailFault("EHLO", "502 what"), "done", "", "done", 1),
    shut("no encryption, but a password", "not sent in clear", client=SIGNED, server={"starttls": False}),
    waits("STARTTLS: 454", "STARTTLS", "454 not now", "not now", server=TLS),
    shut("STARTTLS: a certificate we do not trust", "is not trusted", server=TLS, client=WARY),
    shut("implicit TLS: a certificate we do not trust", "is not trusted", server=IMPLICIT, client=WARY),
    shut("AUTH: wrong password", "does not accept our password", server=GUARDED, client=WRONG),
    SmtpFault("AUTH: 454", BUSY, "approved", "cannot check", "done", 1, True, server=GUARDED, client=SIGNED),
    waits("AUTH: broken off", "AUTH", None, "out of reach", server=GUARDED, client=SIGNED),
    shut("AUTH: not offered", "offers no way to sign in", server=TLS, client=SIGNED),
    shut("MAIL: sign in first", "sign in or to encrypt first", server=GUARDED),
    later("MAIL: 451", "MAIL", "451 try later", "451: try later"),
    fails("MAIL: 550", "MAIL", "550 not you", "refused the sender"),
    waits("MAIL: broken off", "MAIL", None, "it broke off"),
    fails("RCPT: 550", "RCPT", "550 no such user", "no such user"),
    later("RCPT: 450", "RCPT", "450 greylisted", "greylisted"),
    fails("RCPT: one of two is refused", "RCPT", "550 no such user", GONE, recipient=GONE, payload=TWO),
    waits("RCPT: broken off", "RCPT", None, "it broke off"),
    waits("RCPT: 421", "RCPT", "421 shutting down", "is closing for now"),
    later("DATA: 451", "DATA", "451 disk", "451: disk"),
    fails("DATA: 554", "DATA", "554 no", "554: no"),
    waits("DATA: broken off", "DATA", None, "it broke off"),
    lost("text: broken off, which looks the same", MailFault("text"), 0),
    lost("dot: broken off, not kept", MailFault("dot"), 0),
    lost("dot: broken off, kept", MailFault("dot", kept=True), 1),
    later("dot: 451", "dot", "451 scanner down", "scanner down"),
    fails("dot: 552", "dot", "552 too big", "too big"),
    fails("dot: 554 spam", "dot", "554 spam", "spam"),
    SmtpFault("QUIT: broken off", MailFault("QUIT"), "done", "took it", "done", 1),
    SmtpFault("QUIT: 500", MailFault("QUIT", "500 what"), "done", "took it", "done", 1),
)  # fmt: skip

"""Mail over SMTP: knows whether the final dot had left when something broke, since after it nobody can tell."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from memory.action import Action, Receipt
from recon.errors import BadInput
from recon.words import ActionKind
from tools.actions.door import UNKNOWN, Check, DoorError, Lost, NotSent, Paused, Recovery, Refused
from tools.actions.letter import letter, recipients


@dataclass(frozen=True)
class Server:
    """Where mail goes: `smtp://user:password@host:587` (STARTTLS) or `smtps://...:465` (TLS from the start)."""

    host: str
    port: int
    implicit_tls: bool
    user: str | None
    password: str | None


def parse_server(url: str) -> Server:
    """Reads TIEOUT_SMTP_URL. Raises BadInput without repeating the password."""
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        msg = "TIEOUT_SMTP_URL: write smtp://user:password@host:587 or smtps://user:password@host:465"
        raise BadInput(msg)
    implicit = parts.scheme == "smtps"
    return Server(
        host=parts.hostname,
        port=parts.port or (465 if implicit else 587),
        implicit_tls=implicit,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


class Smtp:
    """One mail server. All recipients or none: a mail that one of them cannot get is not sent to the others."""

    name = "mail"
    kinds: frozenset[ActionKind] = frozenset({"email.send"})

    def __init__(
        self, server: Server, sender: str, *, timeout: float = 30.0, tls: ssl.SSLContext | None = None
    ) -> None:
        self._server = server
        self._sender = sender
        self._timeout = timeout
        self._tls = tls

    def recovery(self, kind: ActionKind) -> Recovery:
        return UNKNOWN

    def dry_run(self, action: Action) -> bytes:
        return letter(action, self._sender)

    def do(self, action: Action) -> Receipt:
        data = letter(action, self._sender)
        with self._session() as smtp:
            self._envelope(smtp, action)
            _start_data(smtp)
            answer = _finish_data(smtp, data)
        said = " ".join(answer.split())[:200]
        return Receipt(action.payload["message_id"], detail=f"The mail server took it: {said}." if said else "")

    def look_up(self, action: Action) -> Receipt | None:
        return None

    def check(self) -> list[Check]:
        """Greeting, encryption, password, and an envelope to ourselves that is taken back: no mail leaves."""
        try:
            with self._session() as smtp:
                self._try_envelope(smtp)
                encrypted = isinstance(smtp.sock, ssl.SSLSocket)
        except DoorError as no:
            return [Check("mail", False, no.fault.sentence)]
        except (smtplib.SMTPException, OSError) as error:
            return [Check("mail", False, _unreachable(error).fault.sentence)]
        how = "encrypted" if encrypted else "NOT encrypted: the server offers no STARTTLS; ask for it, or use smtps://"
        who = f"signed in as {self._server.user}" if self._server.user else "without a password"
        where = f"{self._server.host}:{self._server.port}"
        return [Check("mail", True, f"{where} takes mails from {self._sender}, {who}, {how}.")]

    def _try_envelope(self, smtp: smtplib.SMTP) -> None:
        """Raises DoorError with what to do where the server would not take our mail."""
        steps = (("the sender", smtp.mail, "correct TIEOUT_MAIL_FROM"), ("a mail to", smtp.rcpt, "let it relay for us"))
        for about, step, remedy in steps:
            code, words = step(self._sender)
            if code not in (250, 251):
                reason = " ".join(words.decode(errors="replace").split())[:200].rstrip(". ")
                said = f"The mail server does not take {about} {self._sender} ({code}: {reason}); {remedy}."
                raise Paused(said, code="envelope")
        smtp.rset()

    def doubles(self, action: Action) -> list[str]:
        return []

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        """A greeted, encrypted, signed-in connection. A fault on the way in is NotSent, Paused or Refused."""
        try:
            smtp = self._connect()
        except DoorError:
            raise
        except smtplib.SMTPAuthenticationError as error:
            raise _not_signed_in(error) from None
        except smtplib.SMTPResponseException as error:
            raise _said_no(error.smtp_code, error.smtp_error, "the connection", whole_door=True) from None
        except (smtplib.SMTPException, OSError) as error:
            raise _unreachable(error) from None
        try:
            yield smtp
        finally:
            # Whatever QUIT comes to, the mail was taken or refused before it.
            with suppress(smtplib.SMTPException, OSError):
                smtp.quit()
            smtp.close()

    def _connect(self) -> smtplib.SMTP:
        server, context = self._server, self._tls or ssl.create_default_context()
        smtp: smtplib.SMTP
        if server.implicit_tls:
            smtp = smtplib.SMTP_SSL(server.host, server.port, timeout=self._timeout, context=context)
        else:
            smtp = smtplib.SMTP(server.host, server.port, timeout=self._timeout)
        try:
            smtp.ehlo_or_helo_if_needed()
            if not server.implicit_tls and smtp.has_extn("starttls"):
                smtp.starttls(context=context)
                smtp.ehlo()
            elif not server.implicit_tls:
                _refuse_clear_password(server)
            if server.user:
                smtp.login(server.user, server.password or "")
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _envelope(self, smtp: smtplib.SMTP, action: Action) -> None:
        try:
            code, words = smtp.mail(self._sender)
            if code != 250:
                raise _said_no(code, words, f"the sender {self._sender}")
            refusals = []
            for address in recipients(action):
                code, words = smtp.rcpt(address)
                if code not in (250, 251):
                    refusals.append((code, words, address))
        except (smtplib.SMTPException, OSError) as error:
            raise _unreachable(error) from None
        if refusals:
            final = [refusal for refusal in refusals if refusal[0] >= 500]
            code, words, _ = (final or refusals)[0]
            named = ", ".join(refusal[2] for refusal in final or refusals)
            raise _said_no(code, words, named)


def _refuse_clear_password(server: Server) -> None:
    if server.user:
        said = "The mail server offers no encryption, and our password is not sent in clear; use smtps://."
        raise Paused(said, code="no_tls")


def _start_data(smtp: smtplib.SMTP) -> None:
    try:
        code, words = smtp.docmd("DATA")
    except (smtplib.SMTPException, OSError) as error:
        raise _unreachable(error) from None
    if code != 354:
        raise _said_no(code, words, "the mail")


def _finish_data(smtp: smtplib.SMTP, data: bytes) -> str:
    """Sends the text and then the final dot. Until the dot has left, the server has nothing to deliver."""
    lines = data.split(b"\r\n")
    dotted = b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines)
    try:
        smtp.send(dotted if dotted.endswith(b"\r\n") else dotted + b"\r\n")
    except (smtplib.SMTPException, OSError) as error:
        raise _unreachable(error) from None
    try:
        smtp.send(b".\r\n")
        code, words = smtp.getreply()
    except (smtplib.SMTPException, OSError):
        said = "The mail server broke off after the whole mail had left and before it answered."
        raise Lost(said, code="answer_lost") from None
    if code != 250:
        raise _said_no(code, words, "the mail")
    return words.decode(errors="replace")


def _said_no(code: int, words: bytes | str, about: str, *, whole_door: bool = False) -> DoorError:
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    reason = " ".join(text.split())[:200].rstrip(". ") or "it gave no reason"
    if code == 421:
        said = f"The mail server is closing for now ({reason}); nothing was sent, and everything waits in its order."
        return NotSent(said, code="closing")
    if code == 530 or code == 538:
        said = f"The mail server wants us to sign in or to encrypt first ({reason}); correct TIEOUT_SMTP_URL."
        return Paused(said, code="sign_in")
    if 400 <= code < 500:
        said = f"The mail server does not take {about} just now ({code}: {reason}); nothing was sent."
        return NotSent(said, code="later", whole_door=whole_door)
    if code >= 500:
        said = f"The mail server refused {about} ({code}: {reason}); nothing was sent to anybody. Edit it, or give up."
        return Refused(said, code="refused")
    said = f"The mail server gave an answer that makes no sense ({code}: {reason}); nothing was sent."
    return NotSent(said, code="garbled", whole_door=False)


def _not_signed_in(error: smtplib.SMTPAuthenticationError) -> DoorError:
    if 400 <= error.smtp_code < 500:
        said = f"The mail server cannot check our password just now ({error.smtp_code}); everything waits in its order."
        return NotSent(said, code="sign_in_later")
    said = (
        f"The mail server does not accept our password ({error.smtp_code}); correct TIEOUT_SMTP_URL. Nothing is lost."
    )
    return Paused(said, code="password")


def _unreachable(error: Exception) -> DoorError:
    match error:
        case ssl.SSLError():
            said = "The mail server's certificate is not trusted; nothing was sent, and everything waits in its order."
            return NotSent(said, code="certificate")
        case _ if isinstance(error, smtplib.SMTPNotSupportedError) or type(error) is smtplib.SMTPException:
            said = "The mail server offers no way to sign in that we know; correct TIEOUT_SMTP_URL. Nothing is lost."
            return Paused(said, code="no_auth")
        case TimeoutError():
            reason = "no answer in time"
        case smtplib.SMTPServerDisconnected():
            reason = "it broke off"
        case _:
            reason = "no connection"
    said = f"The mail server is out of reach ({reason}); nothing was sent, and everything waits in its order."
    return NotSent(said, code="out_of_reach")

"""A real SMTP server over loopback (aiosmtpd) that can be told to go wrong at every stage of a mail."""

import asyncio
import ssl
import subprocess
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

USER, PASSWORD = "tieout", "p@ss:word"


@dataclass
class MailFault:
    """Strikes at `stage` (connect, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, text, dot, QUIT), `times` times.

    With `answer` it says so; without, it breaks the connection. `kept`: the mail was taken all the same.
    """

    stage: str
    answer: str | None = None
    kept: bool = False
    times: int = 1
    recipient: str | None = None


class MailServer:
    """`with MailServer() as mail:`; what arrived is in `mail.kept` as (recipients, bytes)."""

    def __init__(
        self, *, tls: Path | None = None, implicit: bool = False, auth: bool = False, starttls: bool = True
    ) -> None:
        self.kept: list[tuple[list[str], bytes]] = []
        self.faults: list[MailFault] = []
        self.on_drop: Callable[[], None] | None = None
        self._context = server_context(tls) if tls else None
        self._implicit = implicit
        self._starttls = starttls
        self._auth = auth
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._transports: list[Any] = []
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def message_ids(self) -> list[str]:
        return [message_from_bytes(data)["Message-ID"] for _, data in self.kept]

    def strike(self, stage: str, recipient: str | None = None) -> MailFault | None:
        for fault in self.faults:
            if fault.stage == stage and fault.times > 0 and fault.recipient in (None, recipient):
                fault.times -= 1
                return fault
        return None

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.set_exception_handler(lambda loop, context: None)
        server = self._loop.run_until_complete(
            self._loop.create_server(self._protocol, "127.0.0.1", 0, ssl=self._context if self._implicit else None)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for transport in self._transports:
            transport.abort()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.05))
        self._loop.close()

    def _protocol(self) -> SMTP:
        also: dict[str, Any] = {"auth_exclude_mechanism": ["LOGIN", "PLAIN"]}
        if self._auth:
            also = {
                "authenticator": _check_password,
                "auth_required": True,
                "auth_require_tls": not self._implicit,
            }
        context = self._context if self._starttls and not self._implicit else None
        with warnings.catch_warnings():
            # Under implicit TLS the password is encrypted without aiosmtpd's knowing.
            warnings.simplefilter("ignore", UserWarning)
            return _Faulty(self, tls_context=context, loop=self._loop, hostname="mail.test", **also)


def _check_password(server: Any, session: Any, envelope: Any, mechanism: str, auth: LoginPassword) -> AuthResult:
    fine = (auth.login, auth.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=fine, handled=False)


class _Handler:
    def __init__(self, mail: MailServer) -> None:
        self._mail = mail

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        fault = self._mail.strike("dot")
        if fault is None or fault.kept:
            self._mail.kept.append((list(envelope.rcpt_tos), bytes(envelope.original_content)))
        if fault is None:
            return "250 OK queued as 4F2A"
        if fault.answer is None:
            if self._mail.on_drop is not None:
                self._mail.on_drop()
            server.transport.abort()
            return "451 gone"
        return fault.answer


class _Faulty(SMTP):  # type: ignore[misc]
    def __init__(self, mail: MailServer, **also: Any) -> None:
        super().__init__(_Handler(mail), **also)
        self._mail = mail

    def connection_made(self, transport: Any) -> None:
        self._mail._transports.append(transport)
        super().connection_made(transport)

    async def _struck(self, stage: str, recipient: str | None = None) -> bool:
        fault = self._mail.strike(stage, recipient)
        if fault is None:
            return False
        if fault.answer is None:
            self.transport.abort()
        else:
            await self.push(fault.answer)
        return True

    async def _handle_client(self) -> None:
        if not await self._struck("connect"):
            await super()._handle_client()

    async def smtp_EHLO(self, hostname: str) -> None:
        if not await self._struck("EHLO"):
            await super().smtp_EHLO(hostname)

    async def smtp_STARTTLS(self, arg: str) -> None:
        if not await self._struck("STARTTLS"):
            await super().smtp_STARTTLS(arg)

    async def smtp_AUTH(self, arg: str) -> None:
        if not await self._struck("AUTH"):
            await super().smtp_AUTH(arg)

    async def smtp_MAIL(self, arg: str | None) -> None:
        if not await self._struck("MAIL"):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:
        address = (arg or "").partition("<")[2].partition(">")[0]
        if not await self._struck("RCPT", address):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str) -> None:
        if await self._struck("DATA"):
            return
        if self._mail.strike("text") is not None:
            await self.push("354 go on")
            self.transport.abort()
            return
        await super().smtp_DATA(arg)

    async def smtp_QUIT(self, arg: str) -> None:
        if not await self._struck("QUIT"):
            await super().smtp_QUIT(arg)


def make_certificate(folder: Path) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key, in one file."""
    path = folder / "test.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path), "-out", str(folder / "crt")],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_bytes(path.read_bytes() + (folder / "crt").read_bytes())
    return path


def server_context(path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def client_context(path: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(path))

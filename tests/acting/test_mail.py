"""Mail: the approved bytes are the bytes that leave, and a password never leaves in clear."""

from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from memory.action import Action
from recon.errors import BadInput
from tests.acting.desk import TestDesk, approved
from tests.acting.mail_server import PASSWORD, USER, MailFault, MailServer, client_context, make_certificate
from tests.acting.test_doors import executor_of
from tools.actions.letter import letter
from tools.actions.outbox import Outbox
from tools.actions.smtp import Server, Smtp, parse_server

SENDER = "tieout@bank.example"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


def send(desk: TestDesk, door: Smtp | Outbox, **payload: object) -> Action:
    desk.put(door)
    action = approved(desk, "email.send", payload=payload)
    executor_of(desk).run_once()
    done = desk.ledger.get(action.id)
    assert done.state == "done", done.fault
    return done


def test_what_arrives_is_byte_for_byte_the_dry_run(sqlite_desk: TestDesk, mail: MailServer, tmp_path: Path) -> None:
    body = "Grüße – 20.000,00 €\n.a line that starts with a dot\n..and two\n.\n" + "x" * 2000 + "\n"
    door = Smtp(Server("127.0.0.1", mail.port, False, None, None), SENDER)
    action = send(sqlite_desk, door, body=body, subject="Différence – 20.000 €")
    recipients, data = mail.kept[0]
    assert data == door.dry_run(action) == letter(action, SENDER)
    assert recipients == action.payload["to"]
    assert message_from_bytes(data, policy=policy.SMTP).get_content().replace("\r\n", "\n") == body
    Outbox(tmp_path, SENDER).do(action)
    assert (tmp_path / f"{action.id}.eml").read_bytes() == data


def test_the_same_payload_gives_the_same_bytes_at_any_time(sqlite_desk: TestDesk) -> None:
    action = approved(sqlite_desk, "email.send")
    before = letter(action, SENDER)
    sqlite_desk.clock.move(86400)
    assert letter(sqlite_desk.ledger.get(action.id), SENDER) == before


def test_a_later_mail_of_a_case_stands_in_its_thread(sqlite_desk: TestDesk, mail: MailServer) -> None:
    door = Smtp(Server("127.0.0.1", mail.port, False, None, None), SENDER)
    first = send(sqlite_desk, door)
    sqlite_desk.put(door)
    later = approved(sqlite_desk, "email.send", payload={"in_reply_to": first.payload["message_id"]}, slot="later")
    executor_of(sqlite_desk).run_once()
    heads = message_from_bytes(mail.kept[1][1])
    assert heads["In-Reply-To"] == heads["References"] == first.payload["message_id"]
    assert heads["Message-ID"] == later.payload["message_id"] != first.payload["message_id"]
    assert heads["Auto-Submitted"] == "auto-generated"


def test_starttls_and_a_password(sqlite_desk: TestDesk, certificate: Path) -> None:
    with MailServer(tls=certificate, auth=True) as mail:
        server = parse_server(f"smtp://{USER}:p%40ss%3Aword@127.0.0.1:{mail.port}")
        assert server.password == PASSWORD
        door = Smtp(server, SENDER, tls=client_context(certificate))
        assert all(check.ok for check in door.check())
        send(sqlite_desk, door)
        assert len(mail.kept) == 1


def test_implicit_tls(sqlite_desk: TestDesk, certificate: Path) -> None:
    with MailServer(tls=certificate, implicit=True, auth=True) as mail:
        server = parse_server(f"smtps://{USER}:p%40ss%3Aword@127.0.0.1:{mail.port}")
        send(sqlite_desk, Smtp(server, SENDER, tls=client_context(certificate)))
        assert len(mail.kept) == 1


def test_all_recipients_get_it_once(sqlite_desk: TestDesk, mail: MailServer) -> None:
    door = Smtp(Server("127.0.0.1", mail.port, False, None, None), SENDER)
    both = ["a@bank.example", "b@bank.example"]
    send(sqlite_desk, door, to=both, cc=["b@bank.example", "c@bank.example"])
    assert mail.kept[0][0] == [*both, "c@bank.example"]


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", Server("mail.example", 587, False, None, None)),
        ("smtps://u:p@mail.example", Server("mail.example", 465, True, "u", "p")),
        ("smtp://mail.example:25", Server("mail.example", 25, False, None, None)),
    ],
)
def test_a_mail_address_says_where_and_how(url: str, server: Server) -> None:
    assert parse_server(url) == server


def test_a_wrong_mail_address_is_refused_without_repeating_the_password() -> None:
    with pytest.raises(BadInput) as refused:
        parse_server("http://u:hunter2@mail.example")
    assert "hunter2" not in str(refused.value)


def test_doctor_tries_the_envelope_and_sends_nothing(certificate: Path) -> None:
    with MailServer(tls=certificate, auth=True) as mail:
        server = parse_server(f"smtp://{USER}:p%40ss%3Aword@127.0.0.1:{mail.port}")
        (check,) = Smtp(server, SENDER, tls=client_context(certificate)).check()
        assert check.ok
        assert f"takes mails from {SENDER}, signed in as {USER}, encrypted." in check.sentence
        assert mail.kept == []


@pytest.mark.parametrize(
    ("stage", "answer", "says"),
    [
        ("EHLO", None, "out of reach"),
        ("MAIL", "550 not your domain", "does not take the sender tieout@bank.example (550: not your domain)"),
        ("RCPT", "554 no relay", "does not take a mail to tieout@bank.example (554: no relay); let it relay"),
        ("AUTH", "535 no", "correct TIEOUT_SMTP_URL"),
        ("STARTTLS", "454 not now", "mail server"),
    ],
)
def test_doctor_says_at_which_step_mail_would_stop(
    certificate: Path, stage: str, answer: str | None, says: str
) -> None:
    with MailServer(tls=certificate, auth=True) as mail:
        mail.faults.append(MailFault(stage, answer, times=9))
        server = parse_server(f"smtp://{USER}:p%40ss%3Aword@127.0.0.1:{mail.port}")
        (check,) = Smtp(server, SENDER, tls=client_context(certificate)).check()
        assert not check.ok
        assert says in check.sentence
        assert PASSWORD not in check.sentence
        assert mail.kept == []


def test_doctor_says_that_mail_leaves_in_clear(mail: MailServer) -> None:
    (check,) = Smtp(Server("127.0.0.1", mail.port, False, None, None), SENDER).check()
    assert "NOT encrypted" in check.sentence

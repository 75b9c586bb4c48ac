"""Who is asking: a session cookie, an API token or a trusted proxy's headers. Secrets are stored hashed only."""

import getpass
import hashlib
import ipaddress
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, cast, get_args

import sqlalchemy as sa
from starlette.datastructures import Headers

from memory.action import Person
from memory.database import Database
from memory.schema import people, tokens
from recon.clock import Clock, system_clock
from recon.errors import BadInput
from recon.settings import Settings
from recon.words import Role
from web.access import RANK

COOKIE: Final = "tieout_session"
SESSION_LASTS: Final = timedelta(days=7)
LINK_LASTS: Final = timedelta(hours=12)
ROLES: Final = get_args(Role)

TokenKind = Literal["api", "session", "link"]


@dataclass(frozen=True)
class TokenLine:
    """A token as it is listed: never its secret."""

    id: str
    person: str
    role: str
    kind: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


def local_person() -> Person:
    """The single user of `local` mode: the account that runs the server, with every right."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "operator"
    return Person(name=name, role="admin")


def _hash(secret: str) -> str:
    # 256 random bits need no salt and no slow hash: there is nothing to guess.
    return hashlib.sha256(secret.encode()).hexdigest()


def _issue(db: Database, person: str, role: str, kind: TokenKind, ttl: timedelta, clock: Clock) -> str:
    if role not in ROLES:
        msg = f"role: {role!r} is none of {', '.join(ROLES)}"
        raise BadInput(msg)
    if not person.strip() or len(person) > 200:
        msg = "person: a token needs the name of who uses it, at most 200 characters"
        raise BadInput(msg)
    if ttl <= timedelta(0) or ttl > timedelta(days=400):
        msg = f"ttl: {ttl} is no lifetime for a token; give between a second and 400 days"
        raise BadInput(msg)
    secret = {"api": "tieout_", "session": "", "link": ""}[kind] + secrets.token_urlsafe(32)
    now = clock()
    with db.begin() as connection:
        connection.execute(
            sa.insert(tokens).values(
                id="T" + secrets.token_hex(6),
                hash=_hash(secret),
                person=person,
                role=role,
                kind=kind,
                created_at=now,
                expires_at=now + ttl,
            )
        )
        if (
            kind == "api"
            and connection.execute(sa.select(people.c.name).where(people.c.name == person)).first() is None
        ):
            connection.execute(sa.insert(people).values(name=person, role=role, email=None, created_at=now))
    return secret


def issue_token(
    db: Database, person: str, role: str, ttl: timedelta = timedelta(days=90), *, now: datetime | None = None
) -> str:
    """A new API token; this is the only time its secret is seen. A new person is entered with the token's role."""
    return _issue(db, person, role, "api", ttl, system_clock if now is None else lambda: now)


def issue_link(db: Database, *, clock: Clock = system_clock) -> str:
    """The secret of a link that signs the single user in once: `/enter?key=<secret>`."""
    person = local_person()
    return _issue(db, person.name, person.role, "link", LINK_LASTS, clock)


def issue_session(db: Database, person: Person, ttl: timedelta = SESSION_LASTS, *, clock: Clock = system_clock) -> str:
    """The secret of a browser's session."""
    return _issue(db, person.name, person.role, "session", ttl, clock)


def redeem_link(db: Database, secret: str, clock: Clock) -> str | None:
    """Uses a link up and answers the session's secret; None when it is unknown, used or too old."""
    now = clock()
    with db.begin() as connection:
        row = connection.execute(
            sa.update(tokens)
            .where(
                tokens.c.hash == _hash(secret),
                tokens.c.kind == "link",
                tokens.c.used_at.is_(None),
                tokens.c.revoked_at.is_(None),
                tokens.c.expires_at > now,
            )
            .values(used_at=now)
            .returning(tokens.c.person, tokens.c.role)
        ).one_or_none()
    return issue_session(db, Person(name=row.person, role=row.role), clock=clock) if row else None


def session_for_token(db: Database, secret: str, clock: Clock) -> str | None:
    """Signs a browser in with an API token: a session that ends with the token at the latest."""
    row = _find(db, secret, "api", clock())
    if row is None:
        return None
    left = row.expires_at - clock()
    return issue_session(db, Person(name=row.person, role=row.role), min(left, SESSION_LASTS), clock=clock)


def revoke(db: Database, token_id: str, clock: Clock) -> bool:
    """Ends a token and every session of its person, since any of them may have been opened with it; True when it was
    alive."""
    with db.begin() as connection:
        ended = connection.execute(
            sa.update(tokens)
            .where(tokens.c.id == token_id, tokens.c.revoked_at.is_(None))
            .values(revoked_at=clock())
            .returning(tokens.c.person)
        ).scalar_one_or_none()
        if ended is not None:
            sessions = sa.and_(tokens.c.person == ended, tokens.c.kind == "session", tokens.c.revoked_at.is_(None))
            connection.execute(sa.update(tokens).where(sessions).values(revoked_at=clock()))
    return ended is not None


def end_session(db: Database, secret: str, clock: Clock) -> None:
    """Signs a browser out."""
    with db.begin() as connection:
        connection.execute(
            sa.update(tokens)
            .where(tokens.c.hash == _hash(secret), tokens.c.kind == "session")
            .values(revoked_at=clock())
        )


def list_tokens(db: Database) -> list[TokenLine]:
    """The API tokens, newest first."""
    query = sa.select(tokens).where(tokens.c.kind == "api").order_by(tokens.c.created_at.desc()).limit(500)
    with db.read() as connection:
        return [
            TokenLine(r.id, r.person, r.role, r.kind, r.created_at, r.expires_at, r.revoked_at)
            for r in connection.execute(query)
        ]


def _find(db: Database, secret: str, kind: TokenKind, now: datetime) -> sa.Row[tuple[object, ...]] | None:
    if not secret or len(secret) > 200 or not secret.isascii():
        return None
    query = sa.select(tokens).where(
        tokens.c.hash == _hash(secret),
        tokens.c.kind == kind,
        tokens.c.revoked_at.is_(None),
        tokens.c.expires_at > now,
    )
    with db.read() as connection:
        return connection.execute(query).one_or_none()


def _listed(peer: str | None, peers: str) -> bool:
    try:
        address = ipaddress.ip_address(peer or "")
        return any(
            address in ipaddress.ip_network(one.strip(), strict=False) for one in peers.split(",") if one.strip()
        )
    except ValueError:
        return False


def _from_proxy(db: Database, settings: Settings, headers: Headers, peer: str | None) -> Person | None:
    """The person a listed proxy names; the role is ours to know, or the header's where we do not know the person.

    A header that is there twice was sent by a stranger and passed on beside the proxy's own: neither is believed.
    """
    names, roles = headers.getlist("x-forwarded-user"), headers.getlist("x-forwarded-role")
    name = names[0].strip() if len(names) == 1 else ""
    if not name or len(name) > 200 or not _listed(peer, settings.proxy_peers):
        return None
    with db.read() as connection:
        known = connection.execute(sa.select(people.c.role).where(people.c.name == name)).scalar_one_or_none()
    said = roles[0].strip() if len(roles) == 1 else "viewer"
    role = known or (said if said in ROLES else "viewer")
    return Person(name=name, role=cast(Role, role))


def who_asks(
    db: Database, settings: Settings, clock: Clock, headers: Headers, cookie: str, peer: str | None
) -> Person | None:
    """The person behind a request, or None. Header names are lower case."""
    if settings.auth == "proxy":
        return _from_proxy(db, settings, headers, peer)
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    if scheme:
        row = _find(db, secret.strip(), "api", clock()) if scheme.lower() == "bearer" else None
    else:
        row = _find(db, cookie, "session", clock())
    return Person(name=row.person, role=cast(Role, row.role)) if row and row.role in RANK else None

"""What a command needs of the machine: a database, a port. Where it can't have them, a line says so."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from firstline.cli.project import shown
from firstline.errors import Misdeclared
from firstline.masking import Masker
from firstline.settings import FILE, Settings
from firstline.store import Database
from firstline.store.database import snapshot


def database(settings: Settings) -> Database:
    """The hub's database, with its tables. Raises `Misdeclared` when it can't be used."""
    place = str(shown(settings.folder / FILE))
    try:
        found = Database(settings.database, Masker(settings.known_secrets))
        found.create()
    except sa.exc.ArgumentError:  # never shown: it may hold a password
        raise Misdeclared(
            "hub.database is no address: write sqlite:///state/firstline.db or postgresql://user@host/name", place=place
        ) from None
    except sa.exc.DBAPIError as error:
        raise Misdeclared(f"hub.database can't be used: {str(error.orig).strip()}", place=place) from None
    except Misdeclared as error:
        raise Misdeclared(f"hub.database: {error.reason}", place=place) from None
    return found


@contextmanager
def reading(settings: Settings) -> Iterator[sa.Connection]:
    """One state of the hub's database, as it is: nothing is made or changed. Raises `Misdeclared` when it can't be
    read."""
    place = str(shown(settings.folder / FILE))
    try:
        file = sa.make_url(settings.database).database or ""
        if settings.database.startswith("sqlite:") and not Path(file).exists():
            raise Misdeclared(f"there is no {file}: no hub has run here", place=place)
        found = Database(settings.database, Masker(settings.known_secrets))
        try:
            with found.engine.connect() as connection:
                snapshot(connection)
                yield connection
        finally:
            found.close()
    except sa.exc.ArgumentError:  # never shown: it may hold a password
        raise Misdeclared("hub.database is no address", place=place) from None
    except sa.exc.DBAPIError as error:
        raise Misdeclared(f"hub.database can't be read: {str(error.orig).strip()}", place=place) from None


@contextmanager
def listeners(host: str, port: int, place: str, mend: str) -> Iterator[list[socket.socket]]:
    """Sockets on each address of a host, bound and not yet listening: who comes before the server is refused. Closed
    at the end."""
    found = _bound(host, port, place, mend)
    try:
        yield found
    finally:
        for listener in found:
            listener.close()


def _bound(host: str, port: int, place: str, mend: str) -> list[socket.socket]:
    found: list[socket.socket] = []
    try:
        if port > 65535:  # getaddrinfo would make another port of it
            raise OverflowError
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            found.append(socket.socket(family, kind, protocol))
            found[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                found[-1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            found[-1].bind(address)
    except (OSError, OverflowError) as error:
        for listener in found:
            listener.close()
        why = error.strerror if isinstance(error, OSError) else "a port is at most 65535"
        raise Misdeclared(f"{host}:{port} can't be listened on: {why}. {mend}", place=place) from None
    return found

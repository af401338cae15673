"""Where the page listens: addresses of this computer alone, unless other ones were asked for."""

from __future__ import annotations

import errno
import ipaddress
import socket
from dataclasses import dataclass

from knowledge.errors import ServiceError, UsageError

WAITING = 64
"""Connections that may wait to be accepted."""


@dataclass(frozen=True, slots=True)
class Listening:
    """An open port."""

    socket: socket.socket
    host: str
    """As it was asked for, a name or an address."""
    port: int
    loopback: bool
    """Whether only programs of this computer reach it."""

    @property
    def url(self) -> str:
        """The page's address; every address of the computer (0.0.0.0) is written as it is."""
        return f"http://{bracketed(self.host)}:{self.port}/"


def bracketed(host: str) -> str:
    """A host as it stands in an address: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def listen(host: str, port: int, *, allow_remote: bool = False) -> Listening:
    """Opens the port.

    Args:
        host: A name or an address; one of this computer alone unless `allow_remote`.
        port: 0 picks a free one.
        allow_remote: Whether an address that other computers reach may be opened.

    Raises:
        UsageError: The host is no address of this computer, or one that others reach and may not.
        ServiceError: The port is taken or may not be opened.
    """
    family, address = _resolve(host)
    loopback = ipaddress.ip_address(address.partition("%")[0]).is_loopback
    if not loopback and not allow_remote:
        raise UsageError(
            f"Other computers could reach {host[:80]}, and the page may change files here.",
            hint="Leave --host away, or add --allow-remote; a token is then needed to open the page.",
        )
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(WAITING)
    except OSError as error:
        listener.close()
        raise _refused(host, port, error) from None
    listener.setblocking(False)
    return Listening(listener, host, listener.getsockname()[1], loopback)


def _resolve(host: str) -> tuple[socket.AddressFamily, str]:
    """The address of a host, IPv4 where it has both."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UsageError(
            f"There is no host `{host[:80]}`.", hint="--host takes a name or an address, such as 127.0.0.1."
        ) from None
    family, *_, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return family, str(address[0])


def _refused(host: str, port: int, error: OSError) -> ServiceError | UsageError:
    if error.errno == errno.EADDRINUSE:
        return ServiceError(f"Port {port} is in use.", hint="--port 0 picks a free one.", code="port_in_use")
    if error.errno == errno.EADDRNOTAVAIL:
        return UsageError(f"{host[:80]} is no address of this computer.", hint="Leave --host away.")
    if error.errno in (errno.EACCES, errno.EPERM):
        return ServiceError(
            f"Port {port} may not be opened by this user.", hint="--port 0 picks one that may."
        )
    reason = error.strerror or "no reason is given"
    return ServiceError(f"The page cannot listen on {host[:80]}, port {port}: {reason}.")

"""Which machines the studio may speak to when somebody else names the address.

A host name is resolved once, every address it has is checked, and the connection is made to the address that was
checked: a name that points elsewhere a moment later leads nowhere. Private networks are open only where the setting
PRIVATE_URLS says so.
"""

import contextlib
import ipaddress
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import certifi
import urllib3
import urllib3.connection
from django.conf import settings

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
PORTS = {"http": 80, "https": 443}
# NAT64 wraps any IPv4 address into the first network, and whatever its owner likes into the second.
NAT64, LOCAL_NAT64 = ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48")


# A look-up cannot be called off, so it happens on a thread of its own that we stop waiting for. Slow name servers can
# occupy these few threads, never those that answer requests.
RESOLVE_S = 5.0
_resolving = ThreadPoolExecutor(max_workers=8, thread_name_prefix="resolve")


class AddressRefused(Exception):
    """An address that is not fetched; the text says why, without telling what lies there."""


class _HangsUp:
    """Ends an exchange when its time is up. Timeouts of a socket are for each byte alone: a server that sends one now
    and then, be it in the head of its answer, would hold a thread for ever.
    """

    def __init__(self, *args: Any, seconds: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.seconds = seconds

    def getresponse(self) -> urllib3.HTTPResponse:
        timer = threading.Timer(self.seconds, _hang_up, [self.sock])  # type: ignore[attr-defined]
        timer.daemon = True
        timer.start()
        try:
            response: urllib3.HTTPResponse = super().getresponse()  # type: ignore[misc]
        except BaseException:
            timer.cancel()
            raise
        close = response.close

        def close_in_time() -> None:
            timer.cancel()
            close()

        response.close = close_in_time  # type: ignore[method-assign]
        return response


def _hang_up(connected: socket.socket) -> None:
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connected, socket.SHUT_RDWR)  # also below TLS, without its farewell


class _Connection(_HangsUp, urllib3.connection.HTTPConnection):  # type: ignore[misc]
    pass


class _SecureConnection(_HangsUp, urllib3.connection.HTTPSConnection):  # type: ignore[misc]
    pass


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


@dataclass(frozen=True)
class Target:
    """An address taken apart and resolved: ``ip`` is where the connection goes, ``host`` whom it asks for."""

    url: str
    scheme: str
    host: str
    port: int
    path: str
    ip: str

    def pool(self, timeout: urllib3.Timeout, *, seconds: float) -> urllib3.HTTPConnectionPool:
        """One connection to the checked address, hung up ``seconds`` after the request; a certificate must be the
        host's.
        """
        if self.scheme == "http":
            return _Pool(self.ip, self.port, timeout=timeout, maxsize=1, retries=False, seconds=seconds)
        return _SecurePool(
            self.ip,
            self.port,
            timeout=timeout,
            maxsize=1,
            retries=False,
            cert_reqs="CERT_REQUIRED",
            ca_certs=certifi.where(),
            server_hostname=self.host,
            assert_hostname=self.host,
            seconds=seconds,
        )

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def target_of(url: str, *, schemes: tuple[str, ...] = ("http", "https")) -> Target:
    """Check and resolve an address; raises ``AddressRefused``."""
    scheme, host, port, path = spelled(url, schemes=schemes)
    return Target(url, scheme, host, port, path, checked_ip(host, port))


def spelled(url: str, *, schemes: tuple[str, ...] = ("http", "https")) -> tuple[str, str, int, str]:
    """Scheme, host, port and path of an address, without looking its host up; raises ``AddressRefused``."""
    parts = _parsed(url)
    if parts.scheme not in schemes:
        raise AddressRefused(f"The address has to begin with {' or '.join(f'{scheme}://' for scheme in schemes)}.")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("The address must not carry a user name or a password.")
    host = (parts.hostname or "").rstrip(".")
    if not host:
        raise AddressRefused("The address has no host.")
    if not host.isascii():  # headers carry the spelling of the network
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError as error:
            raise AddressRefused("The host of the address is not known.") from error
    port = parts.port or PORTS[parts.scheme]
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, host, port, path


def _parsed(url: str) -> SplitResult:
    if not url.isprintable() or any(sign in url for sign in " \\"):
        raise AddressRefused("The address has characters that addresses do not have.")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise AddressRefused("The address cannot be read.") from error
    return parts


def checked_ip(host: str, port: int) -> str:
    """The first address of a host; raises ``AddressRefused`` where there is none or any of them is not public."""
    looking = _resolving.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        found = looking.result(RESOLVE_S)
    except TimeoutError as error:
        looking.cancel()  # one that had not begun: those behind it need not wait for what nobody waits for
        raise AddressRefused("The host of the address was not found in time.") from error
    except (OSError, UnicodeError) as error:
        raise AddressRefused("The host of the address is not known.") from error
    ips = [str(entry[4][0]).split("%")[0] for entry in found]
    if not settings.PRIVATE_URLS and not all(is_public(ipaddress.ip_address(ip)) for ip in ips):
        raise AddressRefused("The address leads to a private network, which this studio does not open.")
    return ips[0]


def is_public(ip: IPAddress) -> bool:
    """Whether an address is one of the open internet, also where it wraps an IPv4 address."""
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if ip.is_site_local or ip in LOCAL_NAT64:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved and not ip.is_unspecified


def redirected(target: Target, location: str) -> str:
    """Where a redirect leads, as a whole address; it is checked like any other."""
    return urljoin(target.url, location)

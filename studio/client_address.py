"""Whose address a request comes from, where proxies may stand in front of the studio."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Address of the client, for the record of who did what; empty where the server knows none.

    Each of our own proxies appends the address it was called from to ``X-Forwarded-For``. With ``STUDIO_PROXIES`` of
    them, the client is that many entries from the end; whatever stands before was written by the client itself.
    """
    nearest: str = request.META.get("REMOTE_ADDR", "")
    if not settings.PROXIES:
        return nearest
    told = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    return told[-settings.PROXIES] if len(told) >= settings.PROXIES else nearest


def client_network(request: HttpRequest) -> str:
    """Whom a rate limit counts: the client's address, of IPv6 its network of 64 bits. Whoever has one address there has
    all 2⁶⁴ of them, and could begin each try from another one.
    """
    address = client_address(request)
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4 or found.ipv4_mapped:
        return address
    return str(ipaddress.IPv6Network((int(found), 64), strict=False))

"""What a client's address counts as where somebody is held to a number of tries or requests.

One rule: what one client can change at will must not make it another client.
"""

from __future__ import annotations

import ipaddress

_NETWORK = 64


def counted_as(address: str) -> str:
    """An IPv6 address counts as its network of 64 bits, which one household or machine has to
    itself; one that carries an IPv4 address counts as that one. What is no address stays as it
    is."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped:
        return str(ip.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(ip), _NETWORK), strict=False))

"""Addresses that pager posts to for others: which it never goes to, and which only where that is meant."""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_BROADCAST = ipaddress.IPv4Address("255.255.255.255")


def refused_host(host: str, *, internal: bool) -> str:
    """Why nothing is sent to this host of a URL, "" if something may be; a name is judged when it is looked up."""
    if not host or "$" in host:
        return ""
    if host.rstrip(".").lower() == "localhost" or host.lower().endswith(".localhost"):
        return "" if internal else _inside(host)
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return ""
    return refused_address(address, internal=internal)


def refused_address(address: Address, *, internal: bool) -> str:
    """Why nothing is sent to this address, "" if something may be.

    Never to one that is link-local, where clouds keep their keys, or no address of one machine; to one that the whole
    world cannot reach only where that is meant.
    """
    plain = _plain(address)
    if plain.is_link_local or plain.is_multicast or plain.is_unspecified or plain == _BROADCAST:
        return f"{address} is no address that a webhook may be sent to"
    if plain.is_loopback or not plain.is_global:
        return "" if internal else _inside(str(address))
    return ""


def _inside(host: str) -> str:
    return f"{host} is inside a private network: write `internal: true` if that is meant"


def _plain(address: Address) -> Address:
    """The IPv4 address that one of IPv6 stands for, else itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour or address
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64 or (int(address) >> 32 == 0 and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address

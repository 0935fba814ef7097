"""Tells whether a caller is on this machine, with nobody in between."""

from ipaddress import ip_address

from aiohttp import web

_RELAYED = ("via", "cdn-loop", "cf-ray")
_OF_ANOTHER = ("forwarded", "real-ip", "client-ip", "connecting-ip", "proxyuser-ip")
"""Parts of the names of headers in which proxies and tunnels name the caller they speak for."""


def is_near(request: web.BaseRequest) -> bool:
    """Tell whether both ends of the connection are here, and no header shows somebody else."""
    names = [name.lower().replace("_", "-") for name in request.headers]
    relayed = any(name in _RELAYED or any(part in name for part in _OF_ANOTHER) for name in names)
    if relayed or request.transport is None:
        return False
    ends = [request.transport.get_extra_info(end) for end in ("peername", "sockname")]
    return all(isinstance(end, tuple) and _is_loopback(end[0]) for end in ends)


def _is_loopback(address: str) -> bool:
    found = ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback

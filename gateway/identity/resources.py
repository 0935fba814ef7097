"""The addresses that tokens are for (RFC 8707), and where it is said who makes them (RFC 9728)."""

import re

_WELL_KNOWN = "/.well-known/oauth-protected-resource"
METADATA_PATH = _WELL_KNOWN + "{tail:(/.*)?}"
"""The path of metadata as aiohttp's router has it; `tail` is the path of what it is about."""

_ORIGIN = re.compile(r"https?://[^/]+")
_SERVER = re.compile(r"/mcp/[a-z0-9][a-z0-9_.-]{0,63}")


class Resources:
    """What can be asked for at an address: Placet as a whole, and each server by itself.

    Whether there is a server of a name makes no difference here, so nobody
    learns from it which servers there are.
    """

    def __init__(self, public_url: str) -> None:
        """Know where callers reach us; `public_url` has no slash at its end."""
        self.whole = public_url
        found = _ORIGIN.match(public_url)
        assert found is not None, "the configuration was checked"
        self._origin = found[0]
        self._prefix = public_url[len(found[0]) :]

    def audiences(self, server: str | None) -> frozenset[str]:
        """Return what a token for a server, or where it is None for Placet itself, may be made for.

        An address without a path is the same with a slash (RFC 3986, section
        6.2.3), and some clients write it so.
        """
        slashed = () if self._prefix else (f"{self.whole}/",)
        own = (self.whole,) if server is None else (self.whole, f"{self.whole}/mcp/{server}")
        return frozenset((*own, *slashed))

    def of(self, path: str) -> str:
        """Return the resource at a path of ours: a server's, or Placet as a whole."""
        return f"{self.whole}{path}" if _SERVER.fullmatch(path) else self.whole

    def metadata(self, resource: str) -> str:
        """Return where the metadata of a resource are (RFC 9728, section 3.1)."""
        return f"{self._origin}{_WELL_KNOWN}{resource[len(self._origin) :]}"

    def described(self, tail: str) -> str | None:
        """Return the resource that metadata with this tail are about; None where it can be none.

        The path of `public_url` may be missing: a proxy may have taken it away.
        """
        path = tail.removesuffix("/")
        if path.startswith(f"{self._prefix}/") or path == self._prefix:
            path = path.removeprefix(self._prefix)
        if not path:
            return self.whole
        return f"{self.whole}{path}" if _SERVER.fullmatch(path) else None

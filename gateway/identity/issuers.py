"""The issuers whose tokens are believed, with their keys."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import aiohttp

from gateway.identity.issuer_keys import Fetch, IssuerKeys, Renewal, fetched, read
from gateway.identity.tokens import Trusted
from policies.configuration.identity_settings import IssuerSection, JwksSection

_TIMEOUT = aiohttp.ClientTimeout(total=10, sock_connect=5)


class Issuers:
    """Every issuer of the configuration; its keys are fetched between `start` and `close`."""

    def __init__(
        self,
        sections: Mapping[str, IssuerSection],
        folder: Path,
        renewal: Renewal,
    ) -> None:
        """Know the issuers by their names; relative files start from `folder`."""
        self._sections = dict(sections)
        self._folder = folder
        self._renewal = renewal
        self._names = {section.issuer: name for name, section in sections.items()}
        self._keys: dict[str, IssuerKeys] = {}
        self._http: aiohttp.ClientSession | None = None

    def trusted(self, issuer: str) -> Trusted | None:
        """Return the issuer that calls itself so, None where that is nobody we know."""
        name = self._names.get(issuer)
        if name is None:
            return None
        keys = self._keys.get(name)
        return Trusted(name, self._sections[name], keys.current if keys is not None else None)

    async def renewed(self, name: str) -> None:
        """Wait until the issuer's keys were fetched once more, within bounds."""
        keys = self._keys.get(name)
        if keys is not None:
            await keys.renewed()

    def troubles(self) -> list[str]:
        """Say in words which issuers' tokens cannot be checked."""
        return [said for keys in self._keys.values() if (said := keys.trouble()) is not None]

    async def start(self) -> None:
        """Begin to fetch every issuer's keys; no issuer need be there."""
        self._http = aiohttp.ClientSession(
            timeout=_TIMEOUT, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
        )
        for name, section in self._sections.items():
            fetch = self._source(section.jwks, self._http)
            self._keys[name] = keys = IssuerKeys(name, section, fetch, self._renewal)
            keys.start()

    async def close(self) -> None:
        """Fetch nothing more."""
        for keys in self._keys.values():
            await keys.close()
        if self._http is not None:
            await self._http.close()

    def _source(self, jwks: JwksSection, http: aiohttp.ClientSession) -> Fetch:
        if jwks.url is not None:
            return partial(fetched, http, jwks.url)
        assert jwks.file is not None, "it is one or the other"
        return partial(read, self._folder / jwks.file)

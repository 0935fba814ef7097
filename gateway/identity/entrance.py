"""Puts together who is let in: by keys and tokens, and what is said of both."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from aiohttp import web
from prometheus_client import CollectorRegistry

from gateway.identity.challenges import Challenges
from gateway.identity.identity import Identity, Roster
from gateway.identity.issuer_keys import Renewal
from gateway.identity.resource_metadata import ResourceMetadata
from gateway.identity.resources import Resources
from gateway.identity.strangers import Strangers
from gateway.identity.token_callers import TokenCallers
from policies.configuration.configuration import Configuration


class Entrance:
    """Who is let in, as a configuration says; tokens only where it names issuers."""

    def __init__(
        self,
        configuration: Configuration,
        now: Callable[[], datetime],
        registry: CollectorRegistry,
        *,
        folder: Path,
        renewal: Renewal,
        anywhere: bool,
    ) -> None:
        """Know the configuration; `folder` is where its relative files start from.

        `now` returns UTC; for `anywhere` see `Roster`.
        """
        sections = tuple(configuration.identity.issuers.values())
        public_url = configuration.gateway.public_url
        self._tokens: TokenCallers | None = None
        self._metadata: ResourceMetadata | None = None
        resources: Resources | None = None
        if sections and public_url is not None:
            resources = Resources(public_url)
            bounded = _bounded(renewal, len(sections), configuration.gateway.capacity.connections)
            self._tokens = TokenCallers(configuration, resources, folder, now, bounded)
            self._metadata = ResourceMetadata(resources, sections)
        scopes = dict.fromkeys(scope for section in sections for scope in section.scopes)
        self.identity = Identity(
            Roster.of(configuration, anywhere=anywhere),
            now,
            self._tokens,
            Strangers(registry),
            Challenges(resources, tuple(scopes)),
        )

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Say who makes tokens, where anybody does."""
        if self._metadata is not None:
            self._metadata.add_to(router)

    def troubles(self) -> list[str]:
        """Say in words which issuers' tokens cannot be checked now."""
        return self._tokens.issuers.troubles() if self._tokens is not None else []

    async def start(self) -> None:
        """Begin to fetch the issuers' keys; no issuer need be there."""
        if self._tokens is not None:
            await self._tokens.issuers.start()

    async def close(self) -> None:
        """Fetch nothing more."""
        if self._tokens is not None:
            await self._tokens.issuers.close()


def _bounded(renewal: Renewal, issuers: int, connections: int) -> Renewal:
    """Leave three quarters of the connections to those who do not wait for an issuer's keys."""
    share = max(connections // (4 * issuers), 1)
    return replace(renewal, crowd=min(renewal.crowd, share))

"""Says who makes the tokens that are taken here (RFC 9728), to whoever asks."""

from collections.abc import Sequence

from aiohttp import web

from gateway.identity.resources import METADATA_PATH, Resources
from policies.configuration.identity_settings import IssuerSection

_CACHED = {"Cache-Control": "public, max-age=300", "Vary": "Origin"}
"""Whether a page may read them is said in the head (gateway/callers/pages.py)."""


class ResourceMetadata:
    """Answers for Placet as a whole and for each server by itself, alike for every name."""

    def __init__(self, resources: Resources, issuers: Sequence[IssuerSection]) -> None:
        """Know what there is, and who makes tokens for it."""
        self._resources = resources
        scopes = dict.fromkeys(scope for issuer in issuers for scope in issuer.scopes)
        self._told: dict[str, object] = {
            "authorization_servers": [issuer.issuer for issuer in issuers],
            "bearer_methods_supported": ["header"],
            **({"scopes_supported": list(scopes)} if scopes else {}),
        }

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer under `/.well-known/`."""
        router.add_get(METADATA_PATH, self.get)

    async def get(self, request: web.Request) -> web.Response:
        """Answer with the metadata of the resource in the path (section 3)."""
        resource = self._resources.described(request.match_info["tail"])
        if resource is None:
            raise web.HTTPNotFound
        return web.json_response({"resource": resource, **self._told}, headers=_CACHED)

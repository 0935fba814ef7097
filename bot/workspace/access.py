"""Who may look at the page and steer the workspace: holders of one random token, from here.

Another web site open in the same browser cannot get in: the Host must be this address (DNS
rebinding), a given Origin must be this one (cross-site requests), and the cookie is SameSite.
Cookies do not keep ports apart (RFC 6265, 8.5): what else serves on this machine would be sent
this one, too, were it not for a path that nobody else knows.
A program that runs as the same account on this machine is not kept out.
"""

import secrets
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
NAMES = ("127.0.0.1", "localhost", "[::1]")
_SAFE = frozenset({"GET", "HEAD"})


@dataclass
class Access:
    """Lets in who holds `token`, to the page at `place`; `port` is set once the page listens."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    port: int = 0
    place: str = field(default_factory=lambda: f"/p/{secrets.token_urlsafe(12)}/")
    _session: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def cookie(self) -> str:
        """Return the cookie's name; browsers keep cookies per host, not per port."""
        return f"placet_workspace_{self.port}"

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what does not come from here, exchange the token, then ask for it."""
        return self._refusal(request) or await handler(request)

    @staticmethod
    async def protect(_request: web.Request, response: web.StreamResponse) -> None:
        """Add what forbids a browser to run, frame or keep more than the page is."""
        response.headers.update(HEADERS)

    def _refusal(self, request: web.Request) -> web.Response | None:
        if request.headers.get("Host") not in self._hosts():
            return web.Response(status=403, text="this page is not served under that host name")
        if not self._from_here(request):
            return web.Response(status=403, text="this page takes no requests from other origins")
        if request.path == "/" and "token" in request.query:
            return self._exchange(request)
        if self._bearer(request) or (self._cookie(request) and self._is_page(request)):
            return None
        return web.Response(
            status=401, text="open the address with its token, which was printed at the start\n"
        )

    def _exchange(self, request: web.Request) -> web.Response:
        if not _same(request.query["token"], self.token):
            return web.Response(status=401, text="that token is not, or no longer, the right one\n")
        response = web.Response(status=303, headers={"Location": self.place})
        response.set_cookie(
            self.cookie, self._session, httponly=True, samesite="Strict", path=self.place
        )
        return response

    def _hosts(self) -> set[str]:
        return {f"{name}:{self.port}" for name in NAMES}

    def _from_here(self, request: web.Request) -> bool:
        origin = request.headers.get("Origin")
        if origin is not None:
            return origin == f"http://{request.headers['Host']}"
        if request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
            return request.path in {"/", self.place} and request.method == "GET"
        return request.method in _SAFE or self._bearer(request)

    def _bearer(self, request: web.Request) -> bool:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "bearer" and _same(token, self.token)

    def _cookie(self, request: web.Request) -> bool:
        return _same(request.cookies.get(self.cookie, ""), self._session)

    def _is_page(self, request: web.Request) -> bool:
        return request.path.startswith(self.place)


def _same(given: str, expected: str) -> bool:
    return secrets.compare_digest(given.encode("utf-8", "replace"), expected.encode())

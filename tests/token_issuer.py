"""An issuer of tokens: a real HTTP server on loopback, real keys, tokens as it makes them."""

import asyncio
import base64
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PUBLIC_URL = "https://placet.acme.example"
FILES = f"{PUBLIC_URL}/mcp/files"
OTHER = f"{PUBLIC_URL}/mcp/other"

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
WEAK_RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505  that is the test
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()

Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


def jwk(key: Any, key_id: str | None = None, **more: Any) -> dict[str, Any]:
    """Return the public half of a key as its issuer publishes it; None takes a member away."""
    kind = {
        rsa.RSAPrivateKey: jwt.algorithms.RSAAlgorithm,
        ec.EllipticCurvePrivateKey: jwt.algorithms.ECAlgorithm,
        ed25519.Ed25519PrivateKey: jwt.algorithms.OKPAlgorithm,
    }
    (algorithm,) = (found for base, found in kind.items() if isinstance(key, base))
    made = algorithm.to_jwk(key.public_key(), as_dict=True)
    made.pop("key_ops", None)
    if key_id is not None:
        made["kid"] = key_id
    return {name: value for name, value in (made | more).items() if value is not None}


def private_jwk(key: Any, key_id: str) -> dict[str, Any]:
    """Return both halves of an RSA key."""
    made = jwt.algorithms.RSAAlgorithm.to_jwk(key, as_dict=True)
    made.pop("key_ops", None)
    return {**made, "kid": key_id}


def public_pem(key: Any) -> bytes:
    """Return the public half of a key as text that everybody has."""
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem


def b64(value: bytes | Mapping[str, Any]) -> str:
    """Return a segment of a token."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class Issuer:
    """Serves its keys at `/keys`, counts who asks, and makes tokens."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = [
            jwk(RSA_KEY, "rsa"),
            jwk(EC_KEY, "ec"),
            jwk(ED_KEY, "ed"),
        ]
        self.asked = 0
        self.granted: list[dict[str, str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.reply: Reply | None = None
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def start(self, port: int = 0) -> None:
        """Listen on loopback."""
        application = web.Application()
        application.router.add_post("/token", self._granted)
        application.router.add_get("/.well-known/oauth-authorization-server", self._described)
        application.router.add_get("/{path:.*}", self._answered)
        self._runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def close(self) -> None:
        """Stop listening."""
        self.gate.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _answered(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        await self.gate.wait()
        if self.reply is not None:
            return await self.reply(request)
        return web.json_response({"keys": self.keys})

    async def _described(self, _: web.Request) -> web.Response:
        """Tell clients where tokens are made (RFC 8414)."""
        return web.json_response(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "grant_types_supported": ["client_credentials"],
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
                "response_types_supported": ["code"],
            }
        )

    async def _granted(self, request: web.Request) -> web.Response:
        """Give a client a token for the resource that it names (RFC 6749, 4.4; RFC 8707)."""
        form = await request.post()
        self.granted.append({name: str(value) for name, value in form.items()})
        client, scope = str(form["client_id"]), str(form.get("scope", ""))
        token = self.token(aud=form["resource"], sub=client, client_id=client, scope=scope)
        return web.json_response(
            {"access_token": token, "token_type": "Bearer", "expires_in": 600, "scope": scope}
        )

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return what a good token says; None takes a claim away."""
        now = int(time.time())
        good = {
            "iss": self.url,
            "aud": FILES,
            "sub": "bob@example.com",
            "client_id": "web-client",
            "iat": now,
            "exp": now + 600,
        }
        return {name: value for name, value in (good | changes).items() if value is not None}

    def token(
        self,
        *,
        key: Any = RSA_KEY,
        algorithm: str = "RS256",
        headers: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> str:
        """Return a token; `headers` change its header, the rest its claims."""
        ids = {"RS256": "rsa", "ES256": "ec", "EdDSA": "ed"}
        header = {"typ": "at+jwt", "kid": ids.get(algorithm, "rsa")} | dict(headers or {})
        header = {name: value for name, value in header.items() if value is not None}
        return jwt.encode(self.claims(**changes), key, algorithm=algorithm, headers=header)

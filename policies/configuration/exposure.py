"""Checks in `placet.yaml` what would let the wrong people in, and which secrets are missing."""

from collections.abc import Iterator

from policies.configuration.references import sections
from policies.values.problems import Problem
from policies.yaml.composing import Path
from policies.yaml.documents import Document
from policies.yaml.fields import Address, address_of, parse_address

_NEEDED = {"socket": ("bot_token", "app_token"), "http": ("bot_token", "signing_secret")}


def exposure_problems(
    document: Document, *, unsafe_no_auth: bool, unsafe_local_approvers: bool
) -> list[Problem]:
    """Return a problem for each way in that is open, and each secret that is missing."""
    problems = [*_one_anonymous(document), *_slack(document), *_ledger(document)]
    problems += _same_address(document)
    problems += _own_address(document)
    if not unsafe_no_auth:
        problems += _beyond_loopback(document)
    if not unsafe_local_approvers:
        problems += _local_with_servers(document)
    return problems


def _anonymous(document: Document) -> list[str]:
    return [name for name, agent in sections(document, "agents") if agent.get("anonymous") is True]


def _one_anonymous(document: Document) -> Iterator[Problem]:
    first, *others = _anonymous(document) or [""]
    for name in others:
        place = document.key(("agents", name, "anonymous"))
        what = f"agent `{name}` is a second anonymous agent"
        yield document.problem(place, what, f"give it a key: `{first}` is anonymous already")


def _beyond_loopback(document: Document) -> Iterator[Problem]:
    value = document.at(("listen", "agents"))
    address = parse_address(value) if isinstance(value, str) else None
    if address is None or address.loopback:
        return
    for name in _anonymous(document)[:1]:
        yield document.problem(
            document.place(("listen", "agents")),
            f"`{address}` is reachable from other machines and agent `{name}` needs no key",
            "listen on 127.0.0.1, give it a key, or start with --unsafe-no-auth",
        )


def _slack(document: Document) -> Iterator[Problem]:
    slack = document.at(("slack",))
    mode = slack.get("mode") if isinstance(slack, dict) else None
    if not isinstance(slack, dict) or not isinstance(mode, str):
        return
    for secret in _NEEDED.get(mode, ()):
        if secret not in slack:
            place = document.key(("slack",))
            what = f"`{secret}` is missing in `slack`, and mode {mode} needs it"
            yield document.problem(place, what, f'add `{secret}: "${{SLACK_{secret.upper()}}}"`')
    yield from _slack_address(document, mode)


def _slack_address(document: Document, mode: str) -> Iterator[Problem]:
    listen = document.at(("listen",))
    if mode == "http" and isinstance(listen, dict) and "slack" not in listen:
        place = document.key(("listen",))
        what = "`slack` is missing in `listen`, and mode http needs it"
        yield document.problem(place, what, 'add `slack: "0.0.0.0:8788"`')


def _same_address(document: Document) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for name in ("agents", "operations", "slack"):
        value = document.at(("listen", name))
        address = parse_address(value) if isinstance(value, str) else None
        if address is None or address.port == 0:
            continue
        if str(address) in seen:
            what = f"`{name}` has the address of `{seen[str(address)]}`"
            place = document.place(("listen", name))
            yield document.problem(place, what, "give each a port of its own")
        seen.setdefault(str(address), name)


def _own_address(document: Document) -> Iterator[Problem]:
    """Yield a problem for each server that is Placet itself: a request there has no end."""
    public = document.at(("gateway", "public_url"))
    own = f"{public.rstrip('/')}/mcp/" if isinstance(public, str) else None
    listen = document.at(("listen", "agents"))
    address = parse_address(listen) if isinstance(listen, str) else None
    for name, server in sections(document, "servers"):
        url = server.get("url")
        if not isinstance(url, str):
            continue
        if (own and url.startswith(own)) or (address and _leads_to(url, address)):
            place = document.place(("servers", name, "url"))
            what = f"the address of `{name}` is Placet's own"
            yield document.problem(place, what, "write the one that the server has without Placet")


def _leads_to(url: str, address: Address) -> bool:
    there = address_of(url)
    if there is None or there.port != address.port:
        return False
    return there.host == address.host or (there.loopback and (address.loopback or address.anywhere))


def _local_with_servers(document: Document) -> Iterator[Problem]:
    if document.at(("slack", "mode")) != "local" or not _present(document, ("servers",)):
        return
    yield document.problem(
        document.place(("slack", "mode")),
        "anybody with a shell on this machine could approve calls to your servers in mode local",
        "use mode socket or http, or start with --unsafe-local-approvers",
    )


def _ledger(document: Document) -> Iterator[Problem]:
    url = document.at(("ledger", "url"))
    missing = not _present(document, ("ledger", "digest_key"))
    if isinstance(url, str) and url.startswith("postgresql") and missing:
        place = document.place(("ledger", "url"))
        what = "`digest_key` is missing in `ledger`, and PostgreSQL needs it"
        yield document.problem(place, what, 'add `digest_key: "${PLACET_DIGEST_KEY}"`')


def _present(document: Document, path: Path) -> bool:
    return bool(document.at(path)) or path in document.faulty

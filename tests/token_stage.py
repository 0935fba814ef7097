"""A staged gateway that takes tokens of an issuer."""

import contextlib

from gateway_stage import staged, until
from token_issuer import PUBLIC_URL

PEOPLE = """\
people:
  alice: {slack: T0ACME/U0ALICE, subject: alice@example.com}
  bob: {slack: T0ACME/U0BOB, subject: bob@example.com}
  cat: {slack: T0ACME/U0CAT, subject: cat@example.com}
teams:
  platform: {channel: C0PLATFORM, approvers: [bob, alice, cat]}
"""
AGENTS = "  web: {team: platform, owner: alice, client_id: web-client}"


def trusting(issuer, more="", public_url=PUBLIC_URL):
    """Return what makes a placet.yaml take tokens of the issuer."""

    def rewrite(text):
        begin, end = text.index("people:"), text.index("servers:")
        text = text[:begin] + PEOPLE + text[end:]
        text = text.replace("gateway: {", f'gateway: {{public_url: "{public_url}", ')
        keys = f'jwks: {{url: "{issuer.url}/keys"}}'
        return text + f'identity: {{issuers: {{acme: {{issuer: "{issuer.url}", {keys}{more}}}}}}}\n'

    return rewrite


@contextlib.asynccontextmanager
async def taking_tokens(url, issuer, more="", public_url=PUBLIC_URL, agents=AGENTS, **options):
    rewrite = trusting(issuer, more, public_url)
    async with staged(url, agents=agents, rewrite=rewrite, **options) as stage:
        await until(lambda: keys_known(stage))
        yield stage


async def keys_known(stage):
    return not stage.gateway.identity_troubles()

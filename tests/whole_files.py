"""A whole policy and a whole configuration, for tests that change a part of them."""

POLICY = """\
version: 1
default: require_approval
rules:
  - {name: reads, match: {risk: read}, effect: allow}
  - name: protected-branches
    match: {server: github, tool: ["push_*", "merge_*"]}
    except: {tool: merge_preview}
    when: args.branch in ["main", "release"]
    effect: require_approval
    approval: {team: platform, approvals: 2, expires_in: 10m, use_within: 5m, reason: required}
  - {name: no-drops, match: {tool: "*drop*"}, effect: deny, message: open a ticket}
grants: {longest: 8h, never: {risk: destructive}}
redact: ["*password*", card.number]
risk: {"github/get_*": read}
"""

CONFIGURATION = """\
version: 1
policy: policy.yaml
ledger: {url: "sqlite:///placet.db"}
listen: {agents: "127.0.0.1:8787", operations: "127.0.0.1:8789"}
people:
  alice: {slack: T0ACME/U0ALICE, subject: alice@example.com}
  bob: {slack: T0ACME/U0BOB}
teams:
  platform: {channel: C0PLATFORM, approvers: [bob, {group: S0PLATFORM}], escalate_to: security}
  security: {channel: C0SEC, approvers: [bob]}
servers:
  github: {url: "https://a.example/", headers: {Authorization: "Bearer ${TOKEN}"}, team: platform}
  files: {command: [npx, -y, server, ./data], team: platform}
agents:
  ci-bot: {team: platform, owner: alice, key: "${CI_BOT_KEY}"}
slack: {mode: socket, bot_token: "${BOT}", app_token: "${APP}", signing_secret: "${SIGNING}"}
"""

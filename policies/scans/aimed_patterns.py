"""Patterns of texts that are aimed at a model, not at the people who read of a tool.

Each has bounded gaps, so that it runs in time linear in the text.
"""

import re

from policies.scans.scanned import Severity


def _pattern(*parts: str) -> re.Pattern[str]:
    return re.compile("".join(parts), re.IGNORECASE)


OVERRIDING = _pattern(
    r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,40}",
    r"\b(?:previous|prior|above|earlier|all|any|other|safety|system)\b.{0,30}",
    r"\b(?:instructions?|rules|prompts?|guidelines|guidance|directives?|guardrails|context",
    r"|polic(?:y|ies))\b",
    r"|\bignor(?:ier|ez|a|ar|iere[nt]?)\b.{0,30}\b(?:anweisung|instruc|vorherig|précédent|anterior)",
    r"|忽略.{0,10}(?:指令|指示|说明|規則|规则)|игнорир\w{1,6}.{0,30}инструкц",
)
CONCEALING = _pattern(
    r"\b(?:do not|don't|dont|never|must not|mustn't|without|avoid)\b.{0,30}",
    r"\b(?:tell|mention|inform|reveal|show|notify|alert|ask|disclos|let)(?:e|ing|ting)?\b.{0,40}",
    r"\b(?:users?|humans?|person|people|anyone|them|operator)\b",
    r"|\b(?:model|assistant|agent|llm|ai)\b.{0,20}\b(?:not|never)\b.{0,20}",
    r"\b(?:reveal|disclose|mention)\b",
    r"|\b(?:hide|conceal|keep)\b.{0,40}\b(?:secret|hidden|from the (?:user|human|operator))\b",
)
SECRET_FILES = _pattern(
    r"\b(?:read|open|cat|fetch|load|include|send|pass|copy|access|contents? of)\b.{0,60}",
    r"(?:\.ssh\b|id_rsa|id_ed25519|\.aws/|\.env\b|\.netrc|\.npmrc|mcp\.json|/etc/passwd",
    r"|/etc/shadow|\.kube/config|\.git-credentials|claude_desktop_config)",
)
MARKED = _pattern(
    r"<\s{0,3}/?\s{0,3}(?:important|system|secret|instructions?|hidden|assistant|admin|critical)",
    r"\s{0,3}>|<\|(?:im_start|im_end|system|endoftext)\|>|\[/?(?:inst|system)\]|\bsystem prompt\b",
)
COMMENTED = _pattern(r"<!--")
STEERING = _pattern(
    r"\b(?:before|after|prior to|whenever|every time|each time)\b.{0,50}",
    r"\b(?:any|every|each|all|other|another)\b.{0,20}",
    r"\b(?:tools?|calls?|requests?|messages?|responses?)\b",
)
PREFERRING = _pattern(
    r"\b(?:always|must|should|only)\b.{0,30}\b(?:use|call|invoke|prefer|run)\b.{0,30}",
    r"\b(?:instead of|rather than|in place of|before using|first)\b",
)
CHAINING = _pattern(
    r"\bbefore (?:calling|using|invoking|running) this\b.{0,60}",
    r"\b(?:call|use|invoke|run|read|fetch|open)\b",
)
REPLACING = _pattern(
    r"\b(?:supersedes?|replaces?|deprecates?)\b.{0,30}\b(?:all|any|every|other)\b.{0,20}\btools?\b",
    r"|\bother tools? (?:is|are)\b.{0,30}",
    r"\b(?:deprecated|broken|dangerous|unsafe|obsolete|disabled|insecure)\b",
    r"|\buse this\b.{0,20}\b(?:instead of|in place of)\b",
)
TAKING = _pattern(
    r"\b(?:include|append|add|attach|copy|put|pass|send|insert|log|write)\b.{0,40}",
    r"\b(?:full|entire|whole|complete|all of the|previous|user'?s)\b.{0,20}",
    r"\b(?:conversations?|chats?|dialog(?:ue)?s?)\b",
    r"|\b(?:when(?:ever)?|if) you (?:see|find|encounter|come across)\b.{0,40}",
    r"\b(?:(?:api|access|private|secret|ssh)[ _-]?keys?|passwords?|tokens?|credentials?",
    r"|secrets?)\b",
)
SUBMITTING = _pattern(
    r"\b(?:model|assistant|agent|llm|ai)\b.{0,30}\b(?:approve|accept|allow|authori[sz]e)\b.{0,20}",
    r"\b(?:all|every|any|each)\b",
    r"|\bif (?:you are )?asked\b.{0,20}\b(?:say|answer|reply|claim|pretend|deny)\b",
    r"|\b(?:decode|decrypt|base64)\b.{0,30}\b(?:follow|obey)\b",
)
UNASKED = _pattern(
    r"\b(?:no need to|do not|don't|never|must not)\b.{0,10}\b(?:ask|request|wait|seek)\b.{0,20}",
    r"\b(?:confirmation|approval|permission|consent)\b",
)
_ADDRESS = r"(?:https?://|[\w.+-]{1,40}@[\w-]{1,40}\.[a-z]{2,10})"
SENDING = _pattern(
    r"\b(?:send|forward|(?<!-x )post|upload|exfiltrate|leak|bcc|transmit)\b.{0,80}",
    _ADDRESS,
    r"|\be-?mail\b.{0,40}\bto\b.{0,20}",
    _ADDRESS,
)
PICTURED = _pattern(r"!\[[^\]]{0,100}\]\(https?://[^)\s]{0,300}[?&][^)\s]{0,300}\)")
POSING = _pattern(
    r"\b(?:you are now|act as (?:an? )?(?:admin|root|unrestricted|developer)|jailbreak",
    r"|developer mode)\b",
)

AIMED = (
    (OVERRIDING, Severity.CRITICAL, "tells the model to ignore its instructions"),
    (CONCEALING, Severity.CRITICAL, "tells the model to keep something from people"),
    (SECRET_FILES, Severity.CRITICAL, "sends the model to files that hold secrets"),
    (MARKED, Severity.HIGH, "marks a text as an order to the model"),
    (COMMENTED, Severity.HIGH, "holds a comment that a page would not show"),
    (STEERING, Severity.HIGH, "steers the model's use of other tools"),
    (SENDING, Severity.HIGH, "tells the model to send something to an address"),
    (PICTURED, Severity.HIGH, "holds a picture whose address can carry something away"),
    (POSING, Severity.HIGH, "tells the model to be somebody else"),
    (TAKING, Severity.HIGH, "asks the model for what it was told or has seen"),
    (SUBMITTING, Severity.HIGH, "tells the model what to answer, or to agree to"),
    (UNASKED, Severity.HIGH, "tells the model not to ask people"),
    (CHAINING, Severity.MEDIUM, "tells the model to do something else first"),
    (REPLACING, Severity.MEDIUM, "puts itself in the place of other tools"),
    (PREFERRING, Severity.MEDIUM, "tells the model which tool to prefer"),
)
"""The patterns with how grave they are, and what a text does that one is in."""

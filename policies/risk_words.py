"""The words that speak for what a tool can do, by risk."""

from policies.calls import Risk


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


READING = _words("""
    analyse analyze count describe detect explain fetch find get introspect list lookup read
    retrieve search show suggest validate wait
""")
"""Reading verbs behind which another verb in a name is a thing, as in `get_commit`."""
SEEMING = _words("""
    ask browse check compare diagnose diff discover download echo estimate examine explore
    extract identify inspect learn look measure monitor observe output peek ping plan predict
    preview query recommend render scan screenshot snapshot stats status summarise summarize
    surface tail trace verify view visualize wait
""")
"""Reading verbs that may be things themselves, as in `status_update`."""
WRITING = _words("""
    accept add allow alter annotate append approve archive assign attach authorize ban block
    bookmark change close comment commit configure confirm connect convert copy create define
    deny detach disable dismiss duplicate edit enable enroll export follow fork forward generate
    grant import increment index initiate insert invite join label link lock log make mark
    mention merge modify move mute notify patch pin post protect provision publish push put
    register rename reopen reorder replace resolve return review reply report request resize
    retry rotate save schedule send set setup share sign star store submit subscribe switch sync
    tag toggle transition translate unarchive unassign unfollow unlock unpin unstar unsubscribe
    update upload upsert watch write
""")
EXECUTING = _words("""
    apply boot call click deploy drag eval evaluate exec execute fill handle hover install
    invoke launch migrate navigate pause press rebase reboot rerun restart restore resume
    rollback run select shutdown spawn start stop trigger type
""")
DESTROYING = _words("""
    abort cancel clear delete destroy discard drop empty erase evict expire flush kill manage
    nuke obliterate overwrite prune purge remove reset revert revoke shred terminate truncate
    undeploy uninstall unlink unpublish wipe
""")
PAYING = _words(
    "bill buy charge deposit donate pay payout purchase refund reimburse spend withdraw wire"
)
ALWAYS = _words("""
    delete destroy drop erase eval exec execute nuke obliterate purge remove shred terminate
    truncate uninstall wipe
""")
"""Verbs that count even behind a reading verb in a name, as in `list_delete_all`."""
LAST = _words("add create edit insert patch put set update upsert write")
"""Verbs that count behind a reading verb where they end a name, as in `list_create`."""
JOINING = frozenset({"and", "or", "then"})
"""Words behind which a verb in a name is a verb, as in `find_or_create`."""
MONEY = _words("""
    billing checkout cost deposit dispute invoice money order payment payout price purchase
    refund subscription transaction transfer wallet
""")
"""Things that make a change to them a matter of money."""
NOT_MONEY = _words("cluster column display email event notification sort sql topic")
"""Words beside which the words of `MONEY` mean something else."""
CODE = _words("bash code command console cypher powershell python script shell sql")
"""Things that make a tool that takes them run what it is given."""
CODE_FIELDS = _words("bash cmd command cypher javascript powershell script shell sql")
"""Names of arguments whose value is run."""
AMOUNT_FIELDS = frozenset({"amount", "currency"})
"""Names of arguments that, together, say a sum of money."""

VERBS: dict[str, Risk] = {
    **dict.fromkeys(READING | SEEMING, Risk.READ),
    **dict.fromkeys(WRITING, Risk.WRITE),
    **dict.fromkeys(EXECUTING, Risk.EXECUTE),
    **dict.fromkeys(DESTROYING, Risk.DESTRUCTIVE),
    **dict.fromkeys(PAYING, Risk.FINANCIAL),
}


RETURNING = frozenset({"return", "returns"})
"""Words that read in a description, and act in a name (`return_order`)."""


def verb(word: str) -> str | None:
    """Return the verb of which `word` (lower case) is a present form, or None."""
    for ending, instead in (("", ""), ("s", ""), ("es", ""), ("ies", "y")):
        stem = word.removesuffix(ending) + instead
        if word.endswith(ending) and stem in VERBS:
            return stem
    return None


def singular(word: str) -> str:
    """Return `word` without a plural ending."""
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word

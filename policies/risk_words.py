"""The words that speak for what a tool can do, by risk."""

from functools import lru_cache

from policies.calls import Risk


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


READING = _words("""
    analyse analyze count describe detect explain fetch find get introspect list lookup read
    retrieve search show suggest validate wait
""")
"""Reading verbs behind which another verb in a name is a thing, as in `get_commit`."""
SEEMING = _words("""
    aggregate ask audit autocomplete browse calculate check classify compare compute convert crawl
    decode diagnose diff discover download echo encode estimate examine explore extract forecast
    format generate geocode grep identify inspect learn lint look ls measure monitor observe output
    parse peek ping plan poll predict preview query rank reason recognize recommend render rephrase
    rerank research sample scan scrape screenshot simulate snapshot sort stats status sum summarise
    summarize surface tail think trace transcribe translate verify view visualize whoami
""")
"""Reading verbs that may be things themselves, as in `status_update`."""
WRITING = _words("""
    accept acknowledge activate add adjust allow alter annotate append approve archive assign attach
    authorise authorize ban block bookmark broadcast change clone close comment commit complete
    configure confirm connect copy create deactivate decline define deny detach disable dismiss
    draft duplicate edit emit enable enqueue enroll escalate export finalize flag follow fork
    forward fulfil fulfill grant import increment index ingest initialise initialize initiate insert
    invite join kick label leave link lock log make manage mark mention merge modify move mute
    notify open organise organize patch pin populate post protect provision publish pull push put
    quarantine reassign register relocate rename reopen reorder replace reply report request
    reschedule resize resolve respond return review rotate save schedule send set setup share sign
    snooze star store submit subscribe suspend switch sync synchronise synchronize tag toggle track
    transition unarchive unassign unblock unfollow unlock unmute unpin unstar unsubscribe update
    upload upsert void watch write
""")
EXECUTING = _words("""
    act apply autoscale boot bootstrap build call click compile cordon cycle delegate deploy
    dispatch downgrade drag drain eval evaluate exec execute failover fill fire goto halt handle
    hotkey hover inject input install interact interrupt invoke isolate launch materialize migrate
    mutate navigate orchestrate pause perform power press promote rebase reboot redeploy repl replay
    requeue rerun restart restore resume retry rollback run scale scroll select shutdown spawn start
    stop swipe tap test train trigger tune turn type upgrade
""")
DESTROYING = _words("""
    abort annihilate cancel cleanup clear decommission del delete deletion deprovision deregister
    destroy destruction discard dispose drop eliminate empty erase evict expire expunge flush
    flushall flushdb hdel kill nuke obliterate overwrite pop prune purge removal remove reset revert
    revoke rm rmdir scrub shred srem teardown terminate termination trash truncate undeploy undo
    uninstall unlink unpublish unregister wipe xdel zap zrem
""")
PAYING = _words("""
    airdrop bet bid bill borrow burn buy charge deposit donate exercise lend liquidate mint pay
    payout purchase redeem refund reimburse repay sell spend sponsor stake swap tip topup trade
    transfer unstake wire withdraw
""")
ALWAYS = _words("""
    delete destroy drop erase eval exec execute nuke obliterate purge remove shred terminate
    truncate uninstall wipe
""")
"""Verbs that count even behind a reading verb in a name, as in `list_delete_all`."""
LAST = _words("add create edit insert patch put set update upsert write")
"""Verbs that count behind a reading verb where they end a name, as in `list_create`."""
JOINING = frozenset({"and", "or", "then"})
"""Words behind which a verb in a name is a verb, as in `find_or_create`."""
HOMOGRAPHS = _words("""
    change comment copy draft export flag fork import index label link lock log merge pin plan post
    pull report request review schedule set share star store tag track watch
""")
"""Writing verbs that may be things, as in `git_log` and `pull_request_read`."""
THINGS_OF_WORK = _words("""
    act boot build call click compile drag handle hover input launch pause power press resume scale
    scroll select start stop tap test train trigger tune turn type
""")
"""Executing verbs that are things behind a writing verb, as in `create_call`."""
WEAK = THINGS_OF_WORK | _words(
    "apply exercise fire perform install promote restore swap trade transfer"
)
"""Verbs that a description uses loosely: they count where the name has no verb of its own."""
BROAD = frozenset({"manage"})
"""Verbs that cover all that can be done with a thing, unless the description says what."""
NARROW = _words("member membership notification preference setting subscription watch")
"""Things of which managing destroys nothing."""

MONEY = _words("""
    allowance billing bitcoin btc cash charge checkout cost credit crypto deposit dispute erc20 eth
    expense fund funds gift invoice leverage liquidity loan money nft order payment payout payroll
    price purchase refund settlement spender spending subscription transaction transfer usdc usdt
    wallet
""")
"""Things that make a change to them a matter of money."""
NOT_MONEY = _words("""
    alert branch cluster column database display email event git graphql layer notification query
    repository sort sql svn sync topic webhook
""")
"""Words beside which the words of `MONEY` mean something else."""
NOT_TRANSFERRED_MONEY = _words("""
    app call chat conversation data domain file folder issue membership owner ownership project
    repository ticket zone
""")
"""Things whose transfer is no payment."""
VENUES = _words("""
    bank blockchain broker brokerage crypto defi ethereum evm exchange solana trading wallet web3
""")
"""Words in a server's name that say that it deals in money."""
DEALT = _words("asset coin nft option position share stock token trade")
"""Things that are money at such a server."""
RUNS = _words("""
    build deploy deployment execution invocation job pipelinerun prediction rollout run statement
""")
"""Things that run once they are made."""
_MAKING = _words("add create make new post queue schedule submit")
_BOOKED = _words("car cruise flight hotel ride room seat ticket train trip")
TOGETHER: tuple[tuple[frozenset[str], frozenset[str], Risk], ...] = (
    (_MAKING, RUNS, Risk.EXECUTE),
    (_words("query"), _words("database db sql"), Risk.EXECUTE),
    (_words("send"), _words("input key"), Risk.EXECUTE),
    (_words("open"), _words("app browser page tab url"), Risk.EXECUTE),
    (_words("make request send"), _words("api http"), Risk.EXECUTE),
    (_words("push"), _words("force"), Risk.DESTRUCTIVE),
    (_words("close"), _words("account"), Risk.DESTRUCTIVE),
    (_words("close open"), _words("position"), Risk.FINANCIAL),
    (_words("request"), _BOOKED, Risk.FINANCIAL),
    (_words("change"), _words("plan"), Risk.FINANCIAL),
    (_words("convert"), _words("draft issue lead"), Risk.WRITE),
    (_words("convert"), _words("balance cash coin crypto fund money token"), Risk.FINANCIAL),
)
"""Verbs and things that mean more together."""
THINGS_TOGETHER: tuple[tuple[frozenset[str], frozenset[str], Risk], ...] = (
    (_words("book reserve"), _BOOKED, Risk.FINANCIAL),
    (_words("claim"), _words("reward"), Risk.FINANCIAL),
    (_words("bridge"), _words("asset token"), Risk.FINANCIAL),
    (_words("compose"), _words("down up"), Risk.EXECUTE),
)
"""The same, of words that are no verbs by themselves."""
CODE = _words("bash cmd command cypher powershell shell sql terminal")
"""Things that make a tool that takes them run what it is given."""
CODE_PERHAPS = _words("code console python script")
"""Things that do so unless the tool is said to read."""
RESOLVED = _words("address dns domain host hostname id ids library name path url")
"""Things whose resolving is looking up."""
LOOKED_INTO = _words("analysis audit benchmark check diagnostic lint report scan search")
"""Things whose running only tells what is there."""
APPLIED = _words("change changes configuration manifest migration migrations terraform")
"""Things whose applying makes something run otherwise."""
DRIVERS = _words("browserbase chrome devtools playwright puppeteer selenium webdriver")
"""Words in a server's name that say that it drives a browser."""
SCREENS = _words("browser cursor element keyboard keystroke mouse")
"""Things by whose handling somebody else's program is driven."""

CODE_FIELDS = _words("""
    bash cmd command commands cypher executable javascript mutation powershell script shell sql
""")
"""Words in the name of an argument whose value is run."""
ACTION_FIELDS = _words("action command method mode op operation subcommand task verb")
"""Words in the name of an argument that says which of several things to do."""
SWEEPING = _words("cascade force overwrite permanent permanently purge")
"""Words in the name of an argument that makes a change destroy what was there."""
AMOUNT_FIELDS = frozenset({"amount", "currency"})
"""Names of arguments that, together, say a sum of money."""

VERBS: dict[str, Risk] = {
    **dict.fromkeys(READING | SEEMING, Risk.READ),
    **dict.fromkeys(WRITING, Risk.WRITE),
    **dict.fromkeys(EXECUTING, Risk.EXECUTE),
    **dict.fromkeys(DESTROYING, Risk.DESTRUCTIVE),
    **dict.fromkeys(PAYING, Risk.FINANCIAL),
}

RETURNING = frozenset({"return", "returns", "report", "reports", "access", "accesses"})
"""Words that read in a description, and act in a name (`return_order`)."""


def _forms() -> dict[str, str]:
    """Return the verbs by their present forms and gerunds."""
    forms: dict[str, str] = {}
    for verb in VERBS:
        stems = {verb, f"{verb}s", f"{verb}es", f"{verb}ing", f"{verb.removesuffix('e')}ing"}
        if verb.endswith("y"):
            stems.add(f"{verb[:-1]}ies")
        stems.add(f"{verb}{verb[-1]}ing")
        for form in stems:
            forms.setdefault(form, verb)
    return forms | {verb: verb for verb in VERBS}


FORMS = _forms()
"""The verb of which a word (lower case) is a present form or a gerund."""


@lru_cache(maxsize=8192)
def singular(word: str) -> str:
    """Return `word` without a plural ending."""
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word

"""The words that speak for what a tool can do, by risk."""

from functools import lru_cache

from policies.values.calls import Risk


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


READING = _words("""
    analyse analyze count describe detect explain fetch find get introspect list lookup query read
    retrieve search show suggest validate wait
""")
"""Reading verbs behind which another verb in a name is a thing, as in `get_commit`."""
SEEMING = _words("""
    aggregate ask assess audit autocomplete browse calculate cat check classify compare compute
    convert crawl debate decode decompile deduce deobfuscate diagnose diff disasm disassemble
    discover download echo encode estimate examine explore extract filter forecast format generate
    geocode grep identify infer inspect investigate learn lint locate look ls measure monitor
    observe output parse peek ping plan poll predict preview rank reason recall recognize recommend
    render rephrase rerank research sample scan scrape screenshot simulate snapshot solve sort stat
    stats status sum summarise summarize surface tail think trace transcribe translate verify view
    visualize whoami
""")
"""Reading verbs that may be things themselves, as in `status_update`."""
WRITING = _words("""
    accept acknowledge activate add adjust allow alter animate annotate append approve archive
    arrange assign associate attach authorise authorize ban bind block bookmark broadcast change
    clone close comment commit complete compress configure confirm connect copy create crop
    deactivate declare decline define demote deny detach disable dismiss downvote draft draw
    duplicate edit elevate emit enable encrypt enqueue enroll escalate export extend finalize flag
    follow fork forward freeze fulfil fulfill grant hide import increment index ingest initialise
    initialize initiate insert invite join kick label leave link lock log make manage mark memorize
    mention merge modify mount move mute notify onboard open organise organize paint patch pin
    populate post prepend protect provision publish pull push put quarantine react reassign redact
    register reindex relocate remember rename reopen reorder repair replace reply report request
    reschedule resize resolve respond return retweet review rotate save schedule send set setup
    share sign skip snooze star store submit subscribe suspend switch sync synchronise synchronize
    tag toggle track transition tweet unarchive unassign unblock unfollow unfreeze ungroup unhide
    unlike unload unlock unmount unmute unpin unstar unsubscribe unzip update upload upsert upvote
    void vote watch write
""")
EXECUTING = _words("""
    act apply autoscale boot bootstrap build call click compile continue cordon crack cycle delegate
    deploy dispatch downgrade drag drain eval evaluate exec execute exploit failover fill fire fuzz
    goto halt handle hibernate hotkey hover inject input install interact interrupt invoke isolate
    kickoff launch materialize migrate mutate navigate orchestrate pause perform play power press
    promote proxy rebase reboot rebuild recompile redeploy relaunch reload repl replay reprocess
    requeue rerun respawn restart restore resume retry rollback run scale scroll select shutdown
    spawn start stop swipe tap test touch train trigger tune turn type unpause upgrade wake
""")
DESTROYING = _words("""
    abort annihilate cancel clean cleanup clear deallocate decommission del delete deletion
    deprovision deregister destroy destruction discard dispose drop eliminate empty erase evict
    expire expunge flush flushall flushdb forget hdel kill nuke obliterate offboard overwrite pop
    prune purge recreate reformat reimage reinstall removal remove reset revert revoke rm rmdir
    scrub shred srem teardown terminate termination trash truncate undeploy undo uninstall unlink
    unpublish unregister wipe xdel zrem
""")
PAYING = _words("""
    airdrop bet bid bill borrow burn buy cashout charge deposit disburse donate exercise hedge
    invest lend liquidate mint pay payout prepay purchase redeem refund reimburse remit repay sell
    settle spend sponsor stake swap tip topup trade transfer unstake wager wire withdraw
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
    act boot build call click compile drag fill handle hover input launch pause play power press
    proxy resume scale scroll select start stop tap test touch train trigger tune turn type
""")
"""Executing verbs that are things behind a writing verb, as in `create_call`."""
WEAK = THINGS_OF_WORK | _words(
    "apply clean continue exercise fire perform promote restore swap trade transfer"
)
"""Verbs that a description uses loosely: they count where the name has no verb of its own."""
BROAD = frozenset({"manage"})
"""Verbs that cover all that can be done with a thing, unless the description says what."""
NARROW = _words("member membership notification preference setting subscription watch")
"""Things of which managing destroys nothing."""

MONEY = _words("""
    allowance billing bitcoin btc cash charge chargeback checkout cost credit crypto debit deposit
    disbursement dispute donation erc20 escrow eth expense fund funds gift invoice leverage
    liquidity loan money nft order payment payout payroll price purchase refund reimbursement
    remittance salary settlement spender spending subscription transaction transfer usdc usdt wallet
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
    (_words("send write"), _words("stdin"), Risk.EXECUTE),
    (_words("open"), _words("app browser page tab url"), Risk.EXECUTE),
    (_words("make request send"), _words("api http"), Risk.EXECUTE),
    (_words("update upgrade"), _words("firmware software"), Risk.EXECUTE),
    (_words("generate"), _words("credential key passkey password secret token"), Risk.WRITE),
    (_words("scan"), _words("active"), Risk.EXECUTE),
    (_words("push"), _words("force"), Risk.DESTRUCTIVE),
    (_words("format replace"), _words("disk drive volume"), Risk.DESTRUCTIVE),
    (_words("close"), _words("account"), Risk.DESTRUCTIVE),
    (_words("close open"), _words("position"), Risk.FINANCIAL),
    (_words("request"), _BOOKED, Risk.FINANCIAL),
    (_words("change"), _words("plan"), Risk.FINANCIAL),
    (_words("convert"), _words("draft issue lead"), Risk.WRITE),
    (_words("sort"), _words("cell column layer playlist range row sheet worksheet"), Risk.WRITE),
    (_words("convert"), _words("balance cash coin crypto fund money token"), Risk.FINANCIAL),
)
"""Verbs and things that mean more together."""
THINGS_TOGETHER: tuple[tuple[frozenset[str], frozenset[str], Risk], ...] = (
    (_words("book reserve"), _BOOKED, Risk.FINANCIAL),
    (_words("claim"), _words("reward"), Risk.FINANCIAL),
    (_words("bridge"), _words("asset token"), Risk.FINANCIAL),
    (_words("brute"), _words("force"), Risk.EXECUTE),
    (_words("compose"), _words("down up"), Risk.EXECUTE),
    (_words("step"), _words("into out over"), Risk.EXECUTE),
    (_words("raw"), _words("api http request"), Risk.EXECUTE),
    (_words("register renew"), _words("domain"), Risk.FINANCIAL),
    (_words("top"), _words("up"), Risk.FINANCIAL),
)
"""The same, of words that are no verbs by themselves."""
CODE = _words("bash cmd command cypher powershell shell sql terminal")
"""Things that make a tool that takes them run what it is given."""
CODE_PERHAPS = _words("code console python script")
"""Things that do so unless the tool is said to read."""
SAID_TOGETHER: tuple[tuple[frozenset[str], tuple[frozenset[str], ...], Risk], ...] = (
    (
        _words("place places put puts submit submits"),
        (_words("bet bid order trade wager"),),
        Risk.FINANCIAL,
    ),
    (
        _words("issue issues make makes perform performs send sends"),
        (_words("api graphql http https rest"), _words("call request")),
        Risk.EXECUTE,
    ),
    (_words("send sends"), (_words("command keypress keystroke"),), Risk.EXECUTE),
    (
        _words("raw"),
        (_words("api graphql http https rest"), _words("call delete patch post put request")),
        Risk.EXECUTE,
    ),
)
"""First words of descriptions and things of each kind behind them that mean more together."""
EXAMINED = _words("analysis audit benchmark check diagnostic lint report scan search")
"""Things of which a run looks at something, and changes nothing."""
_ASKING = _words("insight jql logql lucene nrql promql traceql")
"""Languages in which one can ask, and nothing else."""
ASKED = _words("expression query search")
ASKING = _ASKING | _words("find log metric search")
"""Words that say of what is run, one of `ASKED`, that it can do nothing but ask."""
NARROWED: tuple[tuple[frozenset[str], frozenset[str], Risk], ...] = (
    (
        _words("resolve"),
        _words("address dns domain host hostname id ids library name path url"),
        Risk.READ,
    ),
    (_words("perform run"), EXAMINED, Risk.READ),
    (_words("execute perform run"), _ASKING, Risk.READ),
    (_words("transfer"), NOT_TRANSFERRED_MONEY, Risk.WRITE),
    (
        _words("apply"),
        _words("border color design effect filter font format formatting formula label layout")
        | _words("style tag theme type"),
        Risk.WRITE,
    ),
    (_words("swap"), _words("cell color column face image item layer row slide voice"), Risk.WRITE),
    (
        _words("scale"),
        _words("actor axis element gameobject image layer mesh object selection shape sprite"),
        Risk.WRITE,
    ),
)
"""Verbs that mean less beside certain things, and what they mean there."""
LOGGED = _words("log message warning")
"""Things that are written to a console, and not run by it."""
ACCOUNTS = _words("""
    count details documentation guidance history info information metrics overview statistics stats
    status summary total
""")
"""Things that tell of other things, where nothing says what is done with them."""
GATHERED = HOMOGRAPHS | {"commit"}
"""Verbs that are things where they end what is listed, as in `with its comments and tags`."""
PROVIDING = frozenset({"gives", "provides"})
"""Words that, before what tells of things, read."""
CLEARED = _words("box field filter flag form highlight input reminder selection")
"""Things that, where they are cleared in passing, are set anew."""
ADJECTIVES = _words("clean complete empty open")
"""Verbs that say of what kind a thing is where no object follows them."""
SILENT = frozenset({"accepts", "allows"})
"""Words that look like verbs and tell only how a tool is called."""
STEERING = frozenset({"control", "controls"})
"""Words that, at the beginning of a description, say that something is made to move."""
APPLIED = _words("change changes configuration manifest migration migrations terraform")
"""Things whose applying makes something run otherwise."""
DRIVERS = _words("browserbase chrome devtools playwright puppeteer selenium webdriver")
"""Words in a server's name that say that it drives a browser."""
STORING = _words("add create edit insert save set store update write")
"""Verbs by which code is kept, and not run."""
MAKING = _words("add create delete insert remove")
"""Verbs by which an element is one of a drawing, and not of a page."""
COMPOUNDS = {"drop": _words("point rate rule rules")}
"""Verbs that, behind another verb, are a thing together with the next word."""
KEPT = _words("cookie geolocation header locale storage timezone viewport")
"""Things of a browser that are set for it, so that no page is driven."""
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

RETURNING = _words("access accesses report reporting reports return returning returns")
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


_ENDING_IN_IE = _words("cookies movies series ties zombies")


@lru_cache(maxsize=8192)
def singular(word: str) -> str:
    """Return `word` without a plural ending."""
    if word.endswith("ies") and word not in _ENDING_IN_IE:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word

"""Secrets as they are really written, of many makers and in many places; and what is none."""
# ruff: noqa: RUF001, SIM905 - people write in many scripts; keys are words here

import base64
import json
import random
import re
import string

import pytest

from policies.secrets.redaction import redact, redact_text
from policies.values.calls import Number
from policies.values.strict_json import parse

CHARACTERS = {
    "h": string.hexdigits[:16],
    "a": string.ascii_letters + string.digits,
    "l": string.ascii_lowercase + string.digits,
    "u": string.ascii_uppercase + string.digits,
    "d": string.digits,
    "b": string.ascii_letters + string.digits + "_-",
    "2": string.ascii_uppercase + "234567",
    "U": "",
}
WORD = "s3cr3tPa55w0rd"


def made(form: str, seed: int = 1) -> str:
    """Return `form` with each `{h40}` replaced by forty random hexadecimal digits, and so on."""
    chance = random.Random(f"{form}{seed}")  # noqa: S311 - the tokens are no secrets

    def some(found):
        kind, count = found[1], int(found[2] or 0)
        if kind == "U":
            return made("{h8}-{h4}-4{h3}-a{h3}-{h12}", seed)
        drawn = "".join(chance.choices(CHARACTERS[kind], k=count))
        return f"A7z{drawn[3:]}" if kind in "ab" else drawn

    return re.sub(r"\{([hal2udbU])(\d*)\}", some, form)


MADE = """
AKIA{u16} ASIA{u16} AIza{b35} ya29.{b60} GOCSPX-{b28} LTAI{a20} AVNS_{b19}
ghp_{a36} gho_{a36} ghs_{a36} github_pat_{a22}_{a59} glpat-{b20} glpat-{b40}.01.{l9} glrt-{b20}
glrtr-{b20} glft-{b20} glsoat-{b20} gloas-{h64} glimt-{b25} glffct-{b20} GR1348941{b20}
xoxb-{d12}-{d13}-{a24} xapp-1-A{u10}-{d13}-{h64} xoxe.xoxb-1-{b160}
sk_live_{a24} rk_live_{a24} whsec_{a32} sk-proj-{b120} sk-ant-api03-{b93} sk-or-v1-{h64} sk-{h32}
gsk_{a52} xai-{a80} pplx-{a48} r8_{a37} hf_{a34} sk_{h48} lsv2_pt_{h32}_{h10} nvapi-{b64} csk-{l48}
pcsk_{a6}_{a63} tvly-dev-{a32} e2b_{h40} fc-{h32} key_{h64} ctx7sk-{U}
npm_{a36} pypi-AgEIcHlwaS5vcmc{b120} rubygems_{h48} oy2{l43} packagist_uut_{h60} dckr_pat_{b27}
SG.{b22}.{b43} SK{h32} key-{h32} {h32}-{h8}-{h8} {h32}-us12 xkeysib-{h64}-{a16} md-{a22}
re_{a8}_{a24}
dop_v1_{h64} dor_v1_{h64} HRKU-{U} sbp_{h40} sb_secret_{b31} napi_{l64} pscale_tkn_{b43} vcp_{a56}
nfp_{a40} hvs.{b95} pul-{h40} sqp_{h40} squ_{h40} bkua_{h40} sdk-{U} tskey-auth-k{a16}-{a32}
CCIPAT_{a22}_{h40} dapi{h32} NRAK-{u27} glsa_{a32}_{h8} hcaik_{l58} sntryu_{h64} dt0c01.{u24}.{u64}
ATATT3xFfGF0{b170} ATBB{a32} secret_{a43} ntn_{d11}{a35} lin_api_{a40} lin_oauth_{h64}
pat{a14}.{h64}
1/{d16}:{h32} 2/{d16}/{d16}:{h32} figd_{b40} PMAK-{h24}-{h34} pat-na1-{U} shpat_{h32} EAAA{b60}
sq0atp-{b22} access_token$production${l16}${h32} access-sandbox-{U} live_{h35} shippo_live_{h40}
{d10}:AA{b33} {d19}-{a31} {d15}|{b27} WPL_AP1.{a16}.{a8} rdme_{l70} p8e-{l32} os_v2_app_{l100}
waka_{U} sgp_{h16}_{h40} slk_{h64} API-{u26} signkey-prod-{h64} as-{a22} ak_{a20} BSA{a27} {U}:fx
AGE-SECRET-KEY-1{u58} st.{h24}.{h32}.{h32} v1.0-{h24}-{h146} S{255} SU{256} nsec1{l58}
""".split()


@pytest.mark.parametrize("form", MADE)
@pytest.mark.parametrize("text", ["{}", "please use {} for this", '{{"note": "{}"}}', "X-It: {}"])
def test_a_key_that_its_maker_marked_is_hidden_wherever_it_stands(form, text):
    key = made(form)

    assert key[-12:] not in redact_text(text.format(key)).text


IN_TEXT = [
    *(
        "psql postgres://app:{}@db/x",
        "mongodb+srv://u:{}@c.mongodb.net/x",
        "redis://:{}@cache:6379",
    ),
    *("amqp://guest:{}@mq:5672/%2f", "snowflake://u:{}@acct/db", "postgres://a:p/{}@db:5432/x"),
    *("Server=x;User ID=sa;Password={};Encrypt=True", "jdbc:oracle:thin:scott/{}@//h:1521/x"),
    *("sqlplus scott/{}@orcl", "mongosh -u admin -p {} db", "redis-cli -h h -a {} ping"),
    *("docker login -u bob -p {} r.io", "echo {} | docker login --password-stdin r.io"),
    *("echo 'bob:{}' | chpasswd", "openssl rsa -passin pass:{} -in k", "zip -P {} a.zip b"),
    *("7z a -p{} a.7z b", "htpasswd -b f bob {}", "az login -u x -p {} --tenant t"),
    *("aws configure set aws_secret_access_key {}", "PGPASSWORD={} psql -h db"),
    *("MYSQL_PWD={} mysql -u root", "curl -u admin:{} https://x", "wget --http-password={} x"),
    *("machine x\nlogin bob\npassword {}", "SET PASSWORD FOR 'bob' = '{}'"),
    "INSERT INTO users (name, password) VALUES ('bob', '{}')",
    "INSERT INTO t (id, api_key, n)\nVALUES (1, '{}', 2), (2, 'other', 3)",
    *("define('DB_PASSWORD', '{}');", "const token: string = '{}';", 'token := "{}"'),
    *('os.environ["API_KEY"] = "{}"', 'variable "db_password" {{ default = "{}" }}'),
    *(
        "db:\n  password: |\n    {}\n  host: x",
        "password: >-\n  {}\nuser: x",
        "passwords:\n  - {}\n",
    ),
    *('token = """\n{}\n"""', "Password:\n{}", '{{"password":\n  "{}"}}'),
    *("env:\n- name: DB_PASSWORD\n  value: {}", '<add key="ApiKey" value="{}"/>'),
    *("<password><![CDATA[{}]]></password>", '<input type="password" name="p" value="{}">'),
    *("user,password\nbob,{}\n", "user\tpassword\nbob\t{}", "|user|password|\n|---|---|\n|bob|{}|"),
    *("the password is {}", "password is {}, do not share", "the new password will be {}"),
    *("I set the password to {}", "password changed to {}", "log in as bob with password {}"),
    *("using the password {}", "password ({})", "password - {}", "password -> {}", "password → {}"),
    *("credentials: bob / {}", "user: bob pass: {}", "login bob:{}", "creds bob:{}", "pw: {}"),
    *(
        "pass: {}",
        "das Passwort lautet {}",
        "mot de passe : {}",
        "la contraseña es {}",
        "heslo: {}",
    ),
    *("hasło: {}", "пароль: {}", "密码：{}", "パスワード：{}", "비밀번호: {}", "şifre: {}"),
    *("lösenord: {}", "**Password:** {}", "Password: `{}`", "the password is `{}`"),
    *(
        "\x1b[1mpassword\x1b[0m: \x1b[31m{}\x1b[0m",
        "password&#61;{}",
        "&quot;pwd&quot;: &quot;{}&quot;",
    ),
    *("password%3D{}", "%7B%22password%22%3A%20%22{}%22%7D", "%257B%2522token%2522%253A%2522{}"),
    *(
        '{{"\\u0070assword":"{}"}}',
        "pass\u200bword={}",
        "ｐａｓｓｗｏｒｄ：{}",
        "password:\u00a0{}",
    ),
    *("invalid api key: {}", "Incorrect API key provided: {}. You can", "token {} is expired"),
    *("invalid token '{}'", "The access key {} does not exist", 'auth_token="{}" status=401'),
    *(
        "[session={}]",
        "Authorization: SSWS {}",
        "Authorization: GenieKey {}",
        "Authorization: Bot {}",
    ),
    "Authorization: AWS4-HMAC-SHA256 Credential=A/2026/s3, SignedHeaders=host, Signature={}",
    'Authorization: Digest username="bob", response="{}"',
    *("Ocp-Apim-Subscription-Key: {}aaaa", "X-Functions-Key: {}aaaa", "DD-APPLICATION-KEY: {}aaaa"),
    *("Stripe-Signature: t=1,v1={}", "Sec-WebSocket-Protocol: bearer, {}", "Cookie: a=b; sid={}"),
    *("https://x/p?a=1&sid={}", "https://x/p?ticket={}&b=2", "https://x/cb?SAMLResponse={}"),
    *("https://x/cb#access_token={}&t=1", "https://x/?code_verifier={}"),
    *("https://discord.com/api/webhooks/123456789012345678/{}", "https://mm.io/hooks/{}abc"),
    *("https://a.webhook.office.com/webhookb2/{}@x/IncomingWebhook/y", "https://h.io/webhook/{}xy"),
    *(
        "https://hooks.zapier.com/hooks/catch/1/{}/",
        "https://maker.ifttt.com/trigger/e/with/key/{}",
    ),
    *("https://mainnet.infura.io/v3/{}", "https://hook.eu1.make.com/{}"),
    *("WIFI:T:WPA;S:home;P:{};;", "backup codes: {}", "your verification code is {}"),
]


@pytest.mark.parametrize("text", IN_TEXT)
def test_a_secret_is_hidden_by_what_stands_around_it(text):
    written = text.format(WORD)

    for shown in (written, f"Dear all,\n\n{written}\n\nregards, 12"):
        assert WORD not in redact_text(shown).text


@pytest.mark.parametrize("text", IN_TEXT)
def test_a_secret_in_a_string_of_json_is_hidden_as_outside_of_one(text):
    once = json.dumps({"error": text.format(WORD), "code": 7})
    twice = json.dumps(once, ensure_ascii=False)

    for shown in (once, twice, f"answer: {once}"):
        assert WORD not in redact_text(shown).text
    if "&" not in text:  # entities are resolved where one of them hides a secret
        assert json.loads(redact_text(once).text)["code"] == 7


def test_a_string_with_escapes_stays_as_it_is_written():
    text = json.dumps({"a": 'one\n\ttwo "three" \u00e9', "b": "C:\\temp\\new"})

    assert redact_text(text) == (text, 0)


KEY = made("{h64}")


@pytest.mark.parametrize(
    "text",
    [
        "private key: {}",
        "private key 0x{}",
        "AES key: {}",
        "master key is {}",
        "wallet key 0x{}",
        "encryption key {}",
        "HMAC secret {}",
        "seed: {}",
        "sk: {}",
        "invalid token {}",
    ],
)
def test_a_digest_is_a_key_where_it_is_called_one(text):
    assert KEY not in redact_text(text.format(KEY)).text


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "{}  file.tar.gz",
        "commit {}",
        "sha256:{}",
        "digest: {}",
        "cache key: {}",
        "tx 0x{}",
        "nginx@sha256:{}",
        "the checksum is {}",
        "etag={}",
        "primary key {}",
        "h1:{}",
    ],
)
def test_a_digest_stays_where_it_is_called_nothing_of_the_kind(text):
    assert redact_text(text.format(KEY)).hidden == 0


def packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


PEM = "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n".format(made("{a64}"))


@pytest.mark.parametrize(
    "text",
    [
        "admin:s3cr3tPa55w0rd",
        "bob:hunter2",
        "service@acme.com:Xk29-fjQ!",
        PEM,
        '{"user": "bob", "password": "hunter2"}',
        "DB_HOST=x\nDB_PASSWORD=hunter2\n",
        json.dumps({"type": "service_account", "private_key": PEM}),
        packed("bob:hunter2"),
    ],
)
def test_base64_hides_no_secret(text):
    whole = packed(text)

    assert redact_text(whole).text == "[hidden]"
    assert redact_text(f'{{"auth": "{whole}"}}').text == '{"auth": "[hidden]"}'


@pytest.mark.parametrize("text", ["Hello World, this is a test of words", "https://example.com/a"])
def test_other_base64_is_read_and_stays(text):
    assert redact_text(packed(text)).hidden == 0


SEED = "ozone drill grab fiber curtain grace pudding thank cruise elder eight picnic"


@pytest.mark.parametrize(
    "written",
    [
        SEED,
        f"{SEED} {SEED}",
        SEED.replace(" ", "\n"),
        SEED.replace(" ", ", "),
        SEED.title(),
        " ".join(f"{number}. {word}" for number, word in enumerate(SEED.split(), 1)),
    ],
)
@pytest.mark.parametrize("text", ["{}", "my wallet: {}", "what is this? {} (asks 1 of us)"])
def test_a_seed_phrase_is_hidden_however_it_is_written(written, text):
    shown = redact_text(text.format(written)).text

    assert "pudding" not in shown.lower()
    assert shown.startswith(text.partition("{")[0])


@pytest.mark.parametrize(
    "word", ["\ud800", "a\udfffb", "%ED%A0%80", "%FF", "\\ud800", '"\\ud800\\n"']
)
def test_half_a_character_is_no_reason_to_stop(word):
    text = " ".join([word] * 24)

    assert redact_text(text) == (text, 0)
    assert redact_text(f"{text} password: a1b2c3").text.endswith("[hidden]")
    assert redact({word: [word, text]}, []).hidden == 0


def test_a_list_of_a_seed_phrase_is_hidden_and_eleven_words_are_not():
    words = SEED.split()

    assert redact({"a": words}, []).hidden == 12
    assert redact({"a": words[:11], "b": " ".join(words[:11])}, []).hidden == 0


BROKEN = made("ghp_{a36}")


@pytest.mark.parametrize("mark", ["\u200b", "\u200d", "\u00ad", "\ufeff", "\u2060", "\ufe0f"])
def test_a_token_that_is_broken_by_what_does_not_show_is_hidden(mark):
    assert (
        BROKEN[20:]
        not in redact_text(f"t {BROKEN[:10]}{mark}{BROKEN[10:20]}{mark}{BROKEN[20:]}").text
    )


def test_a_token_in_other_letters_or_percent_encoded_is_hidden():
    wide = "".join(chr(ord(c) + 0xFEE0) for c in BROKEN)
    percent = "".join(f"%{ord(c):02X}" for c in BROKEN)

    assert redact_text(f"use {wide}").text == "use [hidden]"
    assert redact_text(f"use {percent} now").text == "use [hidden] now"
    assert redact_text(f"https://x/?q=a%20b&r=t%3Fghp%5F{BROKEN[4:]}%26c").text.endswith(
        "[hidden]%26c"
    )


@pytest.mark.parametrize(
    "value",
    [
        {"argv": ["curl", "-u", f"bob:{WORD}", "x"]},
        {"argv": ["sudo", "/usr/bin/mysql", f"-p{WORD}"]},
        {"argv": ["redis-cli", "-a", WORD]},
        {"fields": [{"name": "password", "default": WORD}]},
        {"fields": [{"key": "api_key", "val": WORD}]},
        {"fields": [{"label": "Password", "text": WORD}]},
        {"element": "Password field", "ref": "e12", "text": WORD},
        {"selector": "#login-password", "text": WORD},
        {"selector": "input[type=password]", "value": WORD},
        {"op": "replace", "path": "/spec/password", "value": WORD},
        {"type": "password", "value": WORD},
        {"columns": ["user", "password"], "rows": [["bob", WORD], ["cat", WORD]]},
        {"fields": ["api_key", "n"], "values": [WORD, 1]},
        {"p\u0430ssword": WORD},
        *({key: WORD} for key in ("pw", "admin_pw", "rootpw", "keypass", "psk", "пароль", "密码")),
        *({key: WORD} for key in ("http_auth", "mfa_code", "recovery_phrase", "key_material")),
        *({key: KEY} for key in ("aes", "seed", "signing", "wif", "sk", "privkey", "hexKey")),
    ],
)
def test_a_value_is_hidden_by_what_stands_beside_it(value):
    shown = repr(redact(parse(json.dumps(value).encode()), []).value)

    assert WORD not in shown
    assert KEY not in shown


@pytest.mark.parametrize(
    "value",
    [
        {"element": "Username field", "text": "alice"},
        {"op": "replace", "path": "/spec/replicas", "value": "3"},
        {"seed": Number("42"), "private": "yes", "signing": "on", "keyboard": "de"},
        {"bypass": "cache", "compass": "north", "secretary": "bob", "tokenizer": "cl100k"},
        {"idempotency_key": "order-2026-1", "partition_key": "tenant-1", "pattern": "x*"},
        {"argv": ["docker", "run", "-p", "8080:80", "-u", "app:staff"]},
        {"argv": ["mysql", "-p", "shop"]},
        {"columns": ["password", "email"]},
        {"columns": ["id", "email"], "rows": [["1", "a@b.example"]], "data": {"a": "b"}},
        {"columns": ["id", "password"], "rows": [["1", None], "a note"], "data": "text"},
        {"columns": ["id", "password"], "rows": [{"id": "1"}, {"id": "2"}]},
        {"sha256": KEY, "Key": f"backups/{KEY}.gz", "image": f"nginx@sha256:{KEY}"},
    ],
)
def test_what_only_looks_like_it_stays(value):
    assert redact(value, []) == (value, 0)


INNOCENT = """
The password must be at least 12 characters long and contain a digit.
Bitte ändern Sie Ihr Passwort regelmäßig, spätestens nach 90 Tagen.
Le mot de passe doit contenir 8 caractères.
Password reset flow: user clicks the link, then chooses a new password.
API key rotation happens every 90 days.
I set the password to expire in 90 days
invalid token at line 12
unexpected token } in JSON at position 1532
Access denied for user 'root'@'localhost' (using password: YES)
session 12 starts at 14:00
pass: 12 fail: 3
boarding pass: gate 12
PIN 13 on the board, exit code is 137, error code is 40001
const token = await nextToken();
if not password: raise ValueError
CREATE TABLE users (id int, password varchar(255), token text)
SELECT password, email FROM users WHERE id = 17
INSERT INTO users (name, password) VALUES ($1, $2)
password: ${DB_PASSWORD}
kubectl delete secret prod-db-2 --namespace shop
docker run -p 8080:80 -u app:staff nginx
git push origin main && echo done-1
Idempotency-Key: order-2026-000000123
Content-Type: application/json; charset=utf-8
https://example.com/keys/overview?page=2&sort=name
https://discord.com/channels/123456789012345678/987654321098765432
https://api.example.com/v2/users/12345678
https://example.com/webhooks/overview
https://registry.example:4873/@scope/package@1.2.3
projects/acme/secrets/db-password/versions/3
user.password.reset.requested at 2026-11-26T12:00:00Z
name,age\nbob,12\ntokens,13
100 % of 20 & 30; 5 %2 a
abandon the ship and act now: about 12 people are able to absorb the access
please send the whole report to the team before noon on friday so they can check it
ratio 16:9, 10:30 is the time, localhost:8080
task-1234567890-abcdefghij sk-learn risk-based re_run pat-a-cake fc-cache as-is-now-2026
AKIA is the prefix of keys, LTAI and AKID are others
MixedCaseIdentifierNumber1 and AbstractFactoryBean2
YWJj is abc
Grüße aus Köln, Nr. 12: „schön“ … ½ ² ﬁ
""".strip().split("\n")


@pytest.mark.parametrize("text", INNOCENT)
def test_what_people_write_every_day_stays(text):
    written = text.replace("\\n", "\n")

    assert redact_text(written) == (written, 0)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "piece",
    [
        *('"\\', '"a\\nb" ', '"\\"', '\\"'),
        "ozone ",
        "ozone 1. ",
        "QUFB",
        "%41",
        "%2541",
        "\u200ba",
        "&#61;",
        "\\u0070",
        "password:\n",
        "password,a\nb,c\n",
        "name: password\nvalue: ",
        "insert into a (password) values ('a'),",
        "('a','b'),",
        "'password','",
        '"password":\n',
        "token to ",
        "login a:",
        "code is 1",
        "a-key: ",
        "authorization: a b=1, ",
        "/hooks/",
        "curl -u ",
        "echo a | ",
        "openssl a -k ",
        "1/12",
    ],
)
def test_hostile_text_of_the_other_kinds_is_read_in_linear_time(piece):
    text = (piece * (262_144 // len(piece) + 1))[:262_144]

    redact_text(text)
    redact_text("password: " + text)
    redact_text(text + "\nINSERT INTO t (token) VALUES " + text[:100_000])

"""Keys are fetched beside the calls, no oftener than it needs, and kept while nobody answers."""

import asyncio
import json

import aiohttp
import pytest
from aiohttp import web
from gateway_stage import until
from token_issuer import EC_KEY, RSA_KEY, jwk

from gateway.identity.issuer_keys import IssuerKeys, Renewal, fetched, read
from gateway.identity.jwks import LARGEST, UnreadableKeys
from policies.configuration.identity_settings import IssuerSection

SECTION = IssuerSection.model_validate(
    {"issuer": "https://login.acme.example/", "jwks": {"file": "keys.json"}}
)
SELDOM = Renewal(every=3600, again=3600, patience=60)


@pytest.fixture
async def http():
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield session


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def keeping(issuer, http, clock):
    """Give what makes keys of the issuer, and ends their tasks."""
    made = []

    def keep(renewal=SELDOM):
        keys = IssuerKeys(
            "acme", SECTION, lambda: fetched(http, f"{issuer.url}/keys"), renewal, clock
        )
        made.append(keys)
        keys.start()
        return keys

    yield keep
    for keys in made:
        await keys.close()


async def known(keys):
    async def there():
        return keys.current

    return await until(there)


async def test_keys_are_fetched_at_the_start(issuer, keeping):
    keys = keeping()

    assert keys.trouble() == "the keys of issuer `acme` cannot be had: they were not fetched yet"
    found = await known(keys)

    assert len(found.fitting("rsa", "RS256")) == 1
    assert (keys.trouble(), issuer.asked) == (None, 1)


async def test_a_key_that_is_new_is_there_after_one_more_fetch(issuer, keeping):
    keys = keeping()
    await known(keys)
    issuer.keys.append(jwk(RSA_KEY, "new"))

    await keys.renewed()

    assert len(keys.current.fitting("new", "RS256")) == 1
    assert issuer.asked == 2


async def test_however_many_keys_are_not_known_the_issuer_is_asked_once_in_a_while(
    issuer, keeping, clock
):
    keys = keeping()
    await known(keys)

    await asyncio.gather(*(keys.renewed() for _ in range(100)))
    for _ in range(100):
        await keys.renewed()
    clock.now += 29.9
    await keys.renewed()
    asked = issuer.asked
    clock.now += 0.2
    await keys.renewed()

    assert (asked, issuer.asked) == (2, 3)


async def test_whoever_waits_for_an_issuer_that_hangs_waits_no_longer_than_patience(
    issuer, keeping
):
    keys = keeping(Renewal(every=3600, again=3600, patience=0.01))
    await known(keys)
    issuer.gate.clear()

    await keys.renewed()

    assert keys.current is not None


async def test_a_key_that_is_new_since_a_fetch_began_is_fetched_by_the_next():
    begun, answers = asyncio.Event(), asyncio.Queue()

    async def fetch():
        begun.set()
        return json.dumps({"keys": await answers.get()}).encode()

    keys = IssuerKeys("acme", SECTION, fetch, Renewal(every=0.01, again=3600, patience=60))
    keys.start()
    answers.put_nowait([jwk(RSA_KEY, "old")])
    await known(keys)
    begun.clear()
    await begun.wait()

    renewing = asyncio.create_task(keys.renewed())
    await asyncio.sleep(0)
    answers.put_nowait([jwk(RSA_KEY, "old")])
    answers.put_nowait([jwk(RSA_KEY, "old"), jwk(RSA_KEY, "new")])
    await renewing

    assert len(keys.current.fitting("new", "RS256")) == 1
    await keys.close()


async def test_no_more_than_a_crowd_waits_for_an_issuer_that_hangs(issuer, keeping):
    keys = keeping(Renewal(every=3600, again=3600, patience=3600, crowd=2))
    await known(keys)
    issuer.gate.clear()

    waiting = [asyncio.create_task(keys.renewed()) for _ in range(5)]
    done, held = await asyncio.wait(waiting, timeout=0.1)
    issuer.gate.set()
    await asyncio.gather(*held)
    issuer.gate.clear()

    assert (len(done), len(held)) == (3, 2)


async def test_keys_stay_while_the_issuer_is_away_but_not_for_ever(issuer, keeping, clock):
    keys = keeping(Renewal(every=3600, again=3600, patience=60, apart=0, keep=600))
    await known(keys)
    await issuer.close()

    await keys.renewed()
    kept, fine = keys.current, keys.trouble()
    clock.now += 600

    assert (kept is not None, fine) == (True, None)
    assert keys.current is None
    assert "the keys of issuer `acme` cannot be had: Cannot connect" in keys.trouble()


async def test_an_issuer_that_was_away_is_asked_again_by_itself(issuer, keeping):
    port = int(issuer.url.rpartition(":")[2])
    await issuer.close()
    keys = keeping(Renewal(every=3600, again=0.01))

    async def tried():
        return "Cannot connect" in (keys.trouble() or "")

    await until(tried)
    await issuer.start(port)

    assert await known(keys)


async def test_the_same_keys_are_the_same_object_and_others_are_not(issuer, keeping):
    keys = keeping(Renewal(every=3600, again=3600, patience=60, apart=0))
    first = await known(keys)

    await keys.renewed()
    second = keys.current
    issuer.keys = [jwk(EC_KEY, "ec")]
    await keys.renewed()

    assert second is first
    assert keys.current is not first
    assert keys.current.fitting("rsa", "RS256") == ()


@pytest.mark.parametrize("text", [b"", b"{}", b"<html>", b'{"keys": []}'])
async def test_an_answer_that_is_no_keys_changes_nothing(issuer, keeping, text):
    keys = keeping(Renewal(every=3600, again=3600, patience=60, apart=0))
    first = await known(keys)

    async def odd(_):
        return web.Response(body=text)

    issuer.reply = odd
    await keys.renewed()

    assert keys.current is first


async def answered(issuer, http, response):
    async def reply(_):
        return response

    issuer.reply = reply
    return await fetched(http, f"{issuer.url}/keys")


async def test_a_redirect_is_not_followed(issuer, http):
    moved = web.Response(status=302, headers={"Location": f"{issuer.url}/elsewhere"})

    with pytest.raises(UnreadableKeys, match="answers with HTTP 302"):
        await answered(issuer, http, moved)

    assert issuer.asked == 1


async def test_an_answer_is_read_to_256_kib_and_no_further(issuer, http):
    large = web.Response(body=b" " * (LARGEST + 1))

    with pytest.raises(UnreadableKeys, match="is larger than 262144 bytes"):
        await answered(issuer, http, large)

    assert len(await answered(issuer, http, web.Response(body=b" " * LARGEST))) == LARGEST


async def test_an_answer_without_end_is_given_up(issuer, http):
    async def endless(request):
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" " * 65536)

    issuer.reply = endless

    with pytest.raises(UnreadableKeys, match="is larger"):
        await fetched(http, f"{issuer.url}/keys")


async def test_a_packed_answer_is_not_unpacked(issuer, http):
    packed = web.Response(body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})

    with pytest.raises(UnreadableKeys, match="answers with what is packed"):
        await answered(issuer, http, packed)


async def test_a_file_of_keys_is_read_anew(tmp_path):
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": [jwk(RSA_KEY, "rsa")]}))
    renewal = Renewal(every=3600, again=3600, patience=60)
    keys = IssuerKeys("acme", SECTION, lambda: read(file), renewal)
    keys.start()
    await known(keys)
    file.write_text(json.dumps({"keys": [jwk(RSA_KEY, "new")]}))

    await keys.renewed()

    assert len(keys.current.fitting("new", "RS256")) == 1
    await keys.close()


async def test_a_file_that_is_too_large_or_not_there_is_told_so(tmp_path):
    (tmp_path / "large.json").write_bytes(b" " * (LARGEST + 1))

    with pytest.raises(UnreadableKeys, match="is larger"):
        await read(tmp_path / "large.json")
    with pytest.raises(FileNotFoundError):
        await read(tmp_path / "none.json")

"""Who gets at the page and the control API: holders of the token, from this address only."""

import pytest
from aiohttp import ClientSession, CookieJar
from small_workspace import ALICE, BOT_TOKEN, GENERAL
from yarl import URL

POSTS = ("{place}act", "/control/act", "/control/do")
READS = (
    "/",
    "{place}",
    "{place}feed",
    "{place}static/main.js",
    "/control/messages",
    "/control/requests",
)


def origin(local):
    return f"http://127.0.0.1:{local.access.port}"


def home(local):
    return origin(local) + local.access.place


def at(local, path):
    return origin(local) + path.format(place=local.access.place)


def bearer(local):
    return {"Authorization": f"Bearer {local.access.token}"}


@pytest.fixture
async def browser():
    """Keep cookies as a browser does."""
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        yield session


@pytest.fixture
async def entered(browser, local):
    """Have come in by the printed address."""
    async with browser.get(local.page_url) as page:
        assert page.status == 200
    return browser


@pytest.mark.parametrize("path", READS)
async def test_nothing_is_shown_without_the_token(browser, local, path):
    async with browser.get(at(local, path)) as answer:
        assert answer.status == 401
        assert "address with its token" in await answer.text()


@pytest.mark.parametrize("path", POSTS)
async def test_nothing_is_done_without_the_token(browser, local, path):
    asked = {"json": {"user": ALICE}, "headers": {"Origin": origin(local)}}

    async with browser.post(at(local, path), **asked) as answer:
        assert answer.status == 401


async def test_a_wrong_token_opens_nothing(browser, local):
    async with browser.get(f"{origin(local)}/?token=guess", allow_redirects=False) as answer:
        assert answer.status == 401
        assert "Set-Cookie" not in answer.headers


async def test_the_token_is_exchanged_for_a_cookie_and_leaves_the_address(browser, local):
    async with browser.get(local.page_url, allow_redirects=False) as answer:
        cookie = answer.headers["Set-Cookie"]

        assert answer.status == 303
        assert answer.headers["Location"] == local.access.place
    assert cookie.startswith(f"placet_workspace_{local.access.port}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert f"Path={local.access.place}" in cookie
    assert local.access.token not in cookie


async def test_the_cookie_shows_the_page(entered, local):
    async with entered.get(home(local)) as page:
        assert page.status == 200
        assert "Local workspace" in await page.text()


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "0.0.0.0:{port}"]
)
async def test_another_host_name_is_refused(entered, local, host):
    headers = {"Host": host.format(port=local.access.port)}

    async with entered.get(f"{home(local)}feed", headers=headers) as answer:
        assert answer.status == 403


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("given", ["http://evil.example", "null", "http://127.0.0.1:1", ""])
async def test_another_origin_does_nothing_even_with_cookie_and_token(entered, local, path, given):
    headers = {"Origin": given} | bearer(local)

    async with entered.post(at(local, path), json={}, headers=headers) as answer:
        assert answer.status == 403


async def test_another_origin_reads_nothing_even_with_the_cookie(entered, local):
    headers = {"Origin": "http://evil.example"}

    async with entered.get(f"{home(local)}feed", headers=headers) as answer:
        assert answer.status == 403


async def test_a_cross_site_request_without_origin_reads_nothing(entered, local):
    headers = {"Sec-Fetch-Site": "cross-site"}

    async with entered.get(f"{home(local)}static/main.js", headers=headers) as answer:
        assert answer.status == 403


async def test_the_cookie_alone_does_nothing_without_an_origin(entered, local):
    asked = {"do": "say", "user": ALICE, "channel": GENERAL, "text": "forged"}

    async with entered.post(f"{home(local)}act", json=asked) as answer:
        assert answer.status == 403
    assert await local.messages(GENERAL) == []


async def test_the_page_acts_with_its_cookie_and_its_origin(entered, local):
    asked = {"do": "say", "user": ALICE, "channel": GENERAL, "text": "hello"}

    async with entered.post(
        f"{home(local)}act", json=asked, headers={"Origin": origin(local)}
    ) as answer:
        assert answer.status == 200
    assert [each["text"] for each in await local.messages(GENERAL)] == ["hello"]


@pytest.mark.parametrize("path", ["/control/messages?channel=C0GENERAL", "/control/requests"])
async def test_the_control_api_takes_the_token_only_not_the_cookie(entered, browser, local, path):
    async with entered.get(origin(local) + path) as by_cookie:
        assert by_cookie.status == 401
    async with browser.get(origin(local) + path, headers=bearer(local)) as by_token:
        assert by_token.status == 200


async def test_the_cookie_is_not_sent_to_what_else_listens_on_this_machine(entered, local):
    jar = entered.cookie_jar

    here = jar.filter_cookies(URL(home(local)))
    elsewhere = jar.filter_cookies(URL("http://127.0.0.1:3000/"))

    assert list(here) == [local.access.cookie]
    assert list(elsewhere) == []


async def test_a_program_with_the_token_acts_without_a_page(browser, local):
    asked = {"do": "say", "user": ALICE, "channel": GENERAL, "text": "hello"}

    async with browser.post(f"{local.control_url}act", json=asked, headers=bearer(local)) as answer:
        assert answer.status == 200
    assert [each["text"] for each in await local.messages(GENERAL)] == ["hello"]


async def test_slacks_tokens_open_no_page(browser, local):
    headers = {"Authorization": f"Bearer {BOT_TOKEN}"}

    async with browser.get(f"{origin(local)}/", headers=headers) as answer:
        assert answer.status == 401


async def test_every_answer_forbids_what_could_run_or_frame_it(entered, local):
    for path in ("", "static/main.js", "static/nothing.js", "feed", "nowhere"):
        async with entered.get(home(local) + path) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "script-src 'self'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "name", ["..%2fserver.py", "%2e%2e%2fserver.py", "..%5cserver.py", "%2fetc%2fpasswd", "main.py"]
)
async def test_only_the_pages_own_files_are_served(entered, local, name):
    async with entered.get(f"{home(local)}static/{name}") as answer:
        assert answer.status in {403, 404}


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"{", 400),
        (b'{"do": "explode", "user": "U0ALICE"}', 400),
        (b'{"do": "say", "user": "U0ALICE", "channel": [], "text": "x"}', 400),
        (b'{"do": "say", "user": "U0ALICE", "channel": "C0GENERAL", "text": ""}', 400),
        (b'{"do": "submit", "user": "U0ALICE", "view": "V1", "hidden": true}', 400),
        (b'{"do": "submit", "user": "U0ALICE", "view": "V1"}', 409),
        (b'{"do": "say", "user": "U0NOBODY", "channel": "C0GENERAL", "text": "x"}', 409),
    ],
)
async def test_nonsense_is_answered_not_obeyed(entered, local, asked, status):
    headers = {"Origin": origin(local), "Content-Type": "application/json"}

    async with entered.post(f"{home(local)}act", data=asked, headers=headers) as answer:
        assert answer.status == status
        assert "impossible" in await answer.json()

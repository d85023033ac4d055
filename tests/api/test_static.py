"""The console itself: its page, its packed files, a session that opens in a browser."""

import gzip
import re

import pytest


@pytest.fixture(scope="module")
def script(http):
    page = http.get("/")
    assert page.headers["content-type"].startswith("text/html")
    (found,) = re.findall(r'src="\./(static/js/index\.[^"]+\.js)"', page.text)
    return f"/{found}"


def fetch(http, path, encoding="identity", method="GET", **headers):
    with http.stream(method, path, headers={"accept-encoding": encoding} | headers) as answer:
        return answer, b"".join(answer.iter_raw())


def test_files_come_packed_and_whole(http, script):
    plain, body = fetch(http, script)
    assert "content-encoding" not in plain.headers
    assert int(plain.headers["content-length"]) == len(body) > 100_000
    for encoding in ("gzip", "br, gzip;q=0.5", "*"):
        answer, packed = fetch(http, script, encoding)
        assert answer.headers["content-encoding"] == "gzip"
        assert int(answer.headers["content-length"]) == len(packed) < len(body) / 2
        assert gzip.decompress(packed) == body
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers["content-type"] == plain.headers["content-type"]
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["etag"] != plain.headers["etag"]


@pytest.mark.parametrize("encoding", ["identity", "", "br", "gzip;q=0", "deflate"])
def test_who_takes_no_gzip_gets_none(http, script, encoding):
    answer, body = fetch(http, script, encoding)
    assert "content-encoding" not in answer.headers
    assert len(body) == int(answer.headers["content-length"])


def test_head_says_what_get_would(http, script):
    for encoding in ("gzip", "identity"):
        got, _ = fetch(http, script, encoding)
        head, body = fetch(http, script, encoding, "HEAD")
        assert body == b""
        assert head.status_code == 200
        assert head.headers["content-length"] == got.headers["content-length"]


def test_a_range_is_of_the_plain_file(http, script):
    _, whole = fetch(http, script)
    answer, part = fetch(http, script, "gzip", range="bytes=10-19")
    assert (answer.status_code, part) == (206, whole[10:20])
    assert "content-encoding" not in answer.headers


def test_an_unchanged_file_is_not_sent_again(http, script):
    for encoding in ("gzip", "identity"):
        first, _ = fetch(http, script, encoding)
        again, body = fetch(http, script, encoding, **{"if-none-match": first.headers["etag"]})
        assert (again.status_code, body) == (304, b"")


def test_a_file_that_is_not_there_gets_the_frame_and_is_not_kept(http):
    for _ in range(2):
        answer, body = fetch(http, "/static/js/none.js", "gzip")
        assert answer.headers["cache-control"] == "no-cache"
        assert b"<html" in (gzip.decompress(body) if "content-encoding" in answer.headers
                            else body)


def test_a_session_opens_in_a_browser(console, chromium):
    with chromium.new_context() as context:
        page = context.new_page()
        with page.expect_websocket() as opened:
            page.goto(console.url)
        assert opened.value.url.endswith("/_stcore/stream")
        page.get_by_text("Overview").first.wait_for(timeout=120_000)

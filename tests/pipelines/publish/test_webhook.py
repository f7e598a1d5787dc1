"""News posted to a real HTTP server that verifies it as docs/webhook.md says, and may be down, slow or full."""

import datetime as dt
import json
import re
import threading
import time
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import polars as pl
import pytest

from configs.errors import NightquestError
from pipelines.publish.deliver import send_night
from pipelines.publish.published import MANIFEST, nights_in, published_root
from pipelines.publish.sinks import sinks, webhook
from tests.flows.server.looks import wait_for
from tests.pipelines.publish.night_rows import AS_OF, USER_IDS, contacts_of
from tests.pipelines.publish.nights import nights, put_out

PAGE = (Path(__file__).parents[3] / "docs" / "webhook.md").read_text(encoding="utf-8")
(RECEIVER,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
LATE = "late"
SECRET = "whsec_" + re.findall(r'b64decode\("(.*?)"\)', PAGE)[0]


class Receiver:
    """The page's receiver behind a real server; `script` is what it first does: a status, LATE, or raw bytes."""

    def __init__(self):
        self.script, self.requests, self.pushed, self.headers = [], [], [], {}
        self.closing = threading.Event()
        program = {"push": lambda *row: self.pushed.append(row)}
        exec(compile(RECEIVER, "page", "exec"), program)  # noqa: S102 (our own page)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append((self.headers["Webhook-Id"], json.loads(body)))
                does = receiver.script.pop(0) if receiver.script else None
                status = does if isinstance(does, int) else program["receive"](self.headers, body)
                if does == LATE:
                    receiver.closing.wait()
                    return
                if isinstance(does, bytes):  # a line at once, and of the last one a byte at a time
                    self.close_connection = True
                    lines, _, rest = does.rpartition(b"\n")
                    for part in (lines + b"\n" if lines else b"", *(bytes([byte]) for byte in rest)):
                        with suppress(OSError):
                            self.wfile.write(part)
                        receiver.closing.wait(0.1)
                    return
                self.send_response(status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}/news?from=secret-path"

    def close(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(name="receiver")
def _receiver():
    with closing(Receiver()) as receiver:
        yield receiver


@pytest.fixture(name="home", scope="module")
def _home(tmp_path_factory):
    """A night, and a second revision of it with the same news."""
    home = tmp_path_factory.mktemp("nights")
    with nights(home, AS_OF) as warehouse:
        challenges = pl.read_parquet(folder(home, 0) / "challenges.parquet")
        put_out(warehouse, home, AS_OF, revision=2, challenges=challenges)
    return home


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(webhook, "_WAITS_S", (0.01, 0.02, 0.03, 0.04))
    monkeypatch.setattr(webhook, "_ROWS", 2)  # a file comes in several parts


def folder(home, at):
    return nights_in(published_root(home, "toy"))[at][2]


def send(receiver, night, **options):
    return send_night(
        "webhook", night, {"url": receiver.url, "secret": SECRET, **options}, lambda: dt.datetime.now(dt.UTC)
    )


def test_each_player_gets_what_is_new_signed_in_batches(receiver, home):
    assert "5 pieces of news in 3 requests" in send(receiver, folder(home, 0), batch="2")
    assert [len(body["items"]) for _, body in receiver.requests] == [2, 2, 1]
    assert sorted(row[:2] for row in receiver.pushed) == sorted(
        [(user, "challenge") for user in USER_IDS[:-1]] + [(USER_IDS[-1], "message")]
    )
    ask = receiver.requests[0][1]["items"][0]
    assert ask["id"] == f"toy/challenge/{ask['data']['content_id']}"
    assert ask["data"]["requirements"] == [{"metric": "solved", "op": ">=", "target": 3.0, "window_days": 1}]
    assert (ask["expires_on"], ask["data"]["is_new"]) == (str(AS_OF), True)
    assert (receiver.requests[0][1]["as_of"], receiver.requests[0][1]["app"]) == (str(AS_OF), "toy")


def test_who_is_left_alone_hears_nothing_and_others_are_told_when_they_may_be(receiver, tmp_path):
    with nights(tmp_path, AS_OF) as warehouse:
        put_out(warehouse, tmp_path, AS_OF, revision=2, contacts=contacts_of(*USER_IDS[:2]))
    assert "4 pieces of news" in send(receiver, folder(tmp_path, 1))
    (_, body), *_ = receiver.requests
    told = {item["user_id"]: (item["send_after"], item["send_before"]) for item in body["items"]}
    assert USER_IDS[0] not in told
    assert told.pop(USER_IDS[1]) == (f"{AS_OF}T12:00:00.000000Z", f"{AS_OF}T15:00:00.000000Z")
    assert set(told.values()) == {(None, None)}


def test_what_fails_for_a_moment_is_tried_again_and_nobody_gets_anything_twice(receiver, home):
    receiver.script = [503, LATE, 429]  # the second is taken
    send(receiver, folder(home, 0), batch="3", timeout_s="4")
    assert len(receiver.requests) == 3 + 3
    assert [message for message, _ in receiver.requests[:4]] == [receiver.requests[0][0]] * 4
    send(receiver, folder(home, 0), batch="3")  # killed before its receipt was kept
    send(receiver, folder(home, 1), batch="3")  # a revision, with the same news
    assert len(receiver.pushed) == len(set(map(str, receiver.pushed))) == len(USER_IDS)


@pytest.mark.parametrize(
    ("script", "why", "tries"),
    [
        ([401], "401 Unauthorized. Give both sides the same secret", 1),
        ([404], "404 Not Found. Correct its url", 1),
        ([413], "413 .*Set its option batch to less", 1),
        ([301], "301 Moved Permanently. Give the address that it leads to", 1),
        ([500] * 9, "500 Internal Server Error", 5),
        ([LATE] * 9, "no answer in time", 5),
        ([b"HTTP/1.1 200 OK"] * 9, "no answer in time", 5),  # a byte now and then is no answer either
        ([b"SSH-2.0 hello\n"] * 9, "reached: what it answers is no HTTP", 5),
    ],
)
def test_a_receiver_that_does_not_take_it_is_told_without_a_secret(receiver, home, script, why, tries):
    receiver.script = script
    with pytest.raises(NightquestError, match=why) as told:
        send(receiver, folder(home, 0), timeout_s="60" if isinstance(script[0], int) else "0.3")
    wait_for(lambda: len(receiver.requests) >= tries)  # it may still be reading what was sent
    assert len(receiver.requests) == tries
    assert not any(secret in str(told.value) for secret in (SECRET[6:], "secret-path"))


def test_what_follows_a_status_that_takes_it_is_not_waited_for(receiver, home):
    receiver.script = [b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + b"x" * 900] * 3
    begun = time.monotonic()
    assert "5 pieces of news in 3 requests" in send(receiver, folder(home, 0), batch="2", timeout_s="60")
    assert time.monotonic() - begun < 45  # the three would take 270 s


def test_another_secret_is_refused_and_nothing_is_taken(receiver, home):
    with pytest.raises(NightquestError, match="401"):
        send(receiver, folder(home, 0), secret=SECRET.lower()[6:])
    assert receiver.pushed == []


def test_a_receiver_that_asks_for_time_gets_it(receiver, home, monkeypatch):
    waits = []
    monkeypatch.setattr(time, "sleep", waits.append)
    receiver.script, receiver.headers = [429, 503], {"Retry-After": "7"}
    send(receiver, folder(home, 0))
    assert waits == [7.0, 7.0]


def test_one_that_is_away_is_told_and_found_out_beforehand(receiver, home):
    assert sinks()["webhook"].probe({"url": receiver.url, "secret": SECRET}) is None
    receiver.close()
    for ask in (
        lambda: send(receiver, folder(home, 0)),
        lambda: sinks()["webhook"].probe({"url": receiver.url, "secret": SECRET}),
    ):
        with pytest.raises(NightquestError, match=r"http://127.0.0.1:\d+ cannot be reached: .*refused"):
            ask()
    assert receiver.requests == []
    receiver.server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)  # for the fixture to close
    threading.Thread(target=receiver.server.serve_forever, args=(0.01,), daemon=True).start()


def test_a_night_that_is_only_to_be_looked_at_brings_no_news(receiver, home, tmp_path):
    late = tmp_path / "2024-01-10"
    late.mkdir()
    for path in folder(home, 0).iterdir():
        (late / path.name).write_bytes(path.read_bytes())
    told = json.loads((late / MANIFEST).read_text())
    (late / MANIFEST).write_text(json.dumps({**told, "issued": False}))
    assert "0 pieces of news" in send(receiver, late)
    assert receiver.requests == []


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"url": "ftp://x"}, "an url that cannot be used"),
        ({"url": "https://user:hidden-one@x/"}, "an url that cannot be used"),
        ({"secret": "short"}, "a secret that is too short"),
        ({"secret": "whsec_!!"}, "a secret that is too short or no base64"),
        ({"batch": "0"}, "'0' for batch"),
        ({"timeout_s": "soon"}, "'soon' for timeout_s"),
    ],
)
def test_an_option_that_cannot_be_is_told(receiver, home, options, why):
    with pytest.raises(NightquestError, match=why) as told:
        send(receiver, folder(home, 0), **options)
    assert "hidden-one" not in str(told.value)

"""A destination is one new file: found by its name, delivered to once, and tried again after it was down."""

import datetime as dt
import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import SecretStr

from configs.errors import NightquestError
from pipelines.publish import sinks
from pipelines.publish.deliver import deliver_due, send_night
from pipelines.publish.outbox import ask_again, find_due, is_due, queue
from pipelines.publish.published import MANIFEST, nights_in, published_root
from pipelines.publish.sinks import chosen_for, sink_problem
from tests.pipelines.publish.night_rows import AS_OF
from tests.pipelines.publish.nights import nights

HTTP = '''
"""A server that takes nights over HTTP."""

import urllib.request

OPTIONS = {"url": "where to", "token": "who we are"}
SECRETS = ("token",)


def deliver(night, options):
    """Post the manifest under the night's key."""
    headers = {"Idempotency-Key": night.key, "Authorization": options["token"]}
    body = (night.folder / "manifest.json").read_bytes()
    request = urllib.request.Request(options["url"], body, headers)
    with urllib.request.urlopen(request, timeout=120) as answer:
        return answer.read().decode()
'''
NOW = dt.datetime(2024, 1, 10, 4, tzinfo=dt.UTC)
NEXT = AS_OF + dt.timedelta(days=1)


class Server:
    """A real HTTP server; `address` stays when it is down."""

    def __init__(self):
        self.taken: list[str] = []
        self.status = 200
        self._server = None
        self.start()

    def start(self, port=0):
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                if server.status == 200:
                    server.taken.append(self.headers["Idempotency-Key"])
                self.send_response(server.status)
                self.end_headers()
                self.wfile.write(f"receipt {len(server.taken)}".encode())

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}/nights"

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(name="server")
def _server():
    server = Server()
    yield server
    server.stop()


@pytest.fixture(name="files")
def _files(tmp_path, monkeypatch):
    """A folder whose files are among those of the destinations."""
    folder = tmp_path / "sinks"
    folder.mkdir()
    monkeypatch.setattr(sinks, "__path__", [*sinks.__path__, str(folder)])
    return folder


def run(warehouse, home, chosen, night=None):
    return deliver_due(warehouse, home, "toy", chosen, lambda: NOW, send_night, night)


def outbox(warehouse):
    return warehouse.rows("SELECT as_of, sink, receipt, tries, error FROM outbox ORDER BY ALL")


def test_a_new_file_is_delivered_to_and_never_again_once_it_gave_a_receipt(files, server, tmp_path):
    (files / "post.py").write_text(HTTP)
    chosen = {"post": {"url": server.address, "token": "t"}}
    with nights(tmp_path, AS_OF) as warehouse:
        first = run(warehouse, tmp_path, chosen)
        assert first.done == [("post", f"{AS_OF}", "receipt 1")]
        again = run(warehouse, tmp_path, chosen)
        assert (again.done, again.failed) == ([], [])
        assert not is_due(warehouse, tmp_path, "toy", ["post"])
        assert outbox(warehouse) == [(AS_OF, "post", "receipt 1", 1, None)]
    assert len(server.taken) == 1
    assert server.taken[0].startswith(f"toy/{AS_OF}/")


def test_a_destination_that_lost_what_it_took_gets_the_newest_night_again_and_an_unknown_one_is_told(
    files, server, tmp_path
):
    (files / "post_again.py").write_text(HTTP)
    chosen = {"post_again": {"url": server.address, "token": "t"}}
    with nights(tmp_path, AS_OF, NEXT) as warehouse:
        run(warehouse, tmp_path, chosen, (AS_OF, 1))
        ask_again(warehouse, tmp_path, "toy", chosen, "post_again")
        assert [folder for _, folder, _ in run(warehouse, tmp_path, chosen).done] == [str(NEXT)]
        with pytest.raises(NightquestError, match="no destination 'post': NIGHTQUEST_SINKS names post_again"):
            ask_again(warehouse, tmp_path, "toy", chosen, "post")
    assert [key.split("/")[1] for key in server.taken] == [str(AS_OF), str(NEXT), str(NEXT)]


def test_what_was_down_is_tried_again_by_the_next_run_and_gets_every_night_once_in_order(files, server, tmp_path):
    (files / "post_later.py").write_text(HTTP)
    chosen = {"post_later": {"url": server.address, "token": "t"}}
    server.stop()
    with nights(tmp_path, AS_OF, NEXT) as warehouse:
        down = run(warehouse, tmp_path, chosen, (AS_OF, 1))
        assert down.done == []
        (told,) = down.failed
        assert "Not delivered to post_later: 2 nights from 2024-01-10 on" in told
        assert "nightquest deliver" in told
        assert is_due(warehouse, tmp_path, "toy", ["post_later"])
        server.start(server.port)
        server.status = 503
        assert "503" in run(warehouse, tmp_path, chosen).failed[0]
        server.status = 200
        up = run(warehouse, tmp_path, chosen)
        assert (len(up.done), up.failed) == (2, [])
        assert [row[2:4] for row in outbox(warehouse)] == [("receipt 1", 3), ("receipt 2", 3)]
    assert [key.split("/")[1] for key in server.taken] == [str(AS_OF), str(NEXT)]


def test_a_delivery_that_was_killed_before_its_receipt_was_kept_is_done_again(files, server, tmp_path):
    (files / "post_killed.py").write_text(HTTP)
    chosen = {"post_killed": {"url": server.address, "token": "t"}}

    def killed(*args):
        send_night(*args)
        raise KeyboardInterrupt

    with nights(tmp_path, AS_OF) as warehouse:
        queue(warehouse, tmp_path, "toy", chosen)
        with pytest.raises(KeyboardInterrupt):
            deliver_due(warehouse, tmp_path, "toy", chosen, lambda: NOW, killed)
        assert len(find_due(warehouse, chosen)) == 1
        assert run(warehouse, tmp_path, chosen).failed == []
    assert len(set(server.taken)) == 1  # by its key the destination knows it
    assert len(server.taken) == 2


def test_a_night_killed_between_going_out_and_being_written_down_is_delivered_by_the_next(files, server, tmp_path):
    (files / "post.py").write_text(HTTP)
    with nights(tmp_path, AS_OF, NEXT) as warehouse:  # the first was never queued
        run(warehouse, tmp_path, {"post": {"url": server.address, "token": "t"}}, (NEXT, 1))
    assert [key.split("/")[1] for key in server.taken] == [str(AS_OF), str(NEXT)]


def test_one_destination_that_is_down_keeps_no_other_from_its_night(files, server, tmp_path):
    (files / "post_down.py").write_text(HTTP)
    (tmp_path / "second").mkdir()
    server.status = 500
    chosen = {"folder": {"to": str(tmp_path / "second")}, "post_down": {"url": server.address, "token": "t"}}
    with nights(tmp_path, AS_OF) as warehouse:
        result = run(warehouse, tmp_path, chosen)
    assert [sink for sink, *_ in result.done] == ["folder"]
    assert len(result.failed) == 1


def test_a_secret_never_stands_in_what_is_told(files, tmp_path):
    (files / "leaky.py").write_text(
        'OPTIONS = {"dsn": "where"}\nSECRETS = ("dsn",)\n\n\ndef deliver(night, options):\n'
        '    raise RuntimeError("cannot reach " + options["dsn"])\n'
    )
    with nights(tmp_path, AS_OF) as warehouse:
        (told,) = run(warehouse, tmp_path, {"leaky": {"dsn": "user:hunter2@db"}}).failed
        assert "hunter2" not in told + str(outbox(warehouse))
    assert "cannot reach ***" in told


def test_a_secret_that_is_empty_changes_nothing_of_what_is_told(files, tmp_path):
    (files / "leaky.py").write_text(
        'OPTIONS = {"dsn": "where"}\nSECRETS = ("dsn",)\n\n\ndef deliver(night, options):\n'
        '    raise RuntimeError("cannot reach it")\n'
    )
    with nights(tmp_path, AS_OF) as warehouse:
        (told,) = run(warehouse, tmp_path, {"leaky": {"dsn": ""}}).failed
    assert "is not told 'dsn'" in told


def test_the_folder_gets_whole_nights_and_latest_json_names_the_newest(tmp_path):
    (tmp_path / "second").mkdir()
    chosen, to = {"folder": {"to": str(tmp_path / "second")}}, tmp_path / "second" / "toy"
    with nights(tmp_path, AS_OF, NEXT) as warehouse:
        run(warehouse, tmp_path, chosen)
        assert json.loads((to / "latest.json").read_text())["as_of"] == str(NEXT)  # a new one gets the newest alone
        run(warehouse, tmp_path, chosen, (AS_OF, 1))
    assert json.loads((to / "latest.json").read_text())["as_of"] == str(NEXT)
    home = published_root(tmp_path, "toy")
    for day in (AS_OF, NEXT):
        for path in (home / str(day)).iterdir():
            assert (to / str(day) / path.name).read_bytes() == path.read_bytes()
    assert sorted(path.name for path in to.iterdir()) == [str(AS_OF), str(NEXT), "latest.json"]


def test_a_copy_that_was_cut_short_or_damaged_is_made_anew(tmp_path):
    (tmp_path / "second").mkdir()
    chosen, to = {"folder": {"to": str(tmp_path / "second")}}, tmp_path / "second" / "toy"
    with nights(tmp_path, AS_OF) as warehouse:
        run(warehouse, tmp_path, chosen)
        night = to / str(AS_OF)
        (night / "badges.parquet").write_bytes(b"half")
        (to / f".staging-{AS_OF}").mkdir()
        warehouse.run("UPDATE outbox SET receipt = NULL")
        assert run(warehouse, tmp_path, chosen).failed == []
    source = nights_in(published_root(tmp_path, "toy"))[0][2]
    assert (night / "badges.parquet").read_bytes() == (source / "badges.parquet").read_bytes()
    assert sorted(path.name for path in to.iterdir()) == [str(AS_OF), "latest.json"]


@pytest.mark.parametrize("fault", ["not there", "its own", "another night"])
def test_a_folder_that_cannot_take_a_night_says_why_and_is_left_as_it_was(tmp_path, fault):
    to = {"not there": tmp_path / "mnt", "its own": tmp_path / "published"}.get(fault, tmp_path / "second")
    with nights(tmp_path, AS_OF) as warehouse:
        if fault == "another night":
            (to / "toy" / str(AS_OF)).mkdir(parents=True)
            (to / "toy" / str(AS_OF) / MANIFEST).write_text("{}")
        (told,) = run(warehouse, tmp_path, {"folder": {"to": str(to)}}).failed
    assert {"not there": "is not there", "its own": "lies already", "another night": "another night"}[fault] in told
    assert to.exists() == (fault != "not there")
    if fault == "another night":
        assert (to / "toy" / str(AS_OF) / MANIFEST).read_text() == "{}"


def test_a_damaged_night_is_not_delivered_and_one_that_is_gone_is_struck_out(tmp_path):
    (tmp_path / "second").mkdir()
    chosen = {"folder": {"to": str(tmp_path / "second")}}
    with nights(tmp_path, AS_OF, NEXT) as warehouse:
        folder = published_root(tmp_path, "toy") / str(AS_OF)
        (folder / "badges.parquet").write_bytes(b"half")
        result = run(warehouse, tmp_path, chosen, (AS_OF, 1))
        assert [night for _, night, _ in result.done] == [str(NEXT)]  # the newest is tried all the same
        assert "is damaged" in result.failed[0]
        folder.rename(tmp_path / "away")
        assert run(warehouse, tmp_path, chosen).failed == []
        assert [row[0] for row in outbox(warehouse)] == [NEXT]


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("raising", "1 / 0", "ZeroDivisionError"),
        ("unfinished", "OPTIONS = {}", "AttributeError"),
        ("not_python", "def", "SyntaxError"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_the_others_are_delivered_to(files, tmp_path, caplog, name, text, why):
    (files / f"{name}.py").write_text(text)
    (tmp_path / "second").mkdir()
    chosen = {name: {}, "folder": {"to": str(tmp_path / "second")}}
    with caplog.at_level(logging.WARNING), nights(tmp_path, AS_OF) as warehouse:
        result = run(warehouse, tmp_path, chosen)
    assert [sink for sink, *_ in result.done] == ["folder"]
    assert why in result.failed[0]
    assert f"The destination {name} cannot be used: {why}" in caplog.text


def test_no_receipt_is_no_delivery(files, tmp_path):
    (files / "silent.py").write_text("OPTIONS = {}\n\n\ndef deliver(night, options):\n    return None\n")
    with nights(tmp_path, AS_OF) as warehouse:
        assert "no receipt" in run(warehouse, tmp_path, {"silent": {}}).failed[0]
        assert is_due(warehouse, tmp_path, "toy", ["silent"])


def test_two_of_one_name_are_refused_and_the_night_is_out_all_the_same(files, tmp_path):
    (files / "folder.py").write_text(HTTP)
    with pytest.raises(NightquestError, match="Two files have the name folder"):
        sinks.sinks()
    with nights(tmp_path, AS_OF) as warehouse:
        assert "Two files have the name folder" in run(warehouse, tmp_path, {"folder": {"to": "x"}}).failed[0]


@pytest.mark.parametrize(
    ("name", "options", "why"),
    [
        ("s3", {}, "the destination s3 is not known; there are folder"),
        ("folder", {}, "is not told 'to'"),
        ("folder", {"to": "/x", "form": "csv"}, "knows no 'form'"),
        ("folder", {"to": "/x", "apps": "toy"}, None),
    ],
)
def test_what_is_wrong_with_a_setting_is_told(name, options, why):
    problem = sink_problem(name, options)
    assert problem is None if why is None else why in problem


def test_a_destination_may_be_for_some_apps_only():
    options = {"to": SecretStr("/x"), "apps": SecretStr("toy, other")}
    assert chosen_for("toy", {"folder": options}) == {"folder": {"to": "/x"}}
    assert chosen_for("third", {"folder": options}) == {}

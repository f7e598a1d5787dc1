"""Output on a terminal without UTF-8: every letter has its nearest ASCII, JSON stays exact, nothing crashes."""

import json
import os
import subprocess
import sys

import pytest

from flows.cli.terminal import ERRORS, fall_back, speaks_ascii
from tests.flows.world import PUZZLES, ROOT, write_app


def written(text: str, encoding: str = "ascii") -> str:
    fall_back({})
    return text.encode(encoding, ERRORS).decode(encoding)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("━━━─── 50%", "===--- 50%"),
        ("╭──╮ │ ╰┼╯", "+--+ | +++"),
        ("3 · 4 \u2013 5 … “so”", '3 * 4 - 5 ... "so"'),
        ("1\u202f234\u00a0%", "1 234 %"),
        ("José Łukasz Straße ½", "Jose Lukasz Strasse 1/2"),
        ("中", "\\u4e2d"),
        ("≥ 3 → 4 \u00d7", ">= 3 -> 4 x"),
    ],
)
def test_what_cannot_be_shown_becomes_its_nearest_in_ascii(text, shown):
    assert written(text) == shown


def test_what_an_encoding_has_is_left_as_it_is():
    assert written("José \u2014 \u00d7", "latin-1") == "José - \u00d7"


def test_a_plain_c_locale_speaks_ascii_unless_python_is_told_otherwise():
    assert speaks_ascii({"LANG": "C"})
    assert speaks_ascii({"LC_ALL": "POSIX", "LANG": "de_DE.UTF-8"})
    assert not speaks_ascii({"LANG": "C", "PYTHONIOENCODING": "utf-8"})
    assert not speaks_ascii({"LANG": "C.UTF-8"})
    assert not speaks_ascii({})


def run(command, path, *more, **environment):
    kept = {n: v for n, v in os.environ.items() if n not in {"LANG", "LC_ALL", "LC_CTYPE", "PYTHONIOENCODING"}}
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli.main", command, str(path), *more],
        cwd=ROOT,
        env={**kept, **environment},
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    "environment", [{"LANG": "C"}, {"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1"}]
)
def test_a_command_falls_back_in_its_answers_and_its_complaints(tmp_path, environment):
    metrics = {**PUZZLES["metrics"], "größe": {"event": "solve"}}
    status, out = run("ingest", write_app(tmp_path, metrics=metrics), "none.csv", **environment)
    assert status == 2
    encoding = environment.get("PYTHONIOENCODING", "ascii")
    shown = "größe" if encoding == "latin-1" else "grosse"
    assert shown in out.decode(encoding)
    assert b"?" not in out


def test_json_keeps_every_letter_on_any_terminal(tmp_path):
    path = write_app(tmp_path, title="Zoë 中")
    status, out = run("check", path, "--json", PYTHONIOENCODING="ascii")
    assert status == 0
    assert json.loads(out.decode("ascii"))["title"] == "Zoë 中"

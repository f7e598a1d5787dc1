"""Every command that a message gives is one that works: spelled in one place, read by the command line, and run."""

import ast
import re
import shlex
import shutil

import pytest

from configs.commands import command
from configs.loader import load_app
from configs.settings import load_settings
from flows.cli.command import cli
from flows.cli.main import run_command as run_here
from tests.flows.world import LAST_NIGHT, write_app, write_events
from tests.source_tree import ROOMS, name_of, sources, tree

NAMES = [name for name in cli if not name.startswith("-")]
RAW = re.compile(rf"nightquest +({'|'.join(NAMES)})\b")
HELP = "flows/cli/command.py"  # its help is read by test_commands.py
VALUES = {"--as-of": "2024-02-01", "--from": "2024-02-01", "--to": "2024-02-02"}  # by the option before
FILLED_IN = {"VERSION": "2"}  # what a person puts for a word in capitals


def calls():
    """Every call of `command` in the sources, by place."""
    for path in sources(*ROOMS):
        if "command(" not in path.read_text(encoding="utf-8"):
            continue  # a walk through the trees of all files takes seconds
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "command":
                yield pytest.param(node, id=f"{name_of(path)}:{node.lineno}")


def texts(path):
    """Every text in a file but its docstrings."""
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef)
    every = list(ast.walk(tree(path)))
    told = {id(node.body[0].value) for node in every if isinstance(node, owners) and doc_of(node)}
    return [
        node.value
        for node in every
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told
    ]


def doc_of(node):
    return ast.get_docstring(node) is not None


def accepted(line):
    """The name of the command as which the command line reads it; what it cannot read is raised."""
    program, *words = shlex.split(line)
    assert program == "nightquest"
    command, *_ = cli.parse_args(words, exit_on_error=False, print_error=False)
    return command.__name__.replace("_", "-")


def commands_in(text):
    """The commands at the ends of sentences and lines."""
    return re.findall(r"nightquest (?:(?!\. |, then|\)|;).)+", text.replace("\n", ". "))


def test_no_message_spells_a_command_by_hand():
    naming = [p for p in sources(*ROOMS) if "nightquest " in p.read_text(encoding="utf-8") and name_of(p) != HELP]
    assert [(name_of(p), text) for p in naming for text in texts(p) if RAW.search(text)] == []


@pytest.mark.parametrize("call", list(calls()))
def test_every_command_that_a_message_can_give_is_read_by_the_command_line(call):
    words = []
    for argument in call.args:
        fixed = isinstance(argument, ast.Constant)
        word = str(argument.value) if fixed else VALUES.get(words[-1] if words else "", "word")
        words.append(FILLED_IN.get(word, word))
    if any(keyword.arg == "app" for keyword in call.keywords):
        words.insert(1, "trading")
    assert accepted(shlex.join(["nightquest", *words])) == words[0]


def test_an_app_is_spelled_as_it_was_given_and_the_home_that_was_chosen(tmp_path, monkeypatch):
    folder = tmp_path / "it's here"
    folder.mkdir()
    path = write_app(folder)
    load_app(path)
    load_settings(folder / "home")
    _, _, app, day, _, option, home = shlex.split(line := command("nightly", "--as-of", "2024-02-01", app="puzzles"))[
        :7
    ]
    assert (app, day, option, home) == (str(path), "--as-of", "--home", str(folder / "home"))
    accepted(line)
    load_app("trading")
    monkeypatch.chdir(tmp_path)
    load_settings()
    assert command("train", app="trading") == "nightquest train trading"
    assert command("train", app="whose file nobody named") == "nightquest train APP"


@pytest.fixture(name="said")
def _said(tmp_path, monkeypatch, capsys):
    """Runs a command on a home and an app file whose paths have a space and a quote; returns status and all it said."""
    place = tmp_path / "my player's apps"
    place.mkdir()
    app, home = write_app(place), place / "home"
    monkeypatch.setenv("NIGHTQUEST_HOME", str(home))  # commands set it: let it be as it was afterwards

    def run(*words):
        status = run_here([*map(str, words), "--home", str(home)])
        out, err = capsys.readouterr()
        return status, out + err

    run.app, run.home, run.place = app, home, place
    return run


def follow(said, text):
    """Run the one command that a text gives; returns its status and what it said."""
    (line,) = commands_in(text)
    program, *words = shlex.split(line)
    assert program == "nightquest"
    assert words[-2:] == ["--home", str(said.home)]
    return said(*words[:-2])


def test_following_what_messages_say_leads_from_no_data_to_a_players_page(said):
    status, text = said("train", said.app)
    assert status == 2
    (line,) = commands_in(text)
    assert shlex.split(line)[1:4] == ["ingest", str(said.app), "FILE"]
    assert said("ingest", said.app, write_events(said.place), "--history")[0] == 0
    status, text = said("show", said.app, "player-3")
    assert status == 2
    assert shlex.split(commands_in(text)[0])[2] == str(said.app)
    status, text = said("nightly", said.app, "--as-of", LAST_NIGHT)
    assert status == 0, text
    assert {tuple(shlex.split(line)[1:3]) for line in commands_in(text)} == {("train", str(said.app))}
    assert follow(said, commands_in(text)[0])[0] == 0
    assert said("show", said.app, "player-3")[0] == 0


def test_a_damaged_night_says_how_to_publish_it_again_and_that_does(said, published):
    shutil.copytree(published[1], said.home)
    (manifest,) = (said.home / "published" / "puzzles").glob("*/challenges.parquet")
    manifest.write_bytes(b"no longer a table")
    status, text = said("show", said.app, "player-3")
    assert status == 2
    status, text = follow(said, text)
    assert status == 0, text
    assert said("show", said.app, "player-3")[0] == 0


def test_an_empty_home_says_how_to_begin(said):
    for line in ("status", "nightly", "serve"):
        _, text = said(line)
        for given in commands_in(text):
            accepted(given)
            assert str(said.home) in shlex.split(given)

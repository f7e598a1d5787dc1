"""Commands that need no Prefect, in this process: what they print, and their exit status."""

import json
from pathlib import Path

import pytest

from configs.errors import NightquestError
from configs.settings import load_settings
from flows.cli.command import cli
from flows.cli.main import run_command
from flows.server.serve import apps_with_data
from tests.flows.world import LAST_NIGHT, write_app


@pytest.fixture(name="run")
def _run(capsys, tmp_path):
    def run(*arguments):
        status = run_command([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return status, out, err

    return run


def test_a_right_app_file_is_summed_up(run):
    status, out, err = run("check", "trading")
    assert (status, err) == (0, "")
    assert "trading.yaml is right" in out
    assert "26 metrics" in out


def test_generated_sql_is_printed_in_lines_that_can_be_copied(run):
    status, out, _ = run("check", "trading", "--sql")
    assert status == 0
    longest = max(out.splitlines(), key=len)
    assert len(longest) > 120  # nothing is folded to the terminal's width
    assert "SELECT" in out


def test_check_tells_what_may_not_be_meant_and_what_would_be_granted_today(run, puzzles):
    app, home = puzzles
    _, out, _ = run("check", app, "--home", home)
    assert out.endswith("Nothing in it looks unintended.\n")
    status, out, _ = run("check", app, "--preview", "--home", home, "--json")
    seen = json.loads(out)["preview"]
    assert (status, seen["badges"][0]["badge_id"], seen["known"]) == (0, "regular", 8)
    assert seen["grants"] == seen["badges"][0]["gain"] > 0
    assert seen["xp"] == 50 * seen["grants"]
    told = run("check", app, "--preview", "--home", home)[1]
    assert f"It would grant {seen['grants']} badges worth {seen['xp']} XP to {seen['grants']} of 8 players." in told
    assert run("check", app, "--preview", "--home", home.parent / "none")[0] == 2


def test_json_is_one_document_on_stdout_and_nothing_else(run):
    status, out, err = run("check", "trading", "--json")
    assert (status, err) == (0, "")
    assert json.loads(out)["app"] == "trading"


def test_a_misspelt_app_is_told_with_the_nearest_name(run):
    status, out, err = run("check", "tradng")
    assert (status, out) == (2, "")
    assert "Did you mean 'trading'?" in err


def test_an_error_with_json_is_json_too(run):
    status, out, _ = run("check", "tradng", "--json")
    error = json.loads(out)
    assert (status, error["exit_code"]) == (2, 2)
    assert "tradng" in error["error"]
    assert "trading" in error["remedy"]


BADGE = {"title": "B", "tier": "gold", "category": "c"}
READS_A_FILE = "solved > (SELECT 1 FROM read_text('/etc/passwd'))"
COMMANDS = [name for name in cli if not name.startswith("-")]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"metrcs": {}}, ["puzzles.yaml:", "metrcs", "metrics"]),
        ({"challenges": {"metrics": ["solvd"]}}, ["puzzles.yaml:", "solvd", "solved"]),
        ({"badges": {"b": BADGE | {"when": "system('id') = 1"}}}, ["puzzles.yaml:", "badges.b.when", "system"]),
        ({"badges": {"b": BADGE | {"when": READS_A_FILE}}}, ["puzzles.yaml:", "badges.b.when"]),
    ],
    ids=["misspelt key", "misspelt metric", "function call", "file read"],
)
def test_a_wrong_app_file_is_told_with_its_place_and_a_remedy(run, tmp_path, changes, words):
    status, out, err = run("check", write_app(tmp_path, **changes))
    assert (status, out) == (2, "")
    assert [word for word in words if word not in err] == []


@pytest.mark.parametrize("text", ["app: [", "\x00\x01", "- a\n- b\n", ""])
def test_a_file_that_is_no_app_is_refused_in_a_sentence(run, tmp_path, text):
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    status, _, err = run("check", path)
    assert status == 2
    assert "broken.yaml" in err
    assert "Traceback" not in err


def test_a_published_players_page_shows_their_challenges(run, published):
    app, home = published
    status, out, _ = run("show", app, "player-3", "--home", home)
    assert status == 0
    assert "Challenges" in out
    status, out, _ = run("show", app, "player-3", "--home", home, "--json")
    assert json.loads(out)["challenges"][0]["title"]
    status, out, err = run("show", app, "nobody", "--home", home)
    assert (status, out) == (2, "")
    assert "'nobody'" in err


def test_a_past_night_is_shown_as_it_was_and_one_that_never_was_says_what_to_run(run, published):
    app, home = published
    here = ("--home", home, "--json", "--as-of")
    assert run("show", app, "player-3", *here, LAST_NIGHT)[1] == run("show", app, "player-3", *here[:-1])[1]
    status, _, err = run("show", app, "player-3", "--home", home, "--as-of", "2020-01-01")
    assert status == 2
    assert "The night of 2020-01-01 is not published" in err


def test_a_bundle_is_a_line_of_json_and_that_of_all_players_holds_it(run, published):
    app, home = published
    status, one, err = run("bundle", app, "player-3", "--home", home)
    assert (status, err) == (0, "")
    assert json.loads(one)["challenges"][0]["is_new"]
    status, every, _ = run("bundle", app, "--home", home, "--as-of", LAST_NIGHT)
    assert one in every.splitlines(keepends=True)
    assert run("bundle", app, "nobody", "--home", home)[0] == 2


def test_show_before_the_first_night_says_how_to_get_one(run, history):
    app, home = history
    status, _, err = run("show", app, "player-3", "--home", home)
    assert status == 2
    assert f"nightquest nightly {app}" in err


def test_status_tells_each_apps_data_and_newest_night(run, history, published, tmp_path):
    status, out, _ = run("status", "--home", history[1], "--json")
    (told,) = json.loads(out)["apps"]
    assert (status, told["app"], told["state"], told["as_of"]) == (
        0,
        "puzzles",
        "stale: input is missing from 2024-02-10 on",
        None,
    )
    assert told["events"] > 100
    assert str(LAST_NIGHT) in run("status", "--home", published[1])[1]
    assert "nightquest demo" in run("status", "--home", tmp_path / "empty")[1]


def test_awards_are_compared_with_a_file_of_those_given(run, published, tmp_path):
    app, home = published
    given = tmp_path / "given.csv"
    given.write_text(
        "user_id,badge,awarded_at\nplayer-3,Regular,2024-01-20T00:00:00Z\nplayer-99,Regular,2024-01-20T00:00:00Z\n"
    )
    status, out, _ = run("compare-awards", app, given, "--home", home, "--json")
    (row,) = json.loads(out)
    assert (status, row["badge_id"], row["theirs"], row["both"]) == (0, "regular", 2, 1)
    assert row["missed"] == ["player-99"]
    assert run("compare-awards", app, given, "--home", home, "--markdown")[1].startswith("| badge | ours | given |")
    status, _, err = run("compare-awards", app, tmp_path / "none.csv", "--home", home)
    assert status == 2
    assert "none.csv" in err


def test_badges_are_told_with_who_holds_them(run, published):
    app, home = published
    status, out, _ = run("badges", app, "--home", home, "--json")
    told = {row["badge_id"]: row for row in json.loads(out)}
    assert (status, told["regular"]["state"]) == (0, "open")
    assert told["regular"]["holders"] > 0
    assert "Regular" in run("badges", app, "--home", home)[1]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_teaches_by_example(run, name):
    status, out, _ = run(name, "--help")
    assert status == 0
    assert f"nightquest {name}" in out
    assert "Example" in out
    assert "--home" in out


def test_the_examples_of_the_help_are_accepted(run):
    examples = [
        line.strip().removeprefix("Example: nightquest ").split()
        for name in [command for command in cli if not command.startswith("-")]
        for line in run(name, "--help")[1].splitlines()
        if line.strip().startswith(("Example: nightquest", "nightquest "))
    ]
    assert len(examples) >= 11
    for words in examples:
        command = [word for word in words if word != "nightquest"]
        cli.parse_args(command, exit_on_error=False, print_error=False)


@pytest.mark.parametrize(
    "line", ["nightli", "nightly trading --as-of not-a-date", "backfill trading", "ingest trading", "check"]
)
def test_a_wrong_command_line_is_wrong_input(run, line):
    status, out, err = run(*line.split())
    assert (status, out) == (2, "")
    assert err.startswith("nightquest: ")


def test_a_word_without_a_place_is_named_with_the_help_that_teaches(run):
    _, _, err = run("show", "trading", "ann", "two words")
    assert err.startswith("nightquest: There is no place for 'two words'. See: ")
    assert err.endswith(" show --help\n")


@pytest.mark.parametrize(
    "line", ["ingest app a.csv b.csv --history", "ingest app --history a.csv b.csv", "ingest --history app a.csv b.csv"]
)
def test_files_may_stand_before_and_after_options(line):
    _, bound, *_ = cli.parse_args(line.split(), exit_on_error=False, print_error=False)
    assert bound.args == ("app", Path("a.csv"), Path("b.csv"))
    assert bound.kwargs == {"history": True}


@pytest.mark.parametrize("home", ["file", "file/under"])
def test_a_home_that_cannot_be_written_is_told(run, tmp_path, home):
    (tmp_path / "file").write_text("in the way")
    status, _, err = run("compare-awards", "trading", tmp_path / "given.csv", "--home", tmp_path / home)
    assert status == 2
    assert str(tmp_path / "file") in err
    assert "--home" in err


def test_nothing_to_run_says_how_to_begin(tmp_path):
    with pytest.raises(NightquestError, match="No app has data"):
        apps_with_data(load_settings(tmp_path))

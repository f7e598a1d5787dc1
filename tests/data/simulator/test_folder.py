"""A simulator that is run by hand writes into the folder it is given, and none for who asks what it does."""

from pathlib import Path

import pytest

from data.simulator.folder import asked_folder


def test_help_tells_what_is_written_and_is_no_folder(capsys):
    for asked in ("--help", "-h"):
        with pytest.raises(SystemExit, match="0"):
            asked_folder("learning", "writes events.parquet", [asked])
        assert "writes events.parquet" in capsys.readouterr().out


def test_a_folder_is_needed_and_no_other_word_is_taken_for_one(capsys):
    assert asked_folder("learning", None, ["play"]) == Path("play")
    for wrong in ([], ["--players"], ["one", "two"]):
        with pytest.raises(SystemExit, match="2"):
            asked_folder("learning", None, wrong)
        assert "python -m data.simulator.learning" in capsys.readouterr().err

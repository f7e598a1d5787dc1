"""The note of a running `serve`: whose it is after a home was copied or moved."""

import shutil

from flows.server.note import find_serving, note_serving


def test_a_copy_of_a_served_home_is_not_served(tmp_path):
    (tmp_path / "home").mkdir()
    note_serving(tmp_path / "home", "http://127.0.0.1:1", "http://127.0.0.1:2")
    shutil.copytree(tmp_path / "home", tmp_path / "copy")
    assert find_serving(tmp_path / "home") is not None
    assert find_serving(tmp_path / "copy") is None


def test_a_served_home_is_the_same_by_another_name(tmp_path):
    (tmp_path / "home").mkdir()
    note_serving(tmp_path / "home", "http://127.0.0.1:1", "http://127.0.0.1:2")
    (tmp_path / "home").rename(tmp_path / "renamed")
    assert find_serving(tmp_path / "renamed") is not None

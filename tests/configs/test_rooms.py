"""A room's files are found by name: in order, without a list, the broken ones named and the others used."""

import logging
from itertools import count

import pytest

from configs.errors import NightquestError
from configs.rooms import load_room, names_in, only_class

numbers = count()


class Tool:
    """What the files of these rooms hold."""

    name = ""


GOOD = "from tests.configs.test_rooms import Tool\nclass Mine(Tool):\n    name = '{}'\n"


@pytest.fixture
def room(tmp_path, monkeypatch):
    """A package of its own, and its folder."""
    folder = tmp_path / f"room_{next(numbers)}"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def load(package):
    return load_room(package, lambda name, module: only_class(name, module, Tool, "name"), kind="tool")


def test_files_are_found_in_order_of_name_and_what_they_share_is_none_of_them(room):
    for name in ("saw", "hammer", "box"):
        (room / f"{name}.py").write_text(GOOD.format(name))
    assert names_in(room.name, frozenset({"box"})) == ["hammer", "saw"]
    assert list(load(room.name).by_name) == ["box", "hammer", "saw"]


def test_names_are_told_without_loading_a_file(room):
    (room / "broken.py").write_text("1 / 0")
    assert names_in(room.name) == ["broken"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("def", "SyntaxError"),
        ("import nothing_such", "nothing_such"),
        ("raise SystemError", "SystemError"),
        ("", "holds no Tool"),
        (GOOD.format("hammer"), "holds hammer, and nothing of its own name; say name = 'saw'"),
        ("from tests.configs.test_rooms import Tool", "holds no Tool"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_the_others_are_used(room, caplog, text, why):
    (room / "hammer.py").write_text(GOOD.format("hammer"))
    (room / "saw.py").write_text(text)
    with caplog.at_level(logging.WARNING):
        found = load(room.name)
    assert list(found.by_name) == ["hammer"]
    (fault,) = found.faults
    assert fault.startswith("The tool saw cannot be used: ")
    assert why in fault
    assert fault in caplog.text


def test_two_files_of_one_name_are_refused_and_both_are_named(room, tmp_path, monkeypatch):
    other = tmp_path / "other"
    other.mkdir()
    for folder in (room, other):
        (folder / "saw.py").write_text(GOOD.format("saw"))
    package = __import__(room.name)
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(other)])
    with pytest.raises(NightquestError, match="Two files have the name saw") as refused:
        load(room.name)
    assert str(room / "saw.py") in refused.value.message
    assert str(other / "saw.py") in refused.value.message

"""What a disk or a connection failed is tried again, and the log says so; what would fail again is not."""

import errno
import logging

import pytest

from configs.errors import BusyError, DiskFullError, NightquestError
from flows import recording
from flows.recording import Flow, Task

TOLD = "what a destination was told"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(recording, "RETRY_AFTER_S", 0.0)


def failing(*errors):
    """A task that raises these one after the other, and then gives how often it was tried."""
    left = list(errors)

    def work():
        if left:
            raise left.pop(0)
        return len(errors) + 1

    return Task(work, "work", retries=2)


def wrapped(cause):
    error = NightquestError("It cannot be written.", "Try again.")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("passing", [OSError(errno.EIO, "input/output error"), ConnectionResetError(), TimeoutError()])
@pytest.mark.parametrize("told", [lambda error: error, wrapped], ids=["raw", "told in words"])
def test_what_a_disk_or_a_connection_failed_is_tried_again(passing, told, caplog):
    with caplog.at_level(logging.WARNING, "nightquest"):
        assert failing(told(passing), told(passing))() == 3
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]


def test_it_is_tried_no_more_than_that():
    with pytest.raises(TimeoutError):
        failing(*[TimeoutError()] * 3)()


@pytest.mark.parametrize(
    "lasting",
    [
        OSError(errno.ENOSPC, "no space left"),
        FileNotFoundError(errno.ENOENT, "not there"),
        PermissionError(errno.EACCES, "not allowed"),
        wrapped(OSError(errno.ENOSPC, "no space left")),
        NightquestError("A wrong input.", "Another."),
        BusyError("Another process works on it.", "Wait."),
        ValueError("a mistake"),
    ],
    ids=repr,
)
def test_what_would_fail_again_is_not_tried_again(lasting, caplog):
    with caplog.at_level(logging.WARNING, "nightquest"), pytest.raises(type(lasting)):
        failing(lasting)()
    assert caplog.records == []


@pytest.mark.parametrize("told", [lambda error: error, wrapped], ids=["raw", "told in words"])
def test_a_flow_that_a_full_disk_ends_says_which_and_what_to_do(told):
    def work():
        raise told(OSError(errno.ENOSPC, "no space left"))

    with pytest.raises(DiskFullError, match=r"The file system /.* is full: .* Free disk space there, then run"):
        Flow(work, "work")()


def test_the_log_holds_nothing_of_what_an_error_was_told(caplog):
    with caplog.at_level(logging.WARNING, "nightquest"):
        failing(OSError(f"refused with {TOLD}"))()
    assert TOLD not in caplog.text
    assert "tried again" in caplog.text

import os
import signal
from functools import partial

import psutil
import pytest

from configs.errors import BusyError
from pipelines.learning.beside import Beside, fitting


def _squared(number):
    return number * number


def _loaded():
    pass


def _refused(number):
    raise BusyError(f"There is no {number}.", "Take another.")


def _killed_but_here(parent):
    if os.getpid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
    return "done here"


@pytest.mark.parametrize("at_once", [1, 2])
def test_each_piece_has_its_result_or_what_it_raised_with_its_remedy(at_once):
    with Beside(at_once) as beside:
        for number in range(3):
            beside.begin(str(number), partial(_squared, number))
        beside.begin("none", partial(_refused, 7))
        beside.could_not_begin("nothing", KeyError("nothing"))
        told = list(beside.ready())
        assert len(told) == 5 or at_once > 1  # a first piece that is still under way keeps the others waiting
        told += beside.results()
    assert [name for name, _ in told] == ["0", "1", "2", "none", "nothing"]
    *squares, error, nothing = (result for _, result in told)
    assert (squares, repr(nothing)) == ([0, 1, 4], "KeyError('nothing')")
    assert (type(error), error.message, error.remedy, error.exit_code) == (
        BusyError,
        "There is no 7.",
        "Take another.",
        3,
    )


def test_what_a_killed_process_had_in_hand_is_done_here_and_so_is_the_rest(caplog):
    with Beside(2) as beside:
        for name in ("first", "second", "third"):
            beside.begin(name, partial(_killed_but_here, os.getpid()))
        assert {result for _, result in beside.results()} == {"done here"}
    assert "was lost; it is done here" in caplog.text


def test_processes_that_there_is_no_room_for_after_all_go_before_anything_is_begun():
    with Beside(2) as beside:
        beside.call_in(_loaded)
        called = len(psutil.Process().children())
        beside.limit(1)
        assert called - len(psutil.Process().children()) == 2
        beside.begin("here", os.getpid)
        assert dict(beside.results()) == {"here": os.getpid()}


def test_no_more_processes_begin_than_there_are_cores_and_memory_for():
    assert fitting(0) <= psutil.cpu_count()
    assert fitting(psutil.virtual_memory().total) == 1

import os
import signal
from functools import partial

import psutil
import pytest

from configs.errors import BusyError, NightquestError
from pipelines.learning.parallel import PROCESS_BYTES, Parallel, fitting


def _squared(number):
    return number * number


def _loaded(folder):
    (folder / str(os.getpid())).touch()


def _refused(number):
    raise BusyError(f"There is no {number}.", "Take another.")


def _killed(folder, name, *, times):
    """Where it was begun so often before, its process."""
    begun = len(list(folder.glob(f"{name}-*")))
    (folder / f"{name}-{os.getpid()}").touch()
    if begun < times:
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


@pytest.mark.parametrize("at_once", [1, 2])
def test_each_piece_has_its_result_or_what_it_raised_with_its_remedy(at_once):
    with Parallel(at_once) as beside:
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


def test_a_piece_whose_process_is_killed_is_begun_again_alone_and_one_that_kills_every_process_is_given_up(tmp_path):
    times = {"first": 0, "killed once": 1, "always": 99, "last": 0}
    with Parallel(3) as beside:
        for name, each in times.items():
            beside.begin(name, partial(_killed, tmp_path, name, times=each))
        told = dict(beside.results())
    begun = [path.name.split("-")[0] for path in tmp_path.iterdir()]
    assert {name: begun.count(name) for name in times} == {"first": 1, "killed once": 2, "always": 3, "last": 1}
    given_up = told.pop("always")
    assert isinstance(given_up, NightquestError)
    assert given_up.message == (
        "its process was killed 3 times, most likely for want of memory: let it have more, or set fewer "
        "NIGHTQUEST_TRAINING_SNAPSHOTS."
    )
    assert all(isinstance(process, int) and process != os.getpid() for process in told.values())
    assert list(told) == ["first", "killed once", "last"]


def test_processes_that_there_is_no_room_for_after_all_go_before_anything_is_begun(tmp_path):
    with Parallel(2) as beside:
        beside.call_in(partial(_loaded, tmp_path))
        beside.limit(1)
        came = [int(path.name) for path in tmp_path.iterdir()]
        assert len(came) == 2
        assert not any(psutil.pid_exists(process) for process in came)
        beside.begin("here", os.getpid)
        assert dict(beside.results()) == {"here": os.getpid()}


def test_no_more_processes_begin_than_there_are_cores_and_memory_for():
    assert fitting(0) <= psutil.cpu_count()
    assert fitting(psutil.virtual_memory().total) == 1
    held = psutil.Process().memory_info().rss
    assert fitting(100, held + 1.5 * (PROCESS_BYTES + 100)) == 1
    assert fitting(100, held + 100 * PROCESS_BYTES) == fitting(100)

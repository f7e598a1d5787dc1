"""Many processes and threads with one ledger; what dies is noticed."""

import contextlib
import signal
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psutil

from models.language.calls import Failed
from models.language.ledger import Attempt, Outcome
from tests.models.language.asking import PLENTY, PRICES, Clock, a_run, ask, asks, ledger_at, written
from tests.models.language.ledger.opened import claim_one, file_of, in_a_process


def test_processes_that_make_a_ledger_at_one_time_make_one(tmp_path):
    body = 'ledger.claim(a_run(), PLENTY, asks(1), PRICES)\nprint("made", flush=True)'
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(in_a_process(tmp_path, body)) for _ in range(4)]
        assert [process.stdout.readline() for process in processes] == ["made\n"] * 4


def test_whoever_opens_a_new_ledger_while_others_do_waits_for_them(tmp_path):
    for name in map(str, range(40)):
        together = threading.Barrier(4)

        def make(name=name, together=together):
            together.wait()
            with ledger_at(tmp_path / name):
                return "made"

        with ThreadPoolExecutor(4) as pool:
            assert [made.result() for made in [pool.submit(make) for _ in range(4)]] == ["made"] * 4


def test_of_processes_that_ask_the_same_at_one_time_one_gets_the_attempt(tmp_path):
    body = """
        claims = ledger.claim(a_run(), PLENTY, asks(300), PRICES)
        print(*[claim.request.user if isinstance(claim, Attempt) else claim.reason for claim in claims], sep=";")
        sys.stdout.flush()
        sys.stdin.read()
    """
    with (
        in_a_process(tmp_path, body) as one,
        in_a_process(tmp_path, body) as two,
        in_a_process(tmp_path, body) as three,
    ):
        said = [process.stdout.readline().strip().split(";") for process in (one, two, three)]
    granted = [line for lines in said for line in lines if line != "late"]
    assert sorted(granted) == sorted(request.user for request in asks(300))
    assert sum(lines.count("late") for lines in said) == 600


def test_of_many_threads_that_ask_the_same_one_gets_the_attempt(tmp_path):
    granted, requests = [], asks(50)

    def work(ledger):
        for request in requests:
            claim = claim_one(ledger, request)
            if isinstance(claim, Attempt):
                granted.append(request.key)
                ledger.settle([written(claim)])

    with ledger_at(tmp_path) as ledger:
        threads = [threading.Thread(target=work, args=(ledger,)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(granted) == sorted(request.key for request in requests)


def test_what_a_killed_process_had_in_flight_is_unknown_counted_and_sent_again_once(tmp_path):
    run = a_run()
    body = """
        claims = ledger.claim(Run("trading", "2024-03-01", "killed"), PLENTY, asks(5), PRICES)
        ledger.settle([written(claim) for claim in claims[:2]])
        os.kill(os.getpid(), signal.SIGKILL)
    """
    with in_a_process(tmp_path, body) as process:
        assert process.wait(600) == -signal.SIGKILL
    with ledger_at(tmp_path) as ledger:
        report = ledger.report(run, whole_night=True)
        assert (report.in_flight_at_kill, report.failed, report.in_flight) == (3, {"unknown": 3}, 0)
        claims = ledger.claim(run, PLENTY, asks(5), PRICES)
        assert [isinstance(claim, Attempt) for claim in claims] == [False] * 2 + [True] * 3
        assert ledger.report(run).resent == 3
    with ledger_at(tmp_path) as ledger:  # closed without an outcome: unknown for the second time
        assert {claim.reason for claim in ledger.claim(a_run(), PLENTY, asks(5), PRICES)[2:]} == {"unknown"}
        assert ledger.report(run, whole_night=True).in_flight_at_kill == 3


def test_a_process_that_dies_while_we_have_the_ledger_open_is_noticed_when_its_questions_are_asked(tmp_path):
    body = 'ledger.claim(a_run(), PLENTY, asks(2), PRICES)\nprint("claimed", flush=True)\nsys.stdin.read()'
    with ledger_at(tmp_path) as ledger, in_a_process(tmp_path, body) as process:
        assert process.stdout.readline() == "claimed\n"
        assert claim_one(ledger, ask(0)).reason == "late"
        process.kill()
        process.wait()
        assert isinstance(claim_one(ledger, ask(0)), Attempt)


def test_a_killed_process_that_nobody_has_waited_for_counts_as_dead(tmp_path):
    body = "ledger.claim(a_run(), PLENTY, asks(1), PRICES)\nos.kill(os.getpid(), signal.SIGKILL)"
    with in_a_process(tmp_path, body) as process:
        while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:  # until it is waited for
            time.sleep(0.01)
        with ledger_at(tmp_path) as ledger:
            assert isinstance(claim_one(ledger, ask(0)), Attempt)


def test_another_process_with_the_pid_of_a_dead_one_is_not_it(tmp_path):
    with ledger_at(tmp_path) as ledger:
        claim_one(ledger, ask())
        with sqlite3.connect(file_of(tmp_path)) as connection:
            connection.execute("UPDATE owner SET started_at = started_at - 100")
        with ledger_at(tmp_path) as other:
            assert isinstance(claim_one(other, ask()), Attempt)


def test_who_was_taken_for_dead_may_still_say_what_came_of_it(tmp_path):
    run = a_run()
    with ledger_at(tmp_path) as ledger:
        lost, answered = ledger.claim(run, PLENTY, asks(2), PRICES)
        with sqlite3.connect(file_of(tmp_path)) as connection:
            connection.execute("UPDATE owner SET started_at = started_at - 100")
        with ledger_at(tmp_path) as other:
            assert other.report(run).in_flight_at_kill == 2
        ledger.settle([Outcome(lost.id, Failed(lost.request.key, "unknown", "timed out")), written(answered)])
        report = ledger.report(run)
        assert (report.in_flight_at_kill, report.answered, report.failed) == (1, 1, {"unknown": 1})


def test_a_process_of_another_host_is_given_an_hour(tmp_path):
    clock = Clock()
    with ledger_at(tmp_path, clock) as ledger:
        claim_one(ledger, ask())
        with sqlite3.connect(file_of(tmp_path)) as connection:
            connection.execute("UPDATE owner SET host = 'elsewhere', started_at = 0")
        clock.forward(minutes=59)
        with ledger_at(tmp_path, clock) as other:
            assert claim_one(other, ask()).reason == "late"
            clock.forward(minutes=2)
            assert isinstance(claim_one(other, ask()), Attempt)


def test_what_is_in_flight_in_another_opening_of_this_process_stays_its_own(tmp_path):
    with ledger_at(tmp_path) as ledger, ledger_at(tmp_path) as other:
        claim_one(ledger, ask())
        assert claim_one(other, ask()).reason == "late"


# Disks and files

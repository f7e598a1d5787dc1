import contextlib
import datetime as dt
import json
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configs.errors import NightquestError
from models.language.calls import Failed, Usage, Written, most_it_costs
from models.language.ledger import Attempt, Budget, Outcome, open_ledger
from models.language.ledger.spending import ENOUGH
from tests.models.language.asking import MODEL, NOON, PLENTY, PRICES, Clock, a_run, ask, asks, ledger_at, written

ROOT = Path(__file__).parents[3]
UNBILLED = ["rate", "overloaded", "unreachable", "key", "quota", "model", "rejected", "breaker", "expired", "canceled"]


def claim_one(ledger, request, run=None, budget=PLENTY):
    return ledger.claim(run or a_run(), budget, [request], PRICES)[0]


def file_of(home):
    return home / "ledger" / "language.sqlite"


@contextlib.contextmanager
def in_a_process(home, body: str, *, before: str = ""):
    """Run code in another process with `ledger` open in `home`; its stdin stays open until the block ends."""
    code = textwrap.dedent("""
        import os, resource, signal, sys
        from pathlib import Path
        {before}
        from tests.models.language.asking import *
        home = Path(sys.argv[1])
        with ledger_at(home) as ledger:
        {body}
    """).format(before=before, body=textwrap.indent(textwrap.dedent(body), "    "))
    command = [sys.executable, "-c", code, str(home)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_question_is_granted_once_and_answered_from_the_ledger_ever_after(tmp_path):
    request = ask()
    with ledger_at(tmp_path) as ledger:
        attempt = claim_one(ledger, request)
        assert attempt == Attempt(1, request)
        ledger.settle([written(attempt)])
    with ledger_at(tmp_path) as ledger:
        run = a_run()
        again = claim_one(ledger, request, run)
        assert again == Written(
            request.key,
            '{"variants": ["Ä word"]}',
            Usage(10, 2, 3, 20, 5),
            0.0001,
            paid_now=False,
            seconds=0.25,
            night="2024-03-01",
        )
        report = ledger.report(run)
        assert (report.calls, report.from_ledger, report.cost_usd) == (0, 1, 0)


@pytest.mark.parametrize("reason", ["refused", "truncated", "malformed"])
def test_an_answer_of_no_use_was_paid_for_all_the_same_and_is_not_bought_again(tmp_path, reason):
    request = ask()
    failed = Failed(request.key, reason, "no thanks", Usage(10, 0, 0, 5, 0), 0.002)
    with ledger_at(tmp_path) as ledger:
        run = a_run()
        ledger.settle([Outcome(claim_one(ledger, request, run).id, failed, "{}")])
        again = claim_one(ledger, request)
        assert again == Failed(
            request.key, reason, "no thanks", Usage(10, 0, 0, 5, 0), 0.002, paid_now=False, night="2024-03-01"
        )
        report = ledger.report(run)
        assert (report.answered, report.failed, report.cost_usd) == (1, {reason: 1}, 0.002)


@pytest.mark.parametrize("reason", UNBILLED)
def test_what_was_not_billed_costs_nothing_and_may_be_sent_again_at_once(tmp_path, reason):
    request, run = ask(), a_run()
    with ledger_at(tmp_path) as ledger:
        first = claim_one(ledger, request, run)
        ledger.settle([Outcome(first.id, Failed(request.key, reason))])
        assert ledger.spent(run.app, run.night) == 0
        assert isinstance(claim_one(ledger, request, run), Attempt)
        assert ledger.report(run).failed == {reason: 1}


def test_an_unseen_answer_stays_booked_and_is_asked_once_more_by_a_later_run_only(tmp_path):
    request, first_run = ask(), a_run()
    most = most_it_costs(request, PRICES[MODEL])
    with ledger_at(tmp_path) as ledger:
        unknown = Failed(request.key, "unknown", "timed out")
        ledger.settle([Outcome(claim_one(ledger, request, first_run).id, unknown)])
        assert ledger.spent("trading", "2024-03-01") == pytest.approx(most)
        assert claim_one(ledger, request, first_run).reason == "unknown"
        later = a_run()
        again = claim_one(ledger, request, later)
        assert isinstance(again, Attempt)
        ledger.settle([Outcome(again.id, unknown)])
        assert ledger.report(later).resent == 1
        assert ledger.spent("trading", "2024-03-01") == pytest.approx(2 * most)
        for run in (later, a_run()):
            assert claim_one(ledger, request, run).reason == "unknown"
        whole = ledger.report(first_run, whole_night=True)
        assert (whole.calls, whole.resent, whole.failed, whole.turned_away) == (2, 1, {"unknown": 2}, {"unknown": 3})
        assert (whole.cost_usd, whole.reserved_usd) == (0, pytest.approx(2 * most))


def test_an_earlier_run_may_not_resend_what_a_later_one_lost(tmp_path):
    request, earlier, later = ask(), a_run(), a_run()
    with ledger_at(tmp_path) as ledger:
        claim_one(ledger, ask("other"), earlier)
        ledger.settle([Outcome(claim_one(ledger, request, later).id, Failed(request.key, "unknown"))])
        assert claim_one(ledger, request, earlier).reason == "unknown"


def test_a_resend_that_was_not_billed_may_be_tried_again_and_is_not_counted(tmp_path):
    request = ask()
    with ledger_at(tmp_path) as ledger:
        ledger.settle([Outcome(claim_one(ledger, request).id, Failed(request.key, "unknown"))])
        later = a_run()
        ledger.settle([Outcome(claim_one(ledger, request, later).id, Failed(request.key, "rate"))])
        assert ledger.report(later).resent == 0
        ledger.settle([written(claim_one(ledger, request, later))])
        assert ledger.report(later).resent == 1


def test_an_answer_that_comes_after_all_takes_the_place_of_the_unknown_outcome(tmp_path):
    request, run = ask(), a_run()
    with ledger_at(tmp_path) as ledger:
        attempt = claim_one(ledger, request, run)
        ledger.settle([Outcome(attempt.id, Failed(request.key, "unknown"))])
        ledger.settle([written(attempt, cost_usd=0.003)])
        assert ledger.spent(run.app, run.night) == pytest.approx(0.003)
        assert isinstance(claim_one(ledger, request), Written)


def test_settling_twice_books_once(tmp_path):
    run = a_run()
    with ledger_at(tmp_path) as ledger:
        attempt = claim_one(ledger, ask(), run)
        outcome = written(attempt, cost_usd=0.002)
        ledger.settle([outcome, outcome])
        ledger.settle([written(attempt, "another text", cost_usd=0.005)])
        assert ledger.spent(run.app, run.night) == pytest.approx(0.002)
        assert claim_one(ledger, ask()).text == outcome.reply.text


def test_an_outcome_of_no_attempt_is_refused_and_nothing_of_its_list_kept(tmp_path):
    with ledger_at(tmp_path) as ledger:
        attempt = claim_one(ledger, ask())
        with pytest.raises(ValueError, match="no such attempt: 99"):
            ledger.settle([written(attempt), written(Attempt(99, ask()))])
        assert claim_one(ledger, ask()).reason == "late"


def test_equal_questions_in_one_list_get_one_attempt(tmp_path):
    with ledger_at(tmp_path) as ledger:
        first, second, third = ledger.claim(a_run(), PLENTY, [ask(), ask(2), ask()], PRICES)
        assert isinstance(first, Attempt)
        assert isinstance(second, Attempt)
        assert (third.reason, third.paid_now) == ("late", False)


def test_what_makes_a_question_another_makes_another_key():
    variants = [
        ask(), ask(2), ask(system="Other."), ask(schema={"type": "object"}), ask(max_tokens=7), ask(effort="low"),
        ask(model="gpt-5.4-mini"), ask(provider="anthropic"),
    ]  # fmt: skip
    assert len({request.key for request in variants}) == len(variants)
    assert ask(purpose="verdict", prompt_version="9", schema_name="other").key == ask().key
    assert ask(schema=dict(reversed(ask().schema.items()))).key == ask().key


def test_claims_come_in_the_order_of_requests_whatever_was_known_of_them(tmp_path):
    requests = asks(1200)
    with ledger_at(tmp_path) as ledger:
        some = requests[::3]
        attempts = ledger.claim(a_run(), PLENTY, some, PRICES)
        ledger.settle([written(attempt, f"text of {attempt.request.user}") for attempt in attempts])
        claims = ledger.claim(a_run(), PLENTY, requests, PRICES)
    for i, (request, claim) in enumerate(zip(requests, claims, strict=True)):
        if i % 3 == 0:
            assert claim.text == f"text of {request.user}"
        else:
            assert claim.request is request


def test_the_reserve_holds_until_the_cost_is_known(tmp_path):
    request, run = ask(), a_run()
    with ledger_at(tmp_path) as ledger:
        attempt = claim_one(ledger, request, run)
        most = most_it_costs(request, PRICES[MODEL])
        assert ledger.spent(run.app, run.night) == pytest.approx(most)
        assert ledger.spent_in_month() == pytest.approx(most)
        ledger.settle([written(attempt, cost_usd=most / 4)])
        assert ledger.spent(run.app, run.night) == pytest.approx(most / 4)
        assert ledger.spent_in_month() == pytest.approx(most / 4)


def test_no_more_is_granted_than_the_budget_can_bear(tmp_path):
    requests = asks(10)
    most = most_it_costs(requests[0], PRICES[MODEL])
    with ledger_at(tmp_path) as ledger:
        run, budget = a_run(), Budget(3.5 * most, 100)
        claims = ledger.claim(run, budget, requests, PRICES)
        assert [isinstance(claim, Attempt) for claim in claims] == [True] * 3 + [False] * 7
        assert {claim.reason for claim in claims[3:]} == {"budget"}
        assert ledger.claim(a_run(), budget, requests[5:], PRICES)[0].reason == "budget"
        assert isinstance(claim_one(ledger, ask("x"), a_run(night="2024-03-02"), budget), Attempt)
        assert isinstance(claim_one(ledger, ask("y"), a_run(app="oulad"), budget), Attempt)
        ledger.settle([written(claim, cost_usd=1e-9) for claim in claims[:3]])
        assert isinstance(claim_one(ledger, requests[9], a_run(), budget), Attempt)


def test_the_month_counts_all_apps_and_begins_anew(tmp_path):
    clock = Clock(dt.datetime(2024, 3, 31, 23, 59, tzinfo=dt.UTC))
    budget = Budget(100, 1.5 * most_it_costs(ask(), PRICES[MODEL]))
    with ledger_at(tmp_path, clock) as ledger:
        late_in_march = claim_one(ledger, ask(1), a_run(app="oulad"), budget)
        assert claim_one(ledger, ask(2), a_run(), budget).reason == "budget"
        clock.forward(minutes=2)
        assert ledger.spent_in_month() == 0
        assert isinstance(claim_one(ledger, ask(2), a_run(), budget), Attempt)
        in_april = ledger.spent_in_month()
        ledger.settle([written(late_in_march, cost_usd=0.5)])
        assert ledger.spent_in_month() == in_april


@pytest.mark.parametrize("budget", [Budget(0, 10), Budget(10, 0)])
def test_a_budget_of_zero_buys_nothing_not_even_what_is_free_but_gives_what_was_paid_for(tmp_path, budget):
    free = {MODEL: PRICES[MODEL].model_copy(update={"input_usd": 0.0, "output_usd": 0.0})}
    with ledger_at(tmp_path) as ledger:
        ledger.settle([written(claim_one(ledger, ask(1)))])
        claims = ledger.claim(a_run(), budget, asks(2), free)
        assert claims[0].reason == "budget"
        assert isinstance(claims[1], Written)


def test_a_model_without_a_price_is_not_asked(tmp_path):
    with ledger_at(tmp_path) as ledger:
        with pytest.raises(NightquestError, match="No price is known for the model 'gpt-x'"):
            ledger.claim(a_run(), PLENTY, [ask(), ask(model="gpt-x")], PRICES)
        assert isinstance(claim_one(ledger, ask()), Attempt)


def test_a_200_that_names_no_usage_is_booked_at_the_most_it_can_have_cost(tmp_path):
    request, run = ask(), a_run()
    with ledger_at(tmp_path) as ledger:
        ledger.settle([Outcome(claim_one(ledger, request, run).id, Failed(request.key, "malformed"), "<html>")])
        assert ledger.report(run).cost_usd == pytest.approx(most_it_costs(request, PRICES[MODEL]))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["written", "rate", "unknown", "refused", "open"]))))
def test_sums_kept_for_budgets_equal_the_sums_over_all_attempts(tmp_path_factory, steps):
    home, run = tmp_path_factory.mktemp("ledger"), a_run()
    with ledger_at(home) as ledger:
        for n, end in steps:
            claim = claim_one(ledger, ask(n), a_run())
            if isinstance(claim, Attempt) and end != "open":
                failed = Failed(claim.request.key, end, usage=Usage(1), cost_usd=0.001 * (end == "refused"))
                ledger.settle([written(claim) if end == "written" else Outcome(claim.id, failed)])
        report = ledger.report(run, whole_night=True)
        assert ledger.spent("trading", "2024-03-01") == pytest.approx(report.cost_usd + report.reserved_usd)
        assert ledger.spent_in_month() == pytest.approx(report.cost_usd + report.reserved_usd)
        assert report.calls == report.answered + report.in_flight + sum(
            n for reason, n in report.failed.items() if reason != "refused"
        )


def test_a_report_tells_models_purposes_and_tokens_apart(tmp_path):
    run = a_run()
    with ledger_at(tmp_path) as ledger:
        requests = [*asks(2, purpose="daily_challenge"), ask(purpose="judge", provider="anthropic"), ask("open")]
        claims = ledger.claim(run, PLENTY, requests, PRICES)
        ledger.settle([written(claim, cost_usd=0.001) for claim in claims[:3]])
        claim_one(ledger, ask("another night"), a_run(night="by hand"))
        report = ledger.report(run)
    lines = {(line.provider, line.purpose): (line.calls, line.answered, line.cost_usd) for line in report.lines}
    assert lines == {
        ("anthropic", "judge"): (1, 1, 0.001),
        ("openai", "daily_challenge"): (2, 2, 0.002),
        ("openai", ""): (1, 0, 0.0),
    }
    assert {line.mode for line in report.lines} == {"live"}
    assert report.tokens == Usage(30, 6, 9, 60, 15)
    assert (report.calls, report.answered, report.in_flight) == (4, 3, 1)
    assert report.cost_usd == pytest.approx(0.003)
    assert report.reserved_usd == pytest.approx(most_it_costs(ask("open"), PRICES[MODEL]))


def test_why_tells_how_an_answer_came_to_be(tmp_path):
    clock = Clock()
    request = ask(purpose="daily_challenge", prompt_version="7", effort="low", system="Ünïcode \u2028 system")
    with ledger_at(tmp_path, clock) as ledger:
        attempt = claim_one(ledger, request)
        assert ledger.why(request.key).state == "sent"
        clock.forward(seconds=3)
        outcome = written(attempt)
        ledger.settle([outcome])
        record = ledger.why(request.key)
        assert ledger.why(ask("never asked").key) is None
    assert record.request == request
    assert record.request.key == request.key
    assert record.raw == outcome.raw
    assert (record.state, record.attempts, record.mode, record.batch) == ("answered", 1, "live", None)
    assert (record.sent_at, record.settled_at) == (NOON, NOON + dt.timedelta(seconds=3))
    assert (record.app, record.night, record.reply.paid_now) == ("trading", "2024-03-01", False)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(), ascii_only=st.booleans(), other=st.text())
def test_a_raw_answer_comes_back_as_it_came(tmp_path_factory, text, ascii_only, other):
    raw = json.dumps({"a": other, "text": text, "again": text}, ensure_ascii=ascii_only)
    raw = raw.encode("utf-8", "replace").decode()
    text = text.encode("utf-8", "replace").decode()
    with ledger_at(tmp_path_factory.mktemp("ledger")) as ledger:
        attempt = claim_one(ledger, ask())
        ledger.settle([Outcome(attempt.id, Written(attempt.request.key, text, Usage(), 0.0), raw)])
        assert ledger.why(ask().key).raw == raw
        assert claim_one(ledger, ask()).text == text


def test_an_answer_with_what_no_file_can_hold_is_kept_without_it(tmp_path):
    """Lone surrogates cannot be written as UTF-8, and raw bytes that are no JSON may hold NULs."""
    with ledger_at(tmp_path) as ledger:
        attempts = ledger.claim(a_run(), PLENTY, asks(2), PRICES)
        replies = [Written(attempt.request.key, "half \ud83d a pair", Usage(1), 0.0) for attempt in attempts]
        raws = ["raw \ud83d half \ud83d a pair", "\0a half \0u raw \0v"]
        ledger.settle([Outcome(*row) for row in zip([a.id for a in attempts], replies, raws, strict=True)])
        assert [claim.text for claim in ledger.claim(a_run(), PLENTY, asks(2), PRICES)] == ["half ? a pair"] * 2
        assert [ledger.why(request.key).raw for request in asks(2)] == ["raw ? half ? a pair", raws[1]]


def test_a_transaction_that_did_not_happen_leaves_nothing_that_a_later_one_builds_on(tmp_path):
    with ledger_at(tmp_path) as ledger:
        ledger.claim(a_run(), PLENTY, [ask("before")], PRICES)
        run, long = a_run(), ask(system="z" * 50_000)
        fill(ledger)
        with pytest.raises(NightquestError, match="the disk is full"):
            claim_one(ledger, long, run)
        fill(ledger, 1000)
        claim_one(ledger, long, run)
        assert ledger.why(long.key).request == long
        assert ledger.report(run).calls == 1


def test_the_ledger_tells_what_answers_usually_cost_once_there_are_enough(tmp_path):
    with ledger_at(tmp_path) as ledger:
        assert ledger.usual_shares() == {}
        few, many = asks(ENOUGH - 1, purpose="tutorial"), asks(ENOUGH, purpose="judge", system="Judge.")
        claims = ledger.claim(a_run(), PLENTY, [*few, *many, ask("unanswered", purpose="judge")], PRICES)
        ledger.settle([written(claim, cost_usd=0.0001) for claim in claims[:-1]])
        most = sum(most_it_costs(request, PRICES[MODEL]) for request in many)
        assert ledger.usual_shares() == {(MODEL, "judge"): pytest.approx(0.0001 * ENOUGH / most, rel=1e-3)}


# Several threads, several processes, and their ends


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
        assert process.wait(60) == -signal.SIGKILL
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


@pytest.fixture
def full_ledger(tmp_path):
    """A ledger with room for some hundred answers, then none."""
    with ledger_at(tmp_path) as ledger:
        yield ledger


def fill(ledger, pages: int = 0) -> None:
    """Let the file grow by so many pages and no more, as on a full disk."""
    (count,) = ledger.file.connection.execute("PRAGMA page_count").fetchone()
    ledger.file.connection.execute(f"PRAGMA max_page_count = {count + pages}")


def test_with_a_full_disk_nothing_is_granted_and_what_was_known_stays(full_ledger):
    attempt = claim_one(full_ledger, ask("before"))
    full_ledger.settle([written(attempt)])
    fill(full_ledger)
    requests = [ask(i, user="x" * 5000 + str(i)) for i in range(50)]
    run = a_run()
    with pytest.raises(NightquestError, match=r"so nothing was sent: the disk is full. Make room") as caught:
        full_ledger.claim(run, PLENTY, requests, PRICES)
    assert caught.value.exit_code == 3
    assert isinstance(claim_one(full_ledger, ask("before")), Written)
    fill(full_ledger, 1000)
    assert all(isinstance(claim, Attempt) for claim in full_ledger.claim(run, PLENTY, requests, PRICES))
    assert full_ledger.report(run).calls == 50


def test_with_a_full_disk_the_answers_that_find_room_are_kept_and_the_others_stay_in_flight(full_ledger):
    run = a_run()
    claims = full_ledger.claim(run, PLENTY, asks(40), PRICES)
    fill(full_ledger, 4)
    outcomes = [written(claim, "y" * 3000) for claim in claims]
    with pytest.raises(NightquestError, match=r"the disk is full. Not kept: \d+ of 40 answers"):
        full_ledger.settle(outcomes)
    report = full_ledger.report(run)
    assert 0 < report.answered < 40
    assert report.answered + report.in_flight == 40
    assert report.reserved_usd == pytest.approx(report.in_flight * most_it_costs(ask(), PRICES[MODEL]))
    fill(full_ledger, 1000)
    full_ledger.settle(outcomes)
    assert full_ledger.report(run).answered == 40


def test_a_file_that_may_not_grow_gives_an_error_in_words_and_a_sound_ledger(tmp_path):
    """A limit on the size of files is what a full disk looks like to a process."""
    body = """
        from configs.errors import NightquestError
        resource.setrlimit(resource.RLIMIT_FSIZE, (800_000, 800_000))
        granted = 0
        try:
            while granted < 1000:
                ledger.claim(a_run(), PLENTY, [ask(user="x" * 3000 + str(granted))], PRICES)
                granted += 1
        except NightquestError as error:
            print(granted, error.exit_code, error, flush=True)
        os._exit(0)
    """
    with in_a_process(tmp_path, body, before="signal.signal(signal.SIGXFSZ, signal.SIG_IGN)") as process:
        said = process.stdout.read()
    granted, code, text = said.split(" ", 2)
    assert code == "3"
    assert "so nothing was sent: the disk is full" in text
    with ledger_at(tmp_path) as ledger:
        assert ledger.report(a_run(), whole_night=True).in_flight_at_kill == int(granted) > 3
        assert ledger.file.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: b"not a database at all" * 500, id="other content"),
        pytest.param(lambda data: data[: len(data) // 2], id="cut in half"),
        pytest.param(lambda data: data[:100] + b"\0" * (len(data) - 100), id="zeros"),
    ],
)
def test_a_damaged_file_is_an_error_that_says_what_to_do(tmp_path, damage):
    with ledger_at(tmp_path) as ledger:
        claims = ledger.claim(a_run(), PLENTY, asks(300), PRICES)
        ledger.settle([written(claim) for claim in claims])
    path = file_of(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    with (
        pytest.raises(NightquestError, match=r"(damaged|not a spending ledger).*(Bring back|Move it away)"),
        ledger_at(tmp_path) as ledger,
    ):
        ledger.claim(a_run(), PLENTY, asks(300), PRICES)


def test_another_applications_database_is_left_alone(tmp_path):
    file_of(tmp_path).parent.mkdir()
    connection = sqlite3.connect(file_of(tmp_path))
    connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    with pytest.raises(NightquestError, match="is not a spending ledger"), ledger_at(tmp_path):
        pass
    connection = sqlite3.connect(file_of(tmp_path))
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]
    connection.close()


@pytest.mark.parametrize(("oldest_reader", "opens"), [(1, True), (2, False)])
def test_a_newer_file_opens_only_if_it_says_that_this_version_can_read_it(tmp_path, oldest_reader, opens):
    with ledger_at(tmp_path):
        pass
    connection = sqlite3.connect(file_of(tmp_path))
    connection.execute("PRAGMA user_version = 2")
    connection.execute("UPDATE meta SET value = ? WHERE name = 'oldest_reader'", (oldest_reader,))
    connection.execute("ALTER TABLE question ADD COLUMN later TEXT")
    connection.commit()
    connection.close()
    if opens:
        with ledger_at(tmp_path) as ledger:
            assert isinstance(claim_one(ledger, ask()), Attempt)
    else:
        with pytest.raises(NightquestError, match=r"newer Nightquest.*Update Nightquest"), ledger_at(tmp_path):
            pass


def test_a_folder_that_cannot_be_made_is_an_error_in_words(tmp_path):
    (tmp_path / "ledger").write_text("a file where the folder should be")
    with pytest.raises(NightquestError, match=r"The folder .* cannot be made"), ledger_at(tmp_path):
        pass


def test_a_ledger_held_too_long_by_another_is_busy(tmp_path, monkeypatch):
    with ledger_at(tmp_path) as ledger:
        ledger.file.connection.execute("PRAGMA busy_timeout = 50")
        other = sqlite3.connect(file_of(tmp_path), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(NightquestError, match="another process has been writing") as caught:
            claim_one(ledger, ask())
        assert caught.value.exit_code == 3
        other.execute("ROLLBACK")
        other.close()
        assert isinstance(claim_one(ledger, ask()), Attempt)


def test_an_error_inside_is_not_hidden_by_one_while_closing(tmp_path):
    def broken():
        with open_ledger(tmp_path, Clock()) as ledger:
            ledger.file.connection.close()
            raise KeyError

    with pytest.raises(KeyError):
        broken()


def test_every_commit_is_synchronous(tmp_path):
    with ledger_at(tmp_path) as ledger:
        assert ledger.file.connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert ledger.file.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_the_file_holds_no_text_twice(tmp_path):
    system = "A long system text. " * 200
    with ledger_at(tmp_path) as ledger:
        claims = ledger.claim(a_run(), PLENTY, asks(100, system=system), PRICES)
        ledger.settle([written(claim, f"unmistakable {claim.id} text") for claim in claims])
    data = file_of(tmp_path).read_bytes()
    assert data.count(system.encode()) <= 1
    assert data.count(b"unmistakable 7 text") == 1
    assert file_of(tmp_path).stat().st_size < 300_000

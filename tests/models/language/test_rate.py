import datetime as dt
import heapq
import math
from collections import deque

import httpx2
import pytest

from models.language.providers.anthropic import Anthropic
from models.language.providers.provider import Provider
from models.language.rate import Pace, read_limits, retry_after_s

NOW = dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC)
LIMIT, TOKENS = 500, 200_000
LATENCY_S = 1.5
HEADERS = Provider.limit_headers


def test_openais_headers_tell_requests_and_tokens():
    headers = httpx2.Headers(
        {
            "X-RateLimit-Limit-Requests": "500", "x-ratelimit-remaining-requests": "499",
            "x-ratelimit-limit-tokens": "200000", "x-ratelimit-remaining-tokens": "150000", "x-request-id": "req_1",
        }
    )  # fmt: skip
    assert read_limits(headers, HEADERS) == {"requests": 500, "tokens": 200_000}


def test_anthropics_headers_tell_input_and_output_apart():
    headers = {
        f"anthropic-ratelimit-{kind}-{field}": value
        for kind in ("requests", "input-tokens", "output-tokens")
        for field, value in (("limit", "50"), ("remaining", "40"), ("reset", "2024-03-01T12:00:12Z"))
    }
    assert read_limits(headers, Anthropic.limit_headers) == dict.fromkeys(("requests", "input", "output"), 50)


def test_headers_that_say_nothing_readable_are_left_out():
    headers = {"x-ratelimit-limit-requests": "many", "x-ratelimit-limit-tokens": "9"}
    assert read_limits(headers, HEADERS) == {"tokens": 9}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7), ({"Retry-After": "0.5"}, 0.5), ({"retry-after-ms": "120", "retry-after": "1"}, 0.12),
        ({"retry-after": "Fri, 01 Mar 2024 12:00:20 GMT"}, 20), ({"retry-after": "later"}, None), ({}, None),
    ],
)  # fmt: skip
def test_retry_after_is_read_in_all_its_forms(headers, seconds):
    assert retry_after_s(headers, NOW) == seconds


class Server:
    """A provider in time that a test makes pass: a bucket, or windows fixed or sliding."""

    def __init__(self, kind: str, requests: float = LIMIT, tokens: float = TOKENS, burst: float = 1.0) -> None:
        self.kind, self.limits, self.burst = kind, {"requests": requests, "tokens": tokens}, burst
        self.left = {name: limit * burst for name, limit in self.limits.items()}
        self.at, self.window = 0.0, 0
        self.log: deque[tuple[float, dict[str, float]]] = deque()
        self.admitted, self.refused, self.tokens = 0, 0, 0.0

    def ask(self, now: float, tokens: float, spent: float) -> tuple[bool, dict[str, str]]:
        wants = {"requests": 1.0, "tokens": tokens}
        self._pass(now)
        ok = all(self.left[name] >= wanted for name, wanted in wants.items())
        if ok:
            self.admitted += 1
            self.tokens += spent
            self.log.append((now, {"requests": 1.0, "tokens": spent}))
            for name, wanted in wants.items():
                self.left[name] -= wanted
        else:
            self.refused += 1
        return ok, self._headers()

    def settle(self, tokens: float, spent: float) -> None:
        self.left["tokens"] += tokens - spent

    def _pass(self, now: float) -> None:
        for name, limit in self.limits.items():
            if self.kind == "bucket":
                self.left[name] = min(limit * self.burst, self.left[name] + (now - self.at) * limit / 60)
            elif self.kind == "fixed" and int(now // 60) != self.window:
                self.left[name] = limit
            elif self.kind == "sliding":
                self.left[name] += sum(spent[name] for at, spent in self.log if at <= now - 60)
        if self.kind == "sliding":
            while self.log and self.log[0][0] <= now - 60:
                self.log.popleft()
        self.at, self.window = now, int(now // 60)

    def _headers(self) -> dict[str, str]:
        made = {}
        for name, limit in self.limits.items():
            made |= {
                f"x-ratelimit-limit-{name}": f"{limit}",
                f"x-ratelimit-remaining-{name}": f"{math.floor(self.left[name])}",
            }
        return made


def simulate(server: Server, *, clients: int, need: tuple[int, int], spent: int, minutes: int = 6, told: bool = True):
    """Clients that always have something to ask: shares of the allowance used, after minute 1, and of calls refused."""
    time = 0.0
    paces = [Pace(LIMIT, TOKENS, HEADERS, clock=lambda: time) for _ in range(clients)]
    events: list[tuple[float, int, str, int, object]] = [(0.01 * i, i, "ask", i, None) for i in range(clients)]
    order = clients
    used_before = (0, 0.0)
    while events and events[0][0] < minutes * 60:
        time, _, what, i, about = heapq.heappop(events)
        if time < 60:
            used_before = (server.admitted, server.tokens)
        order += 1
        if what == "ask":
            wait = paces[i].wait_s()
            if wait > 0:
                heapq.heappush(events, (time + min(max(wait, 0.001), 1.0), order, "ask", i, None))
                continue
            ticket = paces[i].take(*need)
            ok, headers = server.ask(time, sum(need), spent)
            heapq.heappush(events, (time + LATENCY_S if ok else time + 0.05, order, "told", i, (ok, ticket, headers)))
            heapq.heappush(events, (time, order + 1, "ask", i, None))
            order += 1
        else:
            ok, ticket, headers = about
            if ok:
                server.settle(sum(need), spent)
                paces[i].answered(ticket, headers if told else {}, spent // 2, spent - spent // 2)
            else:
                paces[i].refused(ticket, headers if told else {}, 1.0)
    rest = minutes - 1
    return (
        (server.admitted - used_before[0]) / server.limits["requests"] / rest,
        (server.tokens - used_before[1]) / server.limits["tokens"] / rest,
        server.refused / max(1, server.refused + server.admitted),
    )


SHORT, LONG = (150, 100), (1200, 1500)


@pytest.mark.parametrize(
    ("kind", "need", "spent", "binds", "least"),
    [
        ("bucket", SHORT, 200, 0, 0.97), ("bucket", LONG, 1600, 1, 0.97), ("fixed", SHORT, 200, 0, 0.95),
        ("fixed", LONG, 1600, 1, 0.95), ("sliding", SHORT, 200, 0, 0.95), ("sliding", LONG, 1600, 1, 0.88),
    ],
)  # fmt: skip
def test_an_allowance_is_used_up_and_hardly_ever_overdrawn_whatever_window_counts_it(kind, need, spent, binds, least):
    *used, refused = simulate(Server(kind), clients=1, need=need, spent=spent)
    assert used[binds] >= least
    assert refused <= 0.015


@pytest.mark.parametrize(("need", "spent", "binds", "most"), [(SHORT, 200, 0, 0.03), (LONG, 1600, 1, 0.08)])
def test_two_processes_share_an_account_by_slowing_down_after_429s(need, spent, binds, most):
    *used, refused = simulate(Server("bucket"), clients=2, need=need, spent=spent)
    assert used[binds] >= 0.95
    assert refused <= most


def test_a_provider_that_lets_little_go_at_once_is_asked_evenly():
    requests, _, refused = simulate(Server("bucket", burst=0.05), clients=1, need=SHORT, spent=200)
    assert requests >= 0.95
    assert refused <= 0.01


def test_without_headers_the_configured_limits_hold():
    requests, _, refused = simulate(Server("bucket"), clients=1, need=SHORT, spent=200, told=False)
    assert 0.95 <= requests <= 1
    assert refused == 0


def test_a_limit_that_is_lower_than_configured_is_learnt():
    requests, _, refused = simulate(Server("bucket", requests=100), clients=1, need=SHORT, spent=200)
    assert requests >= 0.95
    assert refused <= 0.02


def test_after_a_429_nobody_sends_until_the_provider_wants_it():
    time = 100.0
    pace = Pace(LIMIT, TOKENS, HEADERS, clock=lambda: time)
    pace.refused(pace.take(*SHORT), {}, 30)
    assert pace.wait_s() == 30
    time += 30
    assert pace.wait_s() <= 0


def test_after_429s_everybody_is_slower_for_a_while_and_then_as_fast_as_before():
    time = 100.0
    pace = Pace(LIMIT, TOKENS, HEADERS, clock=lambda: time)

    def sent_in_a_minute():
        nonlocal time
        began, sent = time, 0
        while time < began + 60:
            if (wait := pace.wait_s()) <= 0:
                pace.take(*SHORT)
                sent += 1
            time += max(wait, 0.001)
        return sent

    sent_in_a_minute()
    for _ in range(10):  # at one time: they count as one
        pace.refused(pace.take(*SHORT), {}, 0)
    slowed, recovered = sent_in_a_minute(), sent_in_a_minute()
    assert 0.8 * LIMIT < slowed < 0.97 * LIMIT < recovered < LIMIT


def test_what_was_not_sent_is_given_back():
    time = 100.0
    pace = Pace(LIMIT, TOKENS, HEADERS, clock=lambda: time)
    while pace.wait_s() <= 0:
        last = pace.take(*SHORT)
    pace.unused(last)
    assert pace.wait_s() <= 0


def test_limits_on_input_and_output_take_the_place_of_a_guess_at_both():
    headers = {
        f"anthropic-ratelimit-{kind}-{field}": value
        for kind, limit in (("requests", "1000"), ("input-tokens", "100000"), ("output-tokens", "8000"))
        for field, value in (("limit", limit), ("remaining", limit), ("reset", "2024-03-01T12:00:00Z"))
    }
    time = 0.0
    pace = Pace(LIMIT, 60, Anthropic.limit_headers, clock=lambda: time)
    ticket = pace.take(100, 50)
    assert pace.wait_s() > 60
    pace.answered(ticket, headers, 100, 50)
    sent = 0
    while time < 120:
        wait = pace.wait_s()
        if wait <= 0:
            pace.answered(pace.take(100, 50), {}, 100, 50)
            sent += 1
        time += max(wait, 0.001)  # as the client waits
    assert 1.95 * 8000 <= sent * 50 <= 3 * 8000  # what comes in within two minutes, and what was there before

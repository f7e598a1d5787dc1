import pytest

from tests.benchmarks import killed


@pytest.mark.slow
def test_nights_killed_at_random_moments_are_finished_and_buy_nothing_twice_but_what_was_in_flight(tmp_path, capsys):
    figures = killed.measure(tmp_path, kills=8, briefs=60)
    assert figures["kills"] == 8
    assert figures["unanswered"] == figures["unexplained"] == figures["underbooked"] == 0
    assert figures["twice"] <= figures["in_flight"]
    assert "live anthropic" in capsys.readouterr().out


def test_the_benchmark_fails_when_a_promise_is_broken():
    assert not killed.Tally(twice=3, in_flight=3).broken
    for tally in (
        killed.Tally(twice=3, in_flight=2),
        killed.Tally(unexplained=1),
        killed.Tally(unanswered=1),
        killed.Tally(underbooked=1),
    ):
        assert tally.broken

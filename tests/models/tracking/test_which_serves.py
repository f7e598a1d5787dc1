"""Which version serves a night: never one that knew the night's day."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from models.tracking.which_serves import FIRST_NIGHT, PROMOTED, TRAINED_TO, Candidate, version_for


def day(n):
    return dt.date(2026, 5, 1) + dt.timedelta(days=n)


def version(number, knew, *, promoted=True, first=None):
    return Candidate(number, day(knew), day(knew + 1 if first is None else first), promoted)


def test_of_a_tag_that_is_no_day_any_more_nothing_is_known():
    tags = {TRAINED_TO: "long ago", FIRST_NIGHT: "2026-05-02", PROMOTED: "by its contest"}
    assert Candidate.of(3, tags) == Candidate(3, None, day(1), promoted=True)


def test_the_champion_serves_every_night_after_its_data_whoever_chose_it():
    versions = [version(1, 0), version(2, 7), version(3, 14, promoted=False)]
    assert version_for(day(30), 2, versions) == 2
    assert version_for(day(30), 1, versions) == 1
    assert version_for(day(30), 3, versions) == 3


def test_a_night_of_before_is_served_by_the_newest_that_was_promoted_by_then():
    versions = [version(1, 0), version(2, 7, promoted=False), version(3, 14), version(4, 21)]
    assert [version_for(day(n), 4, versions) for n in (1, 8, 14, 15, 21, 22)] == [1, 1, 1, 3, 3, 4]


def test_a_version_that_was_trained_as_of_a_later_day_was_not_there_yet():
    versions = [version(1, 0), version(2, 7, first=10)]
    assert version_for(day(9), 2, versions) == 1
    assert version_for(day(10), 2, versions) == 2


def test_of_two_that_may_serve_it_is_not_the_number_but_the_days_known_that_count():
    versions = [version(1, 7), version(2, 21), version(3, 0)]  # the last was made for nights of before
    assert [version_for(day(n), 2, versions) for n in (1, 7, 8, 21, 22)] == [3, 3, 1, 1, 2]


def test_nothing_serves_before_all_versions_and_where_no_version_is_the_champion():
    assert version_for(day(0), 1, [version(1, 0)]) is None
    assert version_for(day(9), None, [version(1, 0)]) is None


def test_versions_of_before_these_tags_serve_where_they_are_champion():
    assert version_for(day(5), 1, [Candidate.of(1, {})]) == 1
    assert version_for(day(5), 1, [Candidate.of(1, {"trained_to": str(day(5))})]) is None


@given(
    st.lists(st.tuples(st.integers(0, 40), st.booleans()), min_size=1, max_size=8),
    st.integers(0, 45),
    st.integers(0, 7),
)
def test_none_that_serves_ever_knew_the_day(trained, night, champion):
    versions = [version(n, knew, promoted=promoted) for n, (knew, promoted) in enumerate(trained, start=1)]
    chosen = version_for(day(night), min(champion + 1, len(versions)), versions)
    if chosen is not None:
        assert versions[chosen - 1].trained_to < day(night)

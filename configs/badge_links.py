"""What one badge says of others and of metrics, held against them."""

from collections.abc import Iterator, Mapping

from configs.badges import Badge
from configs.metrics import Metric


def badge_problems(badges: Mapping[str, Badge], metrics: Mapping[str, Metric]) -> Iterator[str]:
    """A sentence for each badge that names what is not there, or that what it requires keeps out of reach for good."""
    for name, badge in badges.items():
        for needed in badge.requires:
            if needed not in badges:
                yield f"badges.{name}.requires: '{needed}' is not one of the badges ({', '.join(badges)})"
        if badge.repeat and badge.repeat.of:
            yield from _counting_problems(name, badge.repeat.of, metrics)
    for circle in _circles({name: badge.requires for name, badge in badges.items()}):
        way = " needs ".join(f"'{name}'" for name in (*circle, circle[0]))
        yield f"badges.{circle[0]}.requires: {way}, so that nobody could ever earn them; leave one of these out"


def _counting_problems(badge: str, of: str, metrics: Mapping[str, Metric]) -> Iterator[str]:
    if of not in metrics:
        yield f"badges.{badge}.repeat.of: '{of}' is not one of the metrics ({', '.join(metrics)})"
    elif not metrics[of].aggregation.adds_up:
        summing = ", ".join(name for name, metric in metrics.items() if metric.aggregation.adds_up)
        yield f"badges.{badge}.repeat.of: '{of}' is a {metrics[of].agg}, which does not add up; use one of {summing}"


def _circles(needs: Mapping[str, list[str]]) -> Iterator[tuple[str, ...]]:
    """Each circle once, from its first badge in the order of the file."""
    done: set[str] = set()
    for start in needs:
        way = _way_back(start, needs, done)
        if way:
            done.update(way)
            yield way


def _way_back(start: str, needs: Mapping[str, list[str]], done: set[str]) -> tuple[str, ...]:
    """The shortest way along what badges need that leads from a badge back to it; empty for none."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    for way in ways:
        for needed in needs.get(way[-1], []):
            if needed == start:
                return way
            if needed not in seen and needed not in done:
                seen.add(needed)
                ways.append((*way, needed))
    return ()

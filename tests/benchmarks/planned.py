"""Plan one night with a watch on what is worked on in buckets; nothing is issued.

A process of its own, as engines.py starts it. It loads nothing before it plans, since its workers would load that too.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

import flows  # noqa: F401 (as every command does: it says how many threads numpy may have)


def planned(home: Path) -> dict[str, Any]:
    """Seconds in buckets, by the clock, of this process and of its workers, and in the whole of planning; the plan."""
    import datetime as dt  # noqa: PLC0415

    from configs.loader import load_app  # noqa: PLC0415
    from configs.settings import Settings  # noqa: PLC0415
    from pipelines.engines.buckets import Buckets  # noqa: PLC0415
    from pipelines.night.champions import load_champions  # noqa: PLC0415
    from pipelines.night.open_night import open_night  # noqa: PLC0415
    from pipelines.night.plan import plan  # noqa: PLC0415
    from tests.benchmarks.delivery import new_day  # noqa: PLC0415
    from tests.pipelines.nights import context_of  # noqa: PLC0415

    in_buckets: list[tuple[float, ...]] = []
    each: Callable[..., Any] = Buckets.each

    def watched(*given: Any) -> Any:
        before = _now()
        found = each(*given)
        in_buckets.append(tuple(after - was for after, was in zip(_now(), before, strict=True)))
        return found

    Buckets.each = watched  # type: ignore[method-assign]
    with open_night(
        load_app("trading"), new_day(), dt.datetime.now(dt.UTC), context_of(Settings(home=home))
    ) as tonight:
        champions = load_champions(tonight)
        begun = time.perf_counter()
        found = plan(tonight, champions)
        took = time.perf_counter() - begun
    if any("engine" in note for note in found.notes):
        sys.exit("; ".join(found.notes))
    chosen = found.plan.challenges.select("player_key", "metric", "window_days", "target")
    told = chosen.sort(chosen.columns).write_csv()
    clock_s, here_s, workers_s = map(sum, zip(*in_buckets, strict=True))
    return {"buckets_s": clock_s, "here_cpu_s": here_s, "workers_cpu_s": workers_s, "plan_s": took, "plan": told}


def _now() -> tuple[float, float, float]:
    """The clock, what this process has spent, and what those that it started have."""
    times = [process.cpu_times() for process in psutil.Process().children()]
    return time.perf_counter(), time.process_time(), sum(each.user + each.system for each in times)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        os.sched_setaffinity(0, {int(sys.argv[2])})
    sys.stdout.write(json.dumps(planned(Path(sys.argv[1]))) + "\n")

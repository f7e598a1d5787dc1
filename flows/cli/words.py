"""Words ahead of a night: their price, and one player's."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from configs.loader import load_app
from configs.settings import Settings
from flows.clock import clock, run_id
from flows.parameters import check_day
from flows.progress import report
from pipelines.night import preview
from pipelines.night.open_night import Tonight
from pipelines.words.wishes import BY_HAND, RunContext, Wishes


def price_night(settings: Settings, app: str, as_of: dt.date | None, wished: Wishes) -> preview.Priced:
    """What the coming night of an app would ask, and for how much."""
    with _coming_night(settings, app, as_of, wished) as tonight:
        return preview.price_night(tonight)


def write_by_hand(
    settings: Settings, app: str, user_id: str, as_of: dt.date | None, wished: Wishes
) -> list[dict[str, Any]]:
    """Write for one player what the coming night would; nothing is issued."""
    with _coming_night(settings, app, as_of, wished, BY_HAND) as tonight:
        return preview.write_by_hand(tonight, user_id)


@contextmanager
def _coming_night(
    settings: Settings, app: str, as_of: dt.date | None, wished: Wishes, occasion: str = ""
) -> Iterator[Tonight]:
    loaded, now = load_app(app), clock()
    day = check_day(loaded.app, as_of, now)
    context = RunContext(settings, wished, clock, report, run_id(now), occasion and f"{occasion} {now:%Y-%m-%d}")
    with preview.look_ahead(loaded, day, now, context) as tonight:
        yield tonight

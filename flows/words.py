"""Words outside of a night: their price, one player's, what was spent, and the prompts that serve."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from configs.loader import load_app
from configs.prompt import read_prompts
from configs.settings import Settings
from flows.clock import clock, run_id
from flows.parameters import check_day
from flows.progress import report
from models.language.ledger import Run, open_ledger
from pipelines import ahead
from pipelines.content.wishes import Wishes
from pipelines.nightly import Tonight
from pipelines.stores import open_prompts
from pipelines.studio import BY_HAND, Wants


def price_night(settings: Settings, app: str, as_of: dt.date | None, wished: Wishes) -> ahead.Priced:
    """What the coming night of an app would ask, and for how much."""
    with _coming_night(settings, app, as_of, wished) as tonight:
        return ahead.price_night(tonight)


def write_by_hand(
    settings: Settings, app: str, user_id: str, as_of: dt.date | None, wished: Wishes
) -> list[dict[str, Any]]:
    """Write for one player what the coming night would; nothing is issued."""
    with _coming_night(settings, app, as_of, wished, BY_HAND) as tonight:
        return ahead.write_by_hand(tonight, user_id)


@contextmanager
def _coming_night(
    settings: Settings, app: str, as_of: dt.date | None, wished: Wishes, occasion: str = ""
) -> Iterator[Tonight]:
    loaded, now = load_app(app), clock()
    day = check_day(loaded.app, as_of, now)
    wants = Wants(settings, wished, clock, report, run_id(now), occasion and f"{occasion} {now:%Y-%m-%d}")
    with ahead.look_ahead(loaded, day, now, wants) as tonight:
        yield tonight


def spending(settings: Settings, app: str | None) -> dict[str, Any]:
    """What was spent: this month, night by night, and what is still out."""
    with open_ledger(settings.home, clock) as ledger:
        return {
            "month_usd": ledger.spent_in_month(),
            "max_cost_usd_per_month": settings.max_cost_usd_per_month,
            "max_cost_usd": settings.max_cost_usd,
            "nights": [
                {"app": name, "night": night} | asdict(ledger.report(Run(name, night, ""), whole_night=True))
                for name, night in ledger.nights(app)
            ],
        }


def prompts(settings: Settings) -> list[dict[str, Any]]:
    """Every prompt: the version of its file, and which version serves."""
    files, registry = read_prompts(), open_prompts(settings)
    registered = registry.register(files)
    serving = registry.fetch(files)
    return [
        {
            "prompt": name,
            "file": prompt.version,
            "serves": serving.prompts[name].version,
            "registry_version": serving.versions.get(name),
            "new_version": registered.new.get(name),
        }
        for name, prompt in sorted(files.items())
    ]


def promote_prompt(settings: Settings, name: str, version: int) -> None:
    """Let a version of a prompt serve."""
    open_prompts(settings).promote(name, version)

"""Likely mistakes in the rewards of an app file, and how its offers read."""

from collections import defaultdict
from collections.abc import Iterator

import polars as pl

from configs.app import App
from configs.rewards import Offer
from pipelines.badges.lint import Advice
from pipelines.rewards.price import price
from pipelines.rewards.words import amount_words

SHOWN = (1, 5, 10)  # difficulties that a price is shown at
USUAL_MINUTES = 15


def lint_rewards(app: App) -> list[Advice]:
    """Everything odd in the rewards of a file."""
    return [*_unreachable(app), *_unused(app), *_alike(app), *_starved(app)]


def reward_samples(app: App) -> list[dict[str, str]]:
    """How each offer reads, points at difficulties 1, 5 and 10 and a quarter of an hour: of, form, text."""
    kinds, language = app.rewards.kinds(app.badges), app.voice.languages[0]
    rows = [
        {"of": f"rewards.tables.{name.replace('/', '.')}", "item": offer.gives, "level": level, "amount": amount}
        for name, offer in app.rewards.offers.items()
        for level, amount in _prices(app, offer)
    ]
    if not rows:
        return []
    said = pl.DataFrame(rows).with_columns(text=amount_words(app, kinds, pl.lit(language), [language]))
    return [
        {"of": row["of"], "form": f"difficulty {row['level']}" if row["level"] else "gives", "text": row["text"]}
        for row in said.to_dicts()
    ]


def _prices(app: App, offer: Offer) -> list[tuple[int, int]]:
    """Difficulty and points; of what is given once a single row of difficulty 0."""
    if app.rewards.kinds(app.badges)[offer.gives] not in {"xp", "points"}:
        return [(0, 1)]
    low, high = offer.difficulty
    levels = sorted({min(max(level, low), high) for level in SHOWN})
    frame = pl.DataFrame({"level": levels, "minutes": [USUAL_MINUTES] * len(levels)})
    return frame.select("level", price(offer.price, offer.chance, pl.col("level"), pl.col("minutes"))).rows()


def _unreachable(app: App) -> Iterator[Advice]:
    """Offers that can come with nothing, and tables that nobody has."""
    served = app.rewards.served
    for table in app.rewards.tables:
        if table not in served:
            told = "no player has this table: the first one serves, or those of an experiment"
            yield Advice(f"rewards.tables.{table}", told, "name it among rewards.experiment.arms, or leave it out")
    for name, offer in app.rewards.offers.items():
        key = f"rewards.tables.{name.replace('/', '.')}"
        written = [kind for kind in offer.types if kind in app.content.types]
        if not written:
            told = f"nothing comes with it: the app writes no {' or '.join(offer.types)}"
            yield Advice(f"{key}.types", told, "add one of them to content.types, or leave the offer out")
        elif offer.days != "any" and written == ["custom_achievement"]:
            told = "nothing comes with it: an achievement has no last day"
            yield Advice(f"{key}.days", told, "name another type that is written, or say any")
        badge = app.badges.get(offer.gives)
        if badge and badge.state != "open":
            told = f"the badge is {badge.state.replace('_', ' ')}, so that nobody is offered it"
            yield Advice(f"{key}.gives", told, "open it, or leave the offer out")


def _unused(app: App) -> Iterator[Advice]:
    rewards = app.rewards
    for section in ("points", "titles", "unlocks", "budgets"):
        for name in getattr(rewards, section):
            if name not in rewards.given:
                yield Advice(f"rewards.{section}.{name}", "no offer gives it", "let a table give it, or leave it out")


def _alike(app: App) -> Iterator[Advice]:
    """What reads the same and is not."""
    read = defaultdict(list)
    for name, points in app.rewards.points.items():
        read[points.unit.casefold()].append(f"points.{name}")
    for section in ("titles", "unlocks"):
        for name, text in getattr(app.rewards, section).items():
            read[text.casefold()].append(f"{section}.{name}")
    for names in read.values():
        for name in names[1:]:
            yield Advice(f"rewards.{name}", f"it reads the same as rewards.{names[0]}", "name them apart")


def _starved(app: App) -> Iterator[Advice]:
    """Budgets that do not pay for a single promise of the cheapest offer."""
    for item, budget in app.rewards.budgets.items():
        cheapest = {
            name: min(amount for _, amount in _prices(app, offer))
            for name, offer in app.rewards.offers.items()
            if offer.gives == item
        }
        if not cheapest:
            continue
        least = min(cheapest.values())
        likely = least * app.challenges.min_plays * app.challenges.target_probability
        told = f"it does not pay for one promise of the cheapest offer, {least:,}"
        if budget.worst is not None and budget.worst < least:
            yield Advice(f"rewards.budgets.{item}.worst", told, "raise it, or lower the price")
        elif budget.expected is not None and budget.expected < likely:
            yield Advice(f"rewards.budgets.{item}.expected", told, "raise it, or lower the price")
        elif budget.paid is not None and budget.paid < least:
            yield Advice(f"rewards.budgets.{item}.paid", told, "raise it, or lower the price")

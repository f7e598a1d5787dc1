"""What rewards are called: points with their nouns, titles, unlocks and badges. Loads nothing that a look need not."""

from configs.app import App
from configs.nouns import plural_of, singular_unit
from configs.rewards import XP
from configs.wording import plain


def item_title(app: App, item: str) -> str:
    """What an item is called, points in the plural; its name where the app has it no more."""
    rewards = app.rewards
    if item in rewards.points:
        return nouns_of(app, item)[1]
    named = rewards.titles.get(item) or rewards.unlocks.get(item)
    badge = app.badges.get(item)
    return plain(named or (badge.title if badge else "XP" if item == XP else item.replace("_", " ")))


def nouns_of(app: App, points: str) -> tuple[str, str]:
    """One and several of some points; who writes 'coins' as the unit means one coin and several."""
    unit, plural = plain(app.rewards.points[points].unit), plain(app.rewards.points[points].plural)
    if not plural and (single := singular_unit(unit)) != unit:
        return single, unit
    return unit, plural or plural_of(unit)

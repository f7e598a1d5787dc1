"""Rewards of what was settled: paid once, to the ledger and, of badges, to the badges held; taken back as XP is."""

from pipelines.badges.rules.award import name_awards, write_awards
from pipelines.badges.rules.revoke import take_back
from pipelines.known import Known


def pay_rewards(known: Known) -> None:
    """Pay what the promises settled by this night give beside XP; all or nothing, and nothing a second time.

    The ledger follows the settlements that stand: a promise that pays its XP pays its rewards, and where an event was
    taken back and the app's `on_retraction` takes the XP, a row below zero takes the rewards, too.

    Args:
        known: What the night may see; its settlements are written.
    """
    if not known.value("SELECT count(*) FROM (FROM promised_rewards LIMIT 1)"):
        return
    pins = {"as_of": known.as_of}
    with known.warehouse.transaction():
        known.run(known.fixed("rewards/pay_rewards"), {**pins, "cut": known.cut})
        take_back(known, known.frame(known.fixed("rewards/badges_to_take_back"), pins))
        given = known.frame(known.fixed("rewards/badges_to_give"), pins)
        if given.height:
            named = name_awards(known.warehouse, known.app, given.drop("citation"))
            cited = given.select("player_key", "badge_id", "citation")
            write_awards(known, named.join(cited, on=["player_key", "badge_id"], maintain_order="left"))

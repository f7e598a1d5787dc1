"""What offers may not exceed: how many there are, what a player holds already, what a night may promise.

Each of these takes rows of candidates (offer, item, kind, player_key, slot, place, lot, amount, probability) in their
order of place, lot, player_key and slot, and leaves some out; none can undo what the one before has seen to.
"""

import datetime as dt
from collections.abc import Mapping

import polars as pl

from configs.rewards import Budget, Offer
from pipelines.challenges.settle import settling_limits
from pipelines.known import Known

PASSES = 8  # over what a budget has no room for
SPANS = ("night", "week", "ever")
WEEK = 7
_SCOPES = ("at_most", "each")
ONCE = ("title", "unlock", "badge")  # what nobody is given twice


def live_promises(known: Known) -> pl.DataFrame:
    """What earlier nights and revisions promised and counts still, by player and offer; see live_rewards.sql.

    Of offers without a limit only this night's earlier revisions are looked at.
    """
    kinds = known.app.rewards.kinds(known.app.badges)
    counted = [
        name
        for name, offer in known.app.rewards.offers.items()
        if kinds.get(offer.gives) in ONCE or any(getattr(offer, s).model_dump(exclude_none=True) for s in _SCOPES)
    ]
    pins = {
        "as_of": known.as_of,
        "revision": known.night.revision,
        "week_from": known.as_of - dt.timedelta(days=WEEK - 1),
        "grace_from": settling_limits(known)["grace_from"],
    }
    with known.lend(counted=pl.DataFrame({"offer": counted}, schema={"offer": pl.String})):
        return known.frame(known.fixed("rewards/live_rewards"), pins)


def reserved(known: Known) -> dict[str, int]:
    """What is promised of each item with a budget of what is paid, and may still have to be paid on some night."""
    bound = [item for item, budget in known.app.rewards.budgets.items() if budget.paid is not None]
    if not bound:
        return {}
    pins = {
        "as_of": known.as_of,
        "revision": known.night.revision,
        "grace_from": settling_limits(known)["grace_from"],
        "revokes": known.app.on_retraction == "revoke",
    }
    with known.lend(bound=pl.DataFrame({"item": bound}, schema={"item": pl.String})):
        return dict(known.rows(known.fixed("rewards/reserved_rewards"), pins))


def without_held(known: Known, rows: pl.DataFrame, live: pl.DataFrame) -> pl.DataFrame:
    """No title, unlock or badge that the player holds or has been promised, and none twice in a night."""
    own = ["player_key", "item"]
    once = pl.col("kind").is_in(ONCE)
    if not rows.select(once.any()).item():
        return rows
    held = known.frame(known.fixed("rewards/held_rewards"), {"as_of": known.as_of})
    had = pl.concat([held.select(own), live.select(own)]).unique().with_columns(had=pl.lit(value=True))
    marked = rows.join(had, on=own, how="left", maintain_order="left")
    first = pl.struct(own).is_first_distinct()
    return marked.filter(~once | (pl.col("had").is_null() & first)).drop("had")


def within_limits(rows: pl.DataFrame, offers: Mapping[str, Offer], live: pl.DataFrame) -> pl.DataFrame:
    """As many of an offer as one player, and all together, may be promised."""
    one = _within(rows, offers, live, "each", ["offer", "player_key"], "slot")
    return _within(one, offers, live, "at_most", ["offer"], "lot")


def _within(
    rows: pl.DataFrame, offers: Mapping[str, Offer], live: pl.DataFrame, scope: str, keys: list[str], order: str
) -> pl.DataFrame:
    limits = [(name, *(getattr(getattr(offer, scope), span) for span in SPANS)) for name, offer in offers.items()]
    schema = {"offer": pl.String, **dict.fromkeys(SPANS, pl.Int64)}
    bounds = pl.DataFrame(limits, schema=schema, orient="row").filter(pl.any_horizontal(pl.col(SPANS).is_not_null()))
    if bounds.is_empty():
        return rows
    used = live.group_by(keys).agg(pl.col(f"n_{span}").sum().cast(pl.Int64) for span in SPANS)
    room = pl.min_horizontal(pl.col(span) - pl.col(f"n_{span}").fill_null(0) for span in SPANS)
    marked = rows.join(bounds, on="offer", how="left", maintain_order="left").join(
        used, on=keys, how="left", maintain_order="left"
    )
    nth = pl.col(order).rank("ordinal").over(keys).cast(pl.Int64)
    return marked.filter(room.is_null() | (nth <= room)).select(rows.columns)


def within_budgets(
    rows: pl.DataFrame, budgets: Mapping[str, Budget], live: pl.DataFrame, open_share: Mapping[str, int]
) -> tuple[pl.DataFrame, dict[str, tuple[int, int]]]:
    """What the budgets of the night pay for: offers in the order of the file, and of one by the night's lot.

    What is too dear for what is left of a budget is passed over for what comes after it, a few times. No night pays
    more than `paid`, since all that is open at any time is no more.

    Args:
        rows: Candidates.
        budgets: By item.
        live: From `live_promises`.
        open_share: From `reserved`.

    Returns:
        The rows left; and by item, where its budget binds, how many promises were left out, of how many.
    """
    short: dict[str, tuple[int, int]] = {}
    for item, budget in budgets.items():
        mine, spent = rows.filter(pl.col("item") == item), live.filter(pl.col("item") == item)
        mine = mine.with_columns(
            worst=pl.col("amount").cast(pl.Int64),
            expected=pl.col("amount") * pl.col("probability"),
            paid=pl.col("amount").cast(pl.Int64),
        )
        used = {"worst": spent["worst"].sum(), "expected": spent["expected"].sum(), "paid": open_share.get(item, 0)}
        most = {name: getattr(budget, name) for name in used}
        rooms = {name: bound - float(used[name]) for name, bound in most.items() if bound is not None}
        kept = _paid_for(mine, rooms).drop(*used)
        if kept.height < mine.height:
            short[item] = (mine.height - kept.height, mine.height)
            rows = pl.concat([rows.filter(pl.col("item") != item), kept])
    return rows.sort("place", "lot", "player_key", "slot"), short


def _paid_for(rows: pl.DataFrame, rooms: Mapping[str, float]) -> pl.DataFrame:
    """The first rows whose costs, a column each, fit into their rooms together, and of the others what still does."""
    kept, left, rooms = [rows.clear()], rows, dict(rooms)
    for _ in range(PASSES):
        left = left.filter(pl.col(cost) <= room for cost, room in rooms.items())
        if left.is_empty():
            break
        fits = left.select(
            pl.all_horizontal(pl.col(cost).cum_sum() <= room for cost, room in rooms.items())
        ).to_series()
        kept.append(left.filter(fits))
        rooms = {cost: room - float(kept[-1][cost].sum()) for cost, room in rooms.items()}
        left = left.filter(~fits)
    return pl.concat(kept)

"""Profiles: who each player is, from days before the base day and from what was known at the cut."""

import polars as pl

from configs.app import App
from configs.personas import NOBODY
from pipelines.engines.laid import Frame
from pipelines.known import Known
from pipelines.players.habits import describe_habits
from pipelines.players.languages import spoken
from pipelines.players.membership import HELD, PERSONA, STYLE, belong, memberships_before
from pipelines.players.preferences import describe_preferences
from pipelines.players.runs import describe_streaks
from pipelines.players.standing import mid_rank, strength
from pipelines.players.tastes import describe_tastes, liked_most
from pipelines.players.traits import measure_traits, trait_names

# Completed challenges that the usual share is worth before a player's own count for as much.
PRIOR_CHALLENGES = 8.0
DAYS_TO_KNOW_SKILL = 3.0
DAYS_TO_KNOW_TASTE = 3
# Of the players who still play, this share is in the lowest level, the same share of the others in the next, and so on.
LEVEL_SHARE = 0.6
NOTHING_HELD = pl.DataFrame(schema=HELD)


def describe_players(known: Known, features: Frame, segments: pl.DataFrame) -> pl.DataFrame:
    """What is known of each player.

    Args:
        known: What the night may see.
        features: One row per player, at the night's base day.
        segments: player_key, cohort, judged_as, segment.

    Returns:
        In the order of `features`: player_key, user_id, persona, personas (Struct of shares), style and styles (null:
        the app has none), traits (Struct of -1 to 1), risk_tolerance, skill (0 to 1), skill_level (1 to 10),
        skill_word, preferred_content (null: too little play), completion_rate (null: none settled), activity, language,
        opted_out, segment, cohort, and the Structs of `describe_habits`, `describe_preferences` and `describe_streaks`.
    """
    app = known.app
    who = features.select("player_key")
    with known.lend(asked=who, **known.what_is_over()):
        told = known.frame(known.fixed("players/player_profiles"), {"cut": known.cut, "as_of": known.as_of})
    told = told.with_columns(completion_rate=completion_rate(), language=spoken(app, pl.col("language")))
    rows = who
    for part in (
        told.select("player_key", "user_id", "completion_rate", "language", "opted_out"),
        segments.select("player_key", "cohort", "segment"),
        choose_personas(app, features, seed=known.night.seed, held=memberships_before(known)),
        measure_skill(app, features, segments),
        features.select("player_key", activity=activity(app), preferred_content=preferred_content(app)),
        describe_habits(app, features),
        describe_preferences(known, who),
        describe_streaks(known, who),
    ):
        rows = rows.join(part, on="player_key", how="left", maintain_order="left")
    rows = rows.join(liked_most(describe_tastes(known)), on="player_key", how="left", maintain_order="left")
    rows = rows.with_columns(preferred_content=pl.coalesce("liked", "preferred_content"))
    return rows.select(
        *("player_key", "user_id", "persona", "personas", "style", "styles", "traits", "risk_tolerance"),
        *("skill", "skill_level", "skill_word", "preferred_content", "completion_rate", "activity", "language"),
        *("opted_out", "segment", "cohort", "habits", "engagement", "social", "preferences", "streaks"),
    )


def choose_personas(app: App, features: Frame, *, seed: int, held: pl.DataFrame = NOTHING_HELD) -> pl.DataFrame:
    """player_key, traits, persona, personas (shares), style, styles (shares) and risk_tolerance.

    Args:
        app: Its personas and styles. Without personas every player is a NOBODY, without styles both columns are null.
        features: One row per player.
        seed: Of ties.
        held: From `memberships_before`.
    """
    names = trait_names(app)
    traits = measure_traits(app, features, names)
    rows = traits.select("player_key", traits=pl.struct(pl.col(name).round(3) for name in names))
    for kind, some in ((PERSONA, app.personas), (STYLE, app.profile.styles)):
        if some:
            own = belong(some, traits, held.filter(kind=kind), seed=seed)
            own = own.rename({"counts_as": kind, "shares": f"{kind}s"})
            rows = rows.join(own, on="player_key", how="left", maintain_order="left")
    if not app.personas:
        rows = rows.with_columns(persona=pl.lit(NOBODY), personas=pl.struct(pl.lit(1.0).alias(NOBODY)))
    if not app.profile.styles:
        rows = rows.with_columns(style=pl.lit(None, pl.String), styles=pl.lit(None, pl.String))
    risks = {name: persona.risk_tolerance for name, persona in app.personas.items()} or {NOBODY: 0.5}
    return rows.with_columns(risk_tolerance=pl.col("persona").replace_strict(risks, return_dtype=pl.Float64))


def measure_skill(app: App, features: Frame, segments: pl.DataFrame) -> pl.DataFrame:
    """player_key, skill (0 to 1), skill_level (1 to 10), skill_word: standing among those that one is compared with.

    skill = 0.5 + d / (d + 3) * (s - 0.5), d being the days with play of the last 28 and s the mean standing in the
    metrics of `segments` that tell how well rather than how much (a mean, a best), where the app has any; else half
    the standing in its score, half the mean standing in its features, each per day with play, so that skill is what a
    player does with a day and not how many days there were. skill_level is 1 + the whole tenths of skill,
    skill_word one of the app's levels, by even parts of skill.
    """
    names = list(dict.fromkeys([app.segments.score, *app.segments.features]))
    quality = [name for name in names if not app.metrics[name].aggregation.grows]
    days = pl.col("active_days_28")
    rates = [  # under the features' names, which no other column has whatever a metric is called
        pl.col(f"{name}__28") / (days.clip(1) if app.metrics[name].aggregation.adds_up else 1) for name in names
    ]
    rows = features.select("player_key", days, *rates).join(
        segments.select("player_key", "judged_as"), on="player_key", how="left", maintain_order="left"
    )
    standings = {name: mid_rank(strength(f"{name}__28", app.metrics[name].better), "judged_as") for name in names}
    amount = 0.5 * standings[app.segments.score] + 0.5 * pl.mean_horizontal(standings[n] for n in app.segments.features)
    s = pl.mean_horizontal(standings[name] for name in quality) if quality else amount
    skill = (0.5 + days / (days + DAYS_TO_KNOW_SKILL) * (s - 0.5)).clip(0, 1)
    level = (1 + (pl.col("skill") * 10).floor()).clip(1, 10).cast(pl.Int32)
    words = app.segments.levels
    part = (pl.col("skill") * len(words)).floor().clip(0, len(words) - 1).cast(pl.Int32)
    word = part.replace_strict(dict(enumerate(words)), return_dtype=pl.String)
    return rows.select("player_key", skill=skill).with_columns(skill_level=level, skill_word=word)


def activity(app: App) -> pl.Expr:
    """The engagement level: the lowest without anything in a week, the others by standing in the 28-day value.

    What counts is the app's `engagement.metric`, or events. Of those active within a week the lowest 60 % are in the
    second level, 60 % of the others in the third, and so on.
    """
    levels, metric = app.engagement.levels, app.engagement.metric
    week, month = (f"{metric}__7", f"{metric}__28") if metric else ("events_7", "events_28")
    idle = (pl.col(week).fill_null(0) == 0) & (pl.col("events_7") == 0)
    value = pl.when(~idle).then(pl.col(month).fill_null(0))
    beyond = 1 - (value.rank("average") - 0.5) / value.count()
    place = (beyond.log() / pl.lit(1 - LEVEL_SHARE).log()).floor().clip(0, max(len(levels) - 2, 0)) + 1
    place = pl.when(idle).then(0).otherwise(place).clip(0, len(levels) - 1).cast(pl.Int32)
    return place.replace_strict(dict(enumerate(levels)), return_dtype=pl.String)


def preferred_content(app: App) -> pl.Expr:
    """The challenge metric in which a player stands highest among those who have any of it, by 28-day value per event.

    Null with less than three days of play in 28, or with none of the metrics touched.
    """
    shares = []
    for name in app.challenges.metrics:
        value = pl.col(f"{name}__28")
        rate = value / pl.col("events_28").clip(1) if app.metrics[name].aggregation.adds_up else value
        rate = -rate if app.metrics[name].better == "lower" else rate
        touched = pl.when(value > 0).then(rate)
        shares.append((touched.rank("average") / touched.count()).fill_null(-1.0))
    scored = pl.concat_list(shares)
    best = scored.list.arg_max().replace_strict(dict(enumerate(app.challenges.metrics)), return_dtype=pl.String)
    known = (pl.col("active_days_28") >= DAYS_TO_KNOW_TASTE) & (scored.list.max() >= 0)
    return pl.when(known).then(best)


def completion_rate() -> pl.Expr:
    """(completed + 8 r) / (settled + 8) with r the share of all settled challenges; null when none was settled."""
    prior = PRIOR_CHALLENGES * pl.col("usual_rate")
    shrunk = (pl.col("completed") + prior) / (pl.col("settled") + PRIOR_CHALLENGES)
    return pl.when(pl.col("settled") > 0).then(shrunk)

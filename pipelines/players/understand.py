"""What is known of the players that a night may serve."""

from dataclasses import dataclass

import polars as pl

from configs.app import App
from models.tasks.segments import SegmentModel
from pipelines.engines.laid import Frame, Laid
from pipelines.known import Known
from pipelines.players.profiles import describe_players
from pipelines.players.segments import assign_segments, judge_cohorts, played_there, player_cohorts
from pipelines.players.snapshots import PastWindows, Seen, eligible_players, look_at
from pipelines.players.targets import set_targets, targets_of_some

AT_A_TIME = 25_000  # players whose profiles, and whatever is cut like these, lie together


@dataclass(frozen=True)
class Players:
    """What is known of the night's eligible players; every frame has player_key.

    Attributes:
        features: One row per player at the night's base day; like targets on the disk where they are many.
        past: Their own past windows.
        segments: cohort, segment, posterior.
        targets: Percentile values, with the next one marked.
        played: What they have shown in each cohort, see `played_there`.
        in_cohorts: Their segments in each cohort that has a mixture, see `judge_cohorts`; None where there are none.
        profiles: persona, traits, risk_tolerance, skill, … and start_day, the first whole local day; on the disk where
            features are, by pieces in the order of user_id.
    """

    features: Frame
    past: PastWindows
    segments: pl.DataFrame
    targets: Frame
    profiles: Frame
    played: pl.DataFrame | None = None
    in_cohorts: pl.DataFrame | None = None


def understand_players(known: Known, segment_model: SegmentModel | None, seen: Seen | None = None) -> Players:
    """Everything known of the players active recently enough, from days before the base day.

    Args:
        known: What the night may see.
        segment_model: The champion's segments, or None for the rule.
        seen: Of these players, where they have been looked at already.
    """
    app = known.app
    seen = seen or look_at(known, eligible_players(known, [known.base_day]))[0]
    features = seen.features
    played = played_there(known, features)
    segments = assign_segments(app, features, segment_model, player_cohorts(known), played)
    profiles = describe_players(known, features, segments)
    profiles = profiles.join(known.first_whole_days(), on="player_key", how="left", maintain_order="left")
    known.warehouse.ease()  # what is laid out next takes memory, too
    told, targets = _laid_out(app, features, segments, profiles)
    return Players(
        features=features,
        past=seen.past,
        segments=segments,
        targets=targets,
        profiles=told,
        played=played,
        in_cohorts=judge_cohorts(app, segment_model, played),
    )


def _laid_out(app: App, features: Frame, segments: pl.DataFrame, profiles: pl.DataFrame) -> tuple[Frame, Frame]:
    """Profiles and targets: on the disk where features are, in the order in which they go out."""
    if not isinstance(features, Laid):
        return profiles, set_targets(app, features, segments)
    order = profiles.select("player_key", "user_id").sort("user_id", "player_key").with_row_index("place")
    place = profiles.select("player_key").join(order, on="player_key", how="left", maintain_order="left")["place"]
    targets = targets_of_some(app, features, segments, order["player_key"])
    return Laid.cut(profiles, place // AT_A_TIME, features.folder), Laid(targets, features.folder)

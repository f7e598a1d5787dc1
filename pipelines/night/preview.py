"""Looking ahead: what the coming night would write: its price, a batch beforehand, or one player's texts by hand."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl

from configs.errors import NightquestError
from configs.language import LanguageModel
from configs.loader import LoadedApp
from configs.version import code_version
from models.language.calls import Request, most_it_costs
from models.language.ledger import open_ledger
from models.language.offers import priced_models
from models.tasks.anomaly import Anomaly
from pipelines.badges.judged.adjudicate import first_questions
from pipelines.badges.judged.judge import find_cases
from pipelines.badges.judged.unusual import unusual_weeks
from pipelines.known import Known
from pipelines.night.champions import load_champions
from pipelines.night.judge import panel_of
from pipelines.night.open_night import Tonight
from pipelines.night.pinned_file import PinnedFile
from pipelines.night.plan import Planned, plan
from pipelines.night.wanted import want_content
from pipelines.night.words import compose, hire_writers, on_screen, open_source
from pipelines.pins import Night, is_out, make_night, next_served_day
from pipelines.reports import Submitted
from pipelines.stores import open_app
from pipelines.words.wishes import RunContext
from pipelines.words.write import choose_words
from pipelines.words.writers.crew import Crew, require_keys, require_writers
from pipelines.words.writers.jobs import Job, Text
from pipelines.words.writers.session import WritingSession, open_session

_PRICED = {
    "provider": pl.String,
    "model": pl.String,
    "purpose": pl.String,
    "requests": pl.Int64,
    "answered_before": pl.Int64,
    "input_tokens": pl.Int64,
    "likely_usd": pl.Float64,
    "at_most_usd": pl.Float64,
}
# Of what a request can cost at most, as long as the ledger does not tell what such answers cost: they are shorter, and
# think less, than they may.
LIKELY = 0.4


@dataclass(frozen=True)
class Priced:
    """What the coming night would ask first, and for how much.

    Attributes:
        lacking: How many briefs lack texts.
        rows: provider, model, purpose, requests, answered_before (paid for, so free), input_tokens, likely_usd,
            at_most_usd; what is answered before costs nothing.
        budget_usd: What the night may cost.
        spent_usd: What it has cost already.
        month_usd: What is left of the month.
    """

    as_of: dt.date
    lacking: int
    rows: pl.DataFrame
    budget_usd: float
    spent_usd: float
    month_usd: float
    notes: tuple[str, ...]


@contextmanager
def look_ahead(
    loaded: LoadedApp, as_of: dt.date | None, now: dt.datetime, context: RunContext, *, not_out: bool = False
) -> Iterator[Tonight]:
    """The coming night as it would be if it began now; nothing is pinned and nothing issued.

    Args:
        loaded: The app.
        as_of: The day that it serves; none is the one that a night run now would serve.
        now: When it begins.
        context: What its writing may use.
        not_out: With no `as_of` and that night published already, look at the next day to begin instead.

    Raises:
        BusyError: Another process is working on the app.
        NightquestError: There is no activity before `as_of`, or nobody can write what is wished.
    """
    file = PinnedFile.of_today(loaded, context.wishes)
    app = file.applied
    require_writers(context.settings, app.content, context.wishes.provider)
    with open_app(context.settings, loaded) as warehouse:
        grace = context.settings.day_grace
        day = as_of or next_served_day(app, now, grace)
        if not_out and as_of is None and is_out(warehouse, day):
            day = next_served_day(app, now, dt.timedelta(0))
        night = make_night(warehouse, app, day, now, grace, app_hash=file.hash, code_version=code_version())
        yield Tonight(Known(warehouse, night), context, file)


def price_night(tonight: Tonight) -> Priced:
    """What the night would ask when every answer holds: the plan with its price; what is asked again comes on top."""
    night, settings = tonight.night, tonight.context.settings
    planned = _planned(tonight)
    crew = hire_writers(tonight)
    with open_ledger(settings.home, tonight.context.clock) as ledger:
        session = WritingSession(night, tonight.context, crew, ledger)
        jobs = _jobs(tonight, planned, crew)
        requests = [*session.price(jobs), *session.price_judging(jobs), *_verdicts(tonight, planned, session)]
        known = ledger.answered(requests)
        models = priced_models(settings, night.app.content.prices).models
        rows = _priced(requests, models, known, ledger.usual_shares(), batch=night.app.content.mode == "batch")
        spent, month = ledger.spent(night.app.app, str(night.as_of)), ledger.spent_in_month()
    return Priced(
        night.as_of,
        len(jobs),
        rows,
        tonight.context.wishes.budget_usd(settings),
        spent,
        settings.max_cost_usd_per_month - month,
        crew.notes,
    )


def submit_ahead(tonight: Tonight) -> Submitted:
    """Send what the night would ask first as batches.

    Raises:
        NightquestError: No provider has a key.
    """
    require_keys(tonight.settings, tonight.night.app, tonight.context.wishes.provider)
    planned = _planned(tonight)
    crew = hire_writers(tonight)
    with open_ledger(tonight.settings.home, tonight.context.clock) as ledger:
        session = WritingSession(tonight.night, tonight.context, crew, ledger)
        jobs = _jobs(tonight, planned, crew)
        sent = session.submit(jobs)
        return Submitted(tonight.night.as_of, tuple(sent), len(session.price(jobs)), crew.notes)


def write_by_hand(tonight: Tonight, user_id: str) -> list[dict[str, Any]]:
    """Write for one player what the coming night would, without issuing it.

    Returns:
        A dictionary for each text: content_type, title, text, metric, brief_id, ai_provider, model, prompt_version,
        variant, metadata.

    Raises:
        NightquestError: The player is not among those the night serves, or nothing of these types is due for them.
    """
    night, known = tonight.night, tonight.known
    key = known.value("SELECT player_key FROM players WHERE user_id = $u", {"u": user_id})
    if key is None:
        raise _not_served(night, user_id)
    planned = _planned(tonight)
    if planned.players.profiles.filter(pl.col("player_key") == key).is_empty():
        raise _not_served(night, user_id)
    crew = hire_writers(tonight)
    with open_session(night, tonight.context, crew) as session:
        # Kept under the day before: the night may still want more of these briefs than one player does.
        before = night.as_of - dt.timedelta(days=1)
        source = open_source(known, planned, crew, session.write if session else None, made_on=before)
        mine = [frame.filter(pl.col("player_key") == key) for frame in want_content(known, planned).frames]
        words = choose_words(
            night.app,
            *mine,
            seed=night.seed,
            as_of=night.as_of,
            recent=source.recent,
            source=source,
            on_screen=partial(on_screen, known),
        )
    rows = [
        row
        for wanted, told in zip(mine, words, strict=True)
        for row in wanted.select("content_id", "content_type", "metric").join(told.whole(), on="content_id").to_dicts()
    ]
    if not rows:
        raise NightquestError(
            f"Nothing of {', '.join(night.app.content.types)} is due for {user_id!r} on {night.as_of}.",
            "Ask for another type with --type, or for another player. What a night has issued for that day is not due "
            "again; missions, tutorials and social prompts come about once a week.",
        )
    return [{"text": row.pop("description", None) or row.pop("body", None), **row} for row in rows]


def _not_served(night: Night, user_id: str) -> NightquestError:
    return NightquestError(
        f"The night of {night.as_of} of '{night.app.app}' does not serve a player {user_id!r}.",
        f"Served is who played in the last {night.app.challenges.active_within_days} days; write the id as the app's "
        "data has it.",
    )


def _planned(tonight: Tonight) -> Planned:
    return plan(tonight, load_champions(tonight, keep=False))


def _jobs(tonight: Tonight, planned: Planned, crew: Crew) -> list[Job]:
    """The briefs that lack texts, those of citations included: listened to, not written."""
    heard: list[Job] = []

    def listen(jobs: Sequence[Job]) -> list[list[Text]]:
        heard.extend(jobs)
        return [[] for _ in jobs]

    compose(tonight.known, planned, open_source(tonight.known, planned, crew, listen), tonight.folder)
    return heard


def _verdicts(tonight: Tonight, planned: Planned, session: WritingSession) -> list[Request]:
    """What would be asked about nominees for badges."""
    panel, night = panel_of(session), tonight.night
    if panel is None:
        return []
    nominees = find_cases(tonight.known, unusual_weeks(planned.scored.of(Anomaly.name)), asked=True).nominees
    return first_questions(night.app, nominees, panel.judges, seed=night.seed)


def _priced(
    requests: Sequence[Request],
    models: Mapping[str, LanguageModel],
    known: set[str],
    usual: Mapping[tuple[str, str], float],
    *,
    batch: bool,
) -> pl.DataFrame:
    rows = []
    for request in requests:
        free = request.key in known
        most = (
            0.0
            if free
            else most_it_costs(
                request, models[request.model], batch=batch and request.purpose.split()[0] not in {"judge", "verdict"}
            )
        )
        likely = most * usual.get((request.model, request.purpose), LIKELY)
        rows.append((request.provider, request.model, request.purpose, 1, free, request.input_tokens, likely, most))
    frame = pl.DataFrame(rows, schema=_PRICED, orient="row", strict=False)
    return frame.group_by("provider", "model", "purpose").sum().sort("provider", "model", "purpose")

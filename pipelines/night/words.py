"""A night's words and judgements: who writes for whom, the words of the plan, citations, verdicts on nominees."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from configs.commands import command
from configs.errors import NightquestError
from configs.nouns import counted
from configs.prompt import Prompt, read_prompts
from configs.settings import Settings
from models.language.ledger import SpendReport, open_ledger
from models.language.offers import priced_models
from models.tracking.prompts import Registered
from models.tracking.writing import kind_of_fault
from pipelines.badges.rules.award import cite_awards, find_awards
from pipelines.badges.rules.crossings import forget_walk
from pipelines.badges.rules.recite import recite_awards
from pipelines.engines.laid import Frame, laid, whole
from pipelines.experiments.arms import OFFLINE, Arm, Trial, assign_arms, choose_arms
from pipelines.experiments.experiment import weigh_arms
from pipelines.known import Known
from pipelines.night.open_night import Tonight
from pipelines.night.plan import Planned
from pipelines.night.wanted import want_content
from pipelines.pins import Night
from pipelines.rewards.offers import Offered, offer_rewards
from pipelines.stores import open_prompts
from pipelines.words.individual import individual_profiles
from pipelines.words.read_lately import AT_ONCE
from pipelines.words.types import require_words
from pipelines.words.wishes import RunContext
from pipelines.words.worded import AT_A_TIME, Worded
from pipelines.words.write import choose_words, write_citations
from pipelines.words.writers.crew import Crew, find_available, gather_crew
from pipelines.words.writers.pooled import Pooled, WriteJobs
from pipelines.words.writers.session import Account, find_session

READ_DAYS = 30
OPEN_DAYS = 90  # a window is no longer, and what was issued before is known by heart
NOBODY = Trial("", (Arm(OFFLINE, OFFLINE),))


@dataclass(frozen=True)
class Words:
    """The rows to issue, with their texts, which are filled in as they are written down.

    Attributes:
        awards: Badges earned by rule, with their citations; like the rows on the disk where they are many.
        assigned: player_key, arm and propensity of the players who get something.
        rewards: What challenges and achievements pay by the app's tables of rewards.
        account: Of the night; judging goes on with it.
        faults: By content type, why nothing of it was planned.
        recited: New citations of awards whose evidence was found anew since events were taken back.
    """

    challenges: Worded
    messages: Worded
    achievements: Worded
    awards: Frame
    assigned: pl.DataFrame
    trial: Trial = NOBODY
    account: Account = field(default_factory=Account)
    faults: Mapping[str, str] = field(default_factory=dict)
    rewards: Offered = field(default_factory=Offered)
    recited: pl.DataFrame = field(default_factory=pl.DataFrame)

    @property
    def tables(self) -> dict[str, Worded]:
        """The rows by the table that they go into."""
        return {"challenges": self.challenges, "messages": self.messages, "achievements": self.achievements}


def hire_writers(tonight: Tonight) -> Crew:
    """Who writes for each arm of a night, with the prompts that serve.

    Raises:
        NightquestError: A provider was asked for that has no key, or a model without a price; the app file lacks what
            its content types need.
    """
    night, context = tonight.night, tonight.context
    require_words(night.app, command("nightly", "--as-of", night.as_of, "--refresh", app=night.app.app))
    wished = context.wishes.provider
    available = find_available(context.settings, load=OFFLINE not in {wished, night.app.content.provider})
    trial = choose_arms(night.app.content, available, provider=wished)
    trial = weigh_arms(tonight.known, trial)
    models = priced_models(context.settings, night.app.content.prices)
    return gather_crew(context.settings, models, trial, partial(_serving, context.settings))


def write(tonight: Tonight, planned: Planned, crew: Crew) -> Words:
    """Put the plan and the earned badges into words; keeps new texts, and issues nothing.

    Players who were issued challenges for this day keep those.
    """
    account = Account()
    with find_session(tonight.night, tonight.context, crew, account) as session:
        source = open_source(tonight.known, planned, crew, session.write if session else None)
        words = compose(tonight.known, planned, source, tonight.folder)
        return replace(words, trial=crew.trial, account=account)


def compose(known: Known, planned: Planned, source: Pooled, folder: Path) -> Words:
    """The words of a night from a source; what is done with lies in a folder until it is written down."""
    earned = laid(find_awards(known), folder, AT_A_TIME)  # before anything is worded that memory would hold beside
    forget_walk(known)
    wanted = want_content(known, planned)
    found = choose_words(
        known.app,
        *wanted.frames,
        seed=known.night.seed,
        as_of=known.as_of,
        recent=source.recent,
        source=source,
        on_screen=partial(on_screen, known),
    )
    texts, letters, marks = (each.laid(folder) for each in found)
    del found
    known.warehouse.ease()  # what is cited next takes memory, too
    cite = partial(write_citations, source=source)
    awards, recited = laid(cite_awards(known, whole(earned), cite), folder, AT_A_TIME), recite_awards(known, cite)
    asked, asks, achievements = wanted.frames
    rewards = offer_rewards(known, asked, achievements, planned.players.profiles)

    def issued(words: Worded, rows: pl.DataFrame) -> Worded:
        return words.beside(_stamped(known.night, rows)).laid(folder)

    challenges = issued(texts, rewards.paid_by(known.app, asked.drop("p_plays", "occasion")))
    messages = issued(letters, asks.select("content_id", "player_key", "content_type", "language"))
    marked = issued(marks, rewards.paid_by(known.app, achievements))
    served = pl.concat([words.rows.select("player_key") for words in (challenges, messages, marked)]).unique()
    assigned = source.assigned.join(served, on="player_key", how="semi", maintain_order="left")
    return Words(challenges, messages, marked, awards, assigned, faults=wanted.faults, rewards=rewards, recited=recited)


def open_source(
    known: Known,
    planned: Planned,
    crew: Crew,
    write: WriteJobs | None,
    *,
    made_on: dt.date | None = None,
) -> Pooled:
    """The source of a night's texts: kept ones, then what `write` writes, then the offline writer's.

    Args:
        known: What the night may see.
        planned: Its players.
        crew: Who writes.
        write: Writes what is missing.
        made_on: The day that new texts are kept under; None is the night's own, which then wants no more of them.
    """
    app, players = known.app, planned.players
    assigned = assign_arms(known.warehouse, players.profiles.select("player_key", "user_id"), crew.trial)
    own = individual_profiles(known, players.features, players.profiles, planned.plan.chances)
    return Pooled(
        app,
        known.warehouse,
        crew.by_name(app),
        assigned,
        {kind: {arm: team.name(kind) for arm, team in crew.teams.items()} for kind in app.content.types},
        own,
        partial(read_lately, known),
        compared=bool(crew.trial.experiment),
        as_of=made_on or known.as_of,
        seed=known.night.seed,
        write=write,
    )


def read_lately(known: Known, players: pl.Series) -> Iterator[pl.DataFrame]:
    """player_key and variant of what these players read in the 30 days before, a row for each time; see `Readings`.

    Nothing else may be asked of the warehouse before the last piece.
    """
    days = {"since": known.as_of - dt.timedelta(days=READ_DAYS), "until": known.as_of - dt.timedelta(days=1)}
    with known.lend(asked=players.to_frame("player_key")):
        yield from known.pieces(known.fixed("words/read_lately"), days, AT_ONCE)


def on_screen(known: Known, phrases: pl.DataFrame) -> pl.DataFrame:
    """player_key and number of those of `phrases` (phrase, number) that stand on what is open to players already."""
    with known.lend(phrases=phrases):
        return known.frame(known.fixed("words/on_screen"), {"as_of": known.as_of, "days": OPEN_DAYS})


def _serving(settings: Settings, alias: str) -> tuple[Mapping[str, Prompt], tuple[str, ...]]:
    """The prompts that hold an alias in the registry, after the files were registered."""
    files = read_prompts()
    try:
        registry = open_prompts(settings)
    except NightquestError as error:
        return files, (f"{error.message} The prompt files serve.",)
    try:
        registered = registry.register(files)
    except NightquestError as error:  # a registry that cannot be written must not stop a night
        registered = Registered({}, (str(error),))
    serving = registry.fetch(files, alias)
    return serving.prompts, (*registered.notes, *serving.notes)


def _stamped(night: Night, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with the night's pins."""
    pins = {"as_of": night.as_of, "revision": night.revision, "generated_at": night.started_at}
    return rows.with_columns(**{name: pl.lit(value) for name, value in pins.items()})


def told_of(words: Words) -> list[str]:
    """What a person should know of a night's writing and judging: who did not answer, and what became of it."""
    account = words.account
    # What led to the rest comes first: a provider that is left alone was ill before.
    failed = sorted(account.tally.failed.items(), key=lambda told: (told[0].endswith(_AFTERWARDS), -told[1]))
    notes = [*words.faults.values(), *words.rewards.notes, *(_failure(why, count) for why, count in failed)]
    if offline := account.tally.happened["offline"]:
        notes.append(f"The offline writer served {counted(offline, 'brief')}, since nobody else could.")
    if refused := account.tally.refused:
        kinds: Counter[str] = Counter()
        for fault, count in refused.items():
            kinds[kind_of_fault(fault)] += count
        notes.append(
            f"Texts were refused for {counted(refused.total(), 'fault')}; most often: {kinds.most_common(1)[0][0]}."
        )
    if account.canceled:
        notes.append(f"Not back in time: {counted(account.canceled, 'batch')}; what was lacking was asked live.")
    if account.trouble:
        notes.append(f"Nothing more could be bought; the offline writer wrote the rest: {account.trouble}")
    return notes


_REMEDIES = {
    "key": "Check the key of that provider: it is wrong, or may not use the model.",
    "quota": "The account has no credit left.",
    "model": "The provider does not know the model; set another one.",
    "late": "The night waited no longer; see NIGHTQUEST_WRITING_DEADLINE_S.",
    "budget": "What the night or the month may cost is used up (--max-cost-usd, NIGHTQUEST_MAX_COST_USD and "
    "NIGHTQUEST_MAX_COST_USD_PER_MONTH).",
    "breaker": "It had failed so often that it was left alone.",
}
_AFTERWARDS = (": breaker", ": late", ": budget")


def _failure(why: str, count: int) -> str:
    """Requests that failed for a reason (`openai: key`), with what to do where there is something to do."""
    remedy = _REMEDIES.get(why.rpartition(": ")[2], "")
    return f"{counted(count, 'request')} had no usable answer ({why}). {remedy}".rstrip()


def night_spend(night: Night, crew: Crew, context: RunContext) -> tuple[SpendReport, SpendReport]:
    """What this run has paid, and what all runs for the night have; the ledger is opened only where models write."""
    if not crew.teams:
        return SpendReport(), SpendReport()
    payer = context.payer(night)
    try:
        with open_ledger(context.settings.home, context.clock) as ledger:
            return ledger.report(payer), ledger.report(payer, whole_night=True)
    except NightquestError:  # the writing could not use it either, and the night's notes say why
        return SpendReport(), SpendReport()


def writing_figures(words: Words, spent: tuple[SpendReport, SpendReport]) -> dict[str, Any]:
    """The figures of a night's writing that people and MLflow see.

    Args:
        words: Of the night.
        spent: From `night_spend`.
    """
    used = pl.concat(each.used().select("ai_provider", "n") for each in words.tables.values())
    texts = used.group_by("ai_provider").agg(pl.col("n").sum()).sort("ai_provider")
    arms = words.assigned.group_by("arm").len().sort("arm") if words.trial.experiment else pl.DataFrame()
    tally, (run, night) = words.account.tally, spent
    return {
        **{f"texts_{provider}": count for provider, count in texts.iter_rows()},
        **{f"players_in_arm_{arm}": count for arm, count in arms.iter_rows()},
        "answers_paid": night.answered,
        "answers_known_before": tally.known,
        "without_an_answer": tally.failed.total(),
        "texts_refused": tally.refused.total(),
        "asked_again": tally.happened["again"],
        "from_the_other_provider": tally.happened["other provider"],
        "briefs_offline": tally.happened["offline"],
        "resent": night.resent,
        "retries": words.account.live.retries,
        "rate_limited": words.account.live.rate_limited,
        "cost_usd": round(night.cost_usd, 6),
        "paid_now_usd": round(run.cost_usd, 6),
        "may_be_billed_too_usd": round(night.reserved_usd, 6),
    }

"""The commands about words: a player's texts, batches, spending, prompts, experiments. Heavy imports wait."""

import datetime as dt
from typing import TYPE_CHECKING, Any

from flows.cli.command import DEFAULT, Common, MaxCost, Types, Writer, check_each, cli, run_flow

if TYPE_CHECKING:
    from configs.loader import LoadedApp


@cli.command(sort_key=12)
def experiment(app: str, /, *, as_of: dt.date | None = None, name: str | None = None, common: Common = DEFAULT) -> None:
    """Compare the ways of writing that an app tries, by what players shown their texts then did.

    Example: nightquest experiment trading --as-of 2024-03-31

    The figures are those that the newest night up to that day knew. Looking often is safe: the intervals "at every
    look" hold however often they are read.

    Args:
        app: A shipped app's name, or the path of an app file.
        as_of: Look as a night of this day or before did; the newest when left out.
        name: Of an earlier experiment; the app file's, else the newest, when left out.
    """
    from flows.cli.console import emit, progress
    from flows.cli.preflight import check_data
    from flows.progress import reporting_to

    check_each([app], lambda loaded: check_data(common.settings, loaded))
    from flows.cli.experiment import experiment_view, read

    with progress(common.json, common.verbose) as reporter, reporting_to(reporter):
        view = read(common.settings, app, name, as_of)
    emit(view, common.json, lambda: experiment_view(view))


@cli.command(sort_key=13)
def write(
    app: str,
    user: str,
    /,
    *,
    types: Types = (),
    provider: Writer | None = None,
    as_of: dt.date | None = None,
    max_cost_usd: MaxCost = None,
    common: Common = DEFAULT,
) -> None:
    """Write for one player what the coming night would, and print it. Nothing is issued.

    Example: nightquest write trading recruit-000007 --type daily_challenge --provider anthropic

    What it costs is booked under 'by hand' and today's date, and the texts are kept for the nights.

    Args:
        app: A shipped app's name, or the path of an app file.
        user: The player's id, as the app's own data has it.
        types: Content types; can be given several times. None is what the app file lists.
        provider: Who writes, whatever the app file says.
        as_of: The local day that the night would serve; the next day to begin when left out.
        max_cost_usd: What it may cost; else NIGHTQUEST_MAX_COST_USD.
    """
    from flows.cli.console import emit, progress
    from flows.cli.preflight import check_night
    from flows.cli.words_view import texts_view
    from flows.parameters import APP_SAYS, wishes
    from flows.progress import reporting_to

    wished = wishes(provider or APP_SAYS, types=list(types), max_cost_usd=max_cost_usd)
    check_each([app], lambda loaded: check_night(common.settings, loaded, as_of, wished))
    from flows.cli.words import write_by_hand

    with progress(common.json, common.verbose) as reporter, reporting_to(reporter):
        texts = write_by_hand(common.settings, app, user, as_of, wished)
    emit(texts, common.json, lambda: texts_view(user, texts))


@cli.command(sort_key=14)
def submit(
    app: str,
    /,
    *,
    as_of: dt.date | None = None,
    provider: Writer | None = None,
    types: Types = (),
    max_cost_usd: MaxCost = None,
    common: Common = DEFAULT,
) -> None:
    """Send the words of the coming night ahead as batches, at half the price.

    Example: nightquest submit trading

    Args:
        app: A shipped app's name, or the path of an app file.
        as_of: The local day that the night will serve; the next day to begin when left out.
        provider: Who writes, whatever the app file says.
        types: Content types; can be given several times. None is what the app file lists.
        max_cost_usd: What the night's words may cost; else NIGHTQUEST_MAX_COST_USD.
    """
    from flows.cli.console import emit, plain
    from flows.cli.preflight import check_night
    from flows.cli.words_view import submitted_view
    from flows.parameters import APP_SAYS, wishes
    from pipelines.words.writers.crew import require_keys

    def run() -> Any:
        from flows.submit import submit as flow

        return flow(
            app=app,
            as_of=as_of,
            provider=provider or APP_SAYS,
            types=list(types) or None,
            max_cost_usd=max_cost_usd,
        )

    def check(loaded: "LoadedApp") -> None:
        check_night(common.settings, loaded, as_of, wished)
        require_keys(common.settings, loaded.app, wished.provider)

    wished = wishes(provider or APP_SAYS, "batch", list(types), max_cost_usd)
    result = run_flow(common, [app], run, check)
    emit(result, common.json, lambda: submitted_view(app, plain(result)))


@cli.command(sort_key=15)
def collect(*, common: Common = DEFAULT) -> None:
    """Collect what the batches of all apps have brought; the nights read it from the ledger.

    Example: nightquest collect
    """
    from flows.cli.console import emit
    from flows.cli.words_view import collected_view

    def run() -> Any:
        from flows.collect import collect as flow

        return flow()

    result = run_flow(common, [], run)
    emit(result, common.json, lambda: collected_view(result))


@cli.command(sort_key=16)
def spending(app: str | None = None, /, *, common: Common = DEFAULT) -> None:
    """Show what words have cost: this month, and night by night.

    Example: nightquest spending trading

    Args:
        app: Only this app; all when left out.
    """
    from flows.cli.console import emit
    from flows.cli.spending import read_spending
    from flows.cli.words_view import spending_view

    result = read_spending(common.settings, app)
    emit(result, common.json, lambda: spending_view(result))


@cli.command(sort_key=17)
def prompts(name: str | None = None, version: int | None = None, /, *, common: Common = DEFAULT) -> None:
    """Show which prompts serve; with a name and a version, let that version serve.

    Example: nightquest prompts daily_challenge 2

    Args:
        name: A prompt: a content type, judge or verdict.
        version: Its version in MLflow's prompt registry, which gets the alias 'production'.
    """
    from configs.commands import command
    from configs.errors import NightquestError
    from flows.cli.console import emit
    from flows.cli.prompts import list_prompts, promote_prompt
    from flows.cli.words_view import prompts_view

    if (name is None) != (version is None):
        raise NightquestError(
            "A prompt that is to serve needs its name and its version.", f"Run: {command('prompts', 'NAME', 'VERSION')}"
        )
    if name is not None and version is not None:
        promote_prompt(common.settings, name, version)
    rows = list_prompts(common.settings)
    emit(rows, common.json, lambda: prompts_view(rows))

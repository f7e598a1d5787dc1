"""The commands that work: each starts a Prefect flow and draws what it returns. Heavy imports wait for the run."""

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from flows.cli.command import (
    DEFAULT,
    Check,
    Common,
    MaxCost,
    Mode,
    OneOrMore,
    Tasks,
    Types,
    Writer,
    check_each,
    cli,
    end_warned,
    name_of,
    run_each,
    run_flow,
)

if TYPE_CHECKING:
    from configs.loader import LoadedApp
    from pipelines.words.wishes import Wishes


@cli.command(sort_key=1)
def demo(*, players: Annotated[int, Parameter(validator=Number(gte=2))] = 500, common: Common = DEFAULT) -> None:
    """Simulate an app's players, run its nights, and show what one of them gets.

    Example: nightquest demo

    Args:
        players: How many players to simulate.
    """
    from flows.cli.console import emit
    from flows.cli.demo_view import demo_view
    from flows.demo import run_demo

    result = run_flow(common, [], lambda: run_demo(common.settings, players))
    emit(result, common.json, lambda: demo_view(result))


@cli.command(sort_key=3)
def ingest(
    app: str,
    /,
    *files: OneOrMore,
    history: bool = False,
    players: bool = False,
    preview: bool = False,
    common: Common = DEFAULT,
) -> None:
    """Take files of events or players: CSV, JSON, Parquet, .gz, .zst, or folders of them.

    Example: nightquest ingest trading events.jsonl.gz more/ --history
    Example: nightquest ingest my_app.yaml purchases.csv --preview

    A file is taken once. A row that breaks the contract goes to quarantine with its line and reason; the rest goes in.

    Args:
        app: A shipped app's name, or the path of an app file.
        files: Files or folders.
        history: Past data: an event counts as known from when it occurred, not from now.
        players: The files describe players (time zone, language, ...), not events.
        preview: Show the columns found and what the first rows would become; take nothing.
    """
    from flows.cli.console import emit

    if preview:
        from configs.loader import load_app
        from flows.cli.preview_view import preview_delivery, preview_view

        shown = preview_delivery(load_app(app), files, players=players)
        emit(shown, common.json, lambda: preview_view(shown))
        return
    from flows.cli.ingest_view import ingest_view
    from flows.cli.preflight import check_delivery

    def run() -> Any:
        from flows.ingest import ingest as flow

        return flow(app=app, files=[str(file) for file in files], history=history, players=players)

    result = run_flow(common, [app], run, lambda loaded: check_delivery(common.settings, loaded, files))
    emit(result, common.json, lambda: ingest_view(name_of(app), result))


@cli.command(sort_key=3)
def pull(
    app: str,
    /,
    *,
    history: bool = False,
    again: bool = False,
    preview: bool = False,
    common: Common = DEFAULT,
) -> None:
    """Take what is new on the PostgreSQL servers that an app's file names under `pulls`.

    Example: nightquest pull shop.yaml --preview
    Example: nightquest pull shop.yaml --history

    What was taken is not taken again. A server that dies half-way costs nothing: run it again.

    Args:
        app: A shipped app's name, or the path of an app file.
        history: Past data: an event counts as known from when it occurred, not from now.
        again: Read everything again, whatever was taken before; events are known by their event_id.
        preview: Connect, show the columns found and what the first rows would become; take nothing.
    """
    from flows.cli.console import emit
    from flows.cli.pull_view import preview_pulls, previews_view, pull_view

    if preview:
        from configs.loader import load_app

        shown = preview_pulls(load_app(app))
        emit(shown, common.json, lambda: previews_view(shown))
        return
    from flows.cli.preflight import check_pulls

    def run() -> Any:
        from flows.pull import pull as flow

        return flow(app=app, history=history, again=again)

    result = run_flow(common, [app], run, lambda loaded: check_pulls(common.settings, loaded))
    emit(result, common.json, lambda: pull_view(name_of(app), result))


@cli.command(sort_key=4)
def train(
    app: str,
    /,
    *,
    as_of: dt.date | None = None,
    tasks: Tasks = (),
    budget: str | None = None,
    untuned: bool = False,
    common: Common = DEFAULT,
) -> None:
    """Train the app's models on what is known, and let the later days decide who serves.

    Example: nightquest train trading
    Example: nightquest train trading --task churn --budget 10m

    Args:
        app: A shipped app's name, or the path of an app file.
        as_of: Use only what was known before this day.
        tasks: Learn only this question; can be given several times.
        budget: How long it may take, such as 90s, 10m or 1h; learners for which it is too short do not compete.
        untuned: Take the learners as they are, without a search for better settings (NIGHTQUEST_TUNING_S).
    """
    from flows.cli.console import emit
    from flows.cli.preflight import check_night
    from flows.cli.views import training_view
    from flows.parameters import seconds_of

    seconds_of(budget)

    def run() -> Any:
        from flows.train import train as flow

        return flow(app=app, as_of=as_of, tasks=list(tasks) or None, budget=budget, untuned=untuned)

    result = run_flow(common, [app], run, lambda loaded: check_night(common.settings, loaded, as_of))
    emit(result, common.json, lambda: training_view(name_of(app), result))


@cli.command(sort_key=5)
def nightly(
    *apps: str,
    as_of: dt.date | None = None,
    refresh: bool = False,
    accept: bool = False,
    issue: bool = False,
    was_silent: bool = False,
    provider: Writer | None = None,
    mode: Mode | None = None,
    types: Types = (),
    max_cost_usd: MaxCost = None,
    dry_run: bool = False,
    common: Common = DEFAULT,
) -> None:
    """Run the night of one app or several: settle, plan, write, audit, publish.

    Example: nightquest nightly trading --as-of 2024-03-01

    Args:
        apps: Shipped apps or app files; none is every shipped app that has data.
        as_of: The local day that the night serves; the next day to begin when left out.
        refresh: Make a new revision of a published night; promises already issued stay.
        accept: Publish although a table shrank by more than the limit, or a changed rule grants a flood of badges.
        issue: Let a night that is made after later ones promise and pay; else it is there to be looked at.
        was_silent: You say that nobody played on the days without events; what covers them is settled.
        provider: Who writes the words this time, whatever the app file says.
        mode: Live, or through batches, which cost half and are waited for (NIGHTQUEST_BATCH_WAIT_S).
        types: What is planned and written this time; can be given several times.
        max_cost_usd: What this night's words may cost; else NIGHTQUEST_MAX_COST_USD.
        dry_run: Show what would be asked of language models and its price; do nothing.
    """
    from flows.cli.console import emit
    from flows.cli.preflight import check_night
    from flows.cli.views import nights_view
    from flows.parameters import APP_SAYS, wishes
    from flows.server.serve import apps_with_data

    wished = wishes(provider or APP_SAYS, mode or APP_SAYS, list(types), max_cost_usd)
    served = apps or apps_with_data(common.settings)

    def check(loaded: "LoadedApp") -> None:
        check_night(common.settings, loaded, as_of, wished)

    if dry_run:
        _price(common, served, as_of, wished, check)
        return

    def run() -> Any:
        from flows.nightly import nightly as flow

        return run_each(
            served,
            lambda app: flow(
                app=app,
                as_of=as_of,
                refresh=refresh,
                accept=accept,
                issue=issue,
                was_silent=was_silent,
                provider=provider or APP_SAYS,
                mode=mode or APP_SAYS,
                types=list(types) or None,
                max_cost_usd=max_cost_usd,
            ),
        )

    result = run_flow(common, served, run, check)
    emit(result, common.json, lambda: nights_view(result))
    end_warned(warned=any(report.warned for report in result))


def _price(common: Common, apps: Sequence[str], as_of: dt.date | None, wished: "Wishes", check: Check) -> None:
    """Show what nights would ask of language models."""
    from flows.cli.console import emit
    from flows.cli.words_view import prices_view

    check_each(apps, check)
    from flows.cli.words import price_night

    prices = run_each(apps, lambda app: price_night(common.settings, app, as_of, wished))
    emit(prices, common.json, lambda: prices_view(prices))


@cli.command(sort_key=9)
def backfill(
    app: str,
    /,
    *,
    start: Annotated[dt.date, Parameter(name="--from")],
    end: Annotated[dt.date, Parameter(name="--to")],
    provider: Writer = "offline",
    issue: bool = False,
    accept: bool = False,
    common: Common = DEFAULT,
) -> None:
    """Run past nights, one after another, as they would have run.

    Example: nightquest backfill trading --from 2024-03-01 --to 2024-03-10

    Args:
        app: A shipped app's name, or the path of an app file.
        start: The first day served.
        end: The last day served.
        provider: Who writes the words; each night may cost NIGHTQUEST_MAX_COST_USD.
        issue: Let nights count although later ones are out already; nights made in their order count anyway.
        accept: Publish although a table shrank by more than the limit, or a changed rule grants a flood of badges.
    """
    from flows.cli.console import emit
    from flows.cli.preflight import check_nights
    from flows.cli.views import nights_view
    from flows.parameters import wishes

    def run() -> Any:
        from flows.backfill import backfill as flow

        return flow(app=app, start=start, end=end, provider=provider, issue=issue, accept=accept)

    wished = wishes(provider)
    result = run_flow(common, [app], run, lambda loaded: check_nights(common.settings, loaded, start, end, wished))
    emit(result, common.json, lambda: nights_view(result))
    end_warned(warned=result[-1].warned)


@cli.command(sort_key=10)
def replay(
    app: str,
    /,
    *,
    start: Annotated[dt.date, Parameter(name="--from")],
    end: Annotated[dt.date, Parameter(name="--to")],
    common: Common = DEFAULT,
) -> None:
    """Issue past nights from what was known then, settle them, and compare what was promised with what was kept.

    Example: nightquest replay stackexchange --from 2024-01-01 --to 2024-01-14 --json

    Args:
        app: A shipped app's name, or the path of an app file.
        start: The first day served.
        end: The last day served.
    """
    from flows.cli.console import emit
    from flows.cli.preflight import check_nights
    from flows.cli.views import replay_view

    def run() -> Any:
        from flows.replay import replay as flow

        return flow(app=app, start=start, end=end)

    result = run_flow(common, [app], run, lambda loaded: check_nights(common.settings, loaded, start, end))
    emit(result.figures | {"plot": str(result.plot)}, common.json, lambda: replay_view(name_of(app), result))

"""The commands that look after what is there: its bytes, and where nights go. Heavy imports wait for the run."""

from typing import Any

from flows.cli.command import DEFAULT, Common, cli, end_warned, name_of, run_flow


@cli.command(sort_key=9)
def deliver(app: str, /, *, again: str = "", common: Common = DEFAULT) -> None:
    """Bring nights that are out to the destinations that lack them (NIGHTQUEST_SINKS, docs/outputs.md).

    Example: nightquest deliver trading
    Example: nightquest deliver trading --again postgres

    Args:
        app: A shipped app's name, or the path of an app file.
        again: A destination that is to have the newest night once more: its database was emptied, or what it took was
            lost.
    """
    from flows.cli.console import emit
    from flows.cli.preflight import check_data, check_sinks
    from flows.cli.views import deliveries_view

    check_sinks(common.settings)

    def run() -> Any:
        from flows.deliver import deliver as flow

        return flow(app=app, again=again)

    result = run_flow(common, [app], run, lambda loaded: check_data(common.settings, loaded))
    emit(result, common.json, lambda: deliveries_view(name_of(app), result))
    end_warned(warned=bool(result.failed))


@cli.command(sort_key=9)
def compact(app: str, /, *, common: Common = DEFAULT) -> None:
    """Write an app's warehouse anew, without the room that changes have left behind; it needs as much disk for a while.

    Example: nightquest compact trading

    Args:
        app: A shipped app's name, or the path of an app file.
    """
    from flows.cli.console import emit
    from flows.cli.preflight import check_data
    from flows.cli.views import compacted_view

    def run() -> Any:
        from flows.compact import compact as flow

        return flow(app=app)

    result = run_flow(common, [app], run, lambda loaded: check_data(common.settings, loaded))
    emit(result, common.json, lambda: compacted_view(name_of(app), result))


@cli.command(sort_key=9)
def erase(app: str, user: str, /, *, yes: bool = False, allow_back: bool = False, common: Common = DEFAULT) -> None:
    """Erase a person: all that is theirs leaves the warehouse, the nights that are out, and every destination.

    Example: nightquest erase trading recruit-000007
    Example: nightquest erase trading recruit-000007 --yes

    Without --yes it says what would go and changes nothing. Afterwards rows of theirs that come again stay out.
    Cut off, or with a destination that was down (exit status 4), it is run again with the same id.

    Args:
        app: A shipped app's name, or the path of an app file.
        user: The person's id, as the app's own data has it.
        yes: Do it; nothing brings it back but a backup.
        allow_back: Take later deliveries of the person again, also if they were erased before.
    """
    from configs.loader import load_app
    from flows.cli.console import emit
    from flows.cli.erase_view import erasure_view
    from flows.cli.preflight import check_data
    from flows.clock import clock
    from pipelines.erasure.erase import erase_person, look_at_person

    loaded, settings = load_app(app), common.settings
    check_data(settings, loaded)
    if yes:
        result = erase_person(settings, loaded, user, clock, allow_back=allow_back)
    else:
        result = look_at_person(settings, loaded, user)
    emit(result, common.json, lambda: erasure_view(result, user, asked=yes))
    end_warned(warned=bool(result.failed))

"""The commands that look after what is there: its bytes, and where nights go. Heavy imports wait for the run."""

from typing import Any

from flows.cli.command import DEFAULT, Common, cli, end_warned, name_of, run_flow


@cli.command(sort_key=9)
def deliver(app: str, /, *, common: Common = DEFAULT) -> None:
    """Bring nights that are out to the destinations that lack them (NIGHTQUEST_SINKS, docs/outputs.md).

    Example: nightquest deliver trading

    Args:
        app: A shipped app's name, or the path of an app file.
    """
    from flows.cli.console import emit
    from flows.cli.preflight import check_data, check_sinks
    from flows.cli.views import deliveries_view

    check_sinks(common.settings)

    def run() -> Any:
        from flows.deliver import deliver as flow

        return flow(app=app)

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

"""A Prefect API for the length of one command: the running `serve`'s, a configured one, or a private server."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from configs.errors import NightquestError
from configs.settings import Settings
from flows.environment import prepare
from flows.servers import Server, answers, free_port, start_prefect
from flows.serving import find_serving

DRAIN_S = 10.0


@contextmanager
def prefect_session(settings: Settings, *, verbose: bool = False) -> Iterator[None]:
    """Run flows inside; their runs are recorded in Prefect.

    Raises:
        NightquestError: The Prefect server cannot be reached or started, or home cannot be written.
    """
    url = _known_api(settings)
    if url is not None:
        prepare(settings, api_url=url, verbose=verbose)
        yield from _with_runs_marked()
        return
    port = free_port()
    prepare(settings, api_url=f"http://127.0.0.1:{port}/api", verbose=verbose)
    with _one_start_at_a_time(settings):
        server = start_prefect(settings, port, private=True)
        try:
            _import_meanwhile(server)
        except BaseException:
            server.stop()
            raise
    try:
        yield from _with_runs_marked()
    finally:
        _send_the_rest()
        server.stop()


def _known_api(settings: Settings) -> str | None:
    if settings.prefect_api_url is not None:
        if not answers(f"{settings.prefect_api_url}/health"):
            raise NightquestError(
                f"The Prefect API {settings.prefect_api_url} does not answer.",
                "Start it, or unset NIGHTQUEST_PREFECT_API_URL.",
                3,
            )
        return settings.prefect_api_url
    serving = find_serving(settings.home)
    return serving.api_url if serving and answers(f"{serving.api_url}/health") else None


def _import_meanwhile(server: Server) -> None:
    """The libraries take as long to import as the server takes to start: do both at once."""
    import flows.nightly
    import flows.train  # noqa: F401

    server.wait()


def _send_the_rest() -> None:
    """Prefect sends logs and events from threads of its own; let them finish while there is a server."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    APILogWorker.drain_all(timeout=DRAIN_S)
    EventsWorker.drain_all(timeout=DRAIN_S)


def _with_runs_marked() -> Iterator[None]:
    from flows.stale import crash_stale_runs, runs_of_this_process

    crash_stale_runs()
    with runs_of_this_process():
        yield


@contextmanager
def _one_start_at_a_time(settings: Settings) -> Iterator[None]:
    """Two servers must not migrate one database at the same time."""
    try:
        settings.prefect_home.mkdir(parents=True, exist_ok=True)
        lock = (settings.prefect_home / "start.lock").open("w")
    except OSError as error:
        raise NightquestError(
            f"Cannot write under {settings.home}: {error.strerror}.", "Give --home a folder you may write to."
        ) from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

"""Who records the runs of one command: the Prefect of the running `serve`, a configured one, or nobody."""

from collections.abc import Iterator
from contextlib import contextmanager

from configs.errors import NightquestError
from configs.settings import Settings
from flows.recording import recording
from flows.server.environment import prepare, prepare_prefect
from flows.server.note import find_serving
from flows.server.processes import answers


@contextmanager
def session(settings: Settings, *, verbose: bool = False) -> Iterator[None]:
    """Run flows inside: Prefect records them where one is known, and they are plain calls elsewhere.

    Raises:
        NightquestError: The configured Prefect does not answer.
    """
    url = _known_api(settings)
    if url is None:
        prepare(settings)
        yield
        return
    prepare_prefect(settings, api_url=url, verbose=verbose)
    from flows.server.stale_runs import crash_stale_runs, runs_of_this_process

    crash_stale_runs()
    with runs_of_this_process(), recording():
        yield


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

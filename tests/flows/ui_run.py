"""Start a night from Prefect's form in headless Chromium, see it through, and photograph what a person sees.

    python -m tests.flows.ui_run --home .nightquest --save docs/img

needs Chromium and ChromeDriver (apt-get install chromium chromium-driver) and a home with trained models, as
`nightquest demo` leaves it. The words come from the test server, which plays both providers.
`tests/flows/server/test_serve.py` does the same on a tiny app.
"""

import argparse
import contextlib
import datetime as dt
import json
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from configs.loader import load_app
from flows.progress import NIGHT_STAGES
from models.tracking.store import Tracking
from pipelines.pins import next_served_day
from pipelines.publish.published import read_latest
from tests.flows.browser import Browser, browser
from tests.flows.world import start_command
from tests.language_server import start_server
from tests.ports import free_port

NIGHT_S = 600
DRAWN_S = 4  # a canvas does not say when it is drawn
ENDED = re.compile(r"^(Completed|Stale|Failed|Crashed|Cancelled)$", re.MULTILINE)  # stale: done, of old input
Addresses = tuple[str, str]  # Prefect's and MLflow's
# Where a file lies on this machine is nothing for a picture.
WITHOUT_PATH = """
for (const part of document.querySelectorAll('div, span'))
    if (part.textContent.startsWith('Path: file:')) part.style.visibility = 'hidden';
"""


@contextlib.contextmanager
def serving(
    home: Path, app: str, stop: int = signal.SIGINT, **environment: str
) -> Iterator[tuple[subprocess.Popen, Addresses]]:
    """`nightquest serve` on free ports, ready to take runs; told to stop at the end."""
    ports = {"NIGHTQUEST_PREFECT_PORT": str(free_port()), "NIGHTQUEST_MLFLOW_PORT": str(free_port())}
    process = start_command("serve", app, home=home, **ports, **environment)
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("Ready."):
                break
        else:
            raise AssertionError(f"serve ended: {''.join(said)}{process.stderr.read()}")
        addresses = [word for line in said for word in line.split() if word.startswith("http://")]
        yield process, (addresses[0], addresses[1])
    finally:
        process.send_signal(stop)
        process.communicate(timeout=300)


def start_night(page: Browser, prefect: str, app: str, day: dt.date, save: Path | None) -> str:
    """Fill in Prefect's form for the app's nightly deployment and submit it; returns the run's address."""
    page.open(f"{prefect}/deployments")
    page.click(f"//a[normalize-space()='nightly']/preceding::a[normalize-space()='{app}'][1]")
    page.click("//button[normalize-space()='Run']")
    page.click("//*[self::a or self::button][normalize-space()='Custom run']")
    page.click("//button[normalize-space()='date']")
    page.type_day("//input[@type='date']", day)
    page.wait_for("The local day that the night serves")  # each parameter says what it is
    photograph(page, save, "prefect-form")
    page.click("//button[normalize-space()='Submit']")
    page.click("//*[self::a or self::button][normalize-space()='View run']")
    page.wait(lambda: "/runs/flow-run/" in page.url, "the run's page")
    return page.url


def see_through(page: Browser, run: str, save: Path | None) -> tuple[str, dict[str, object]]:
    """Wait for the run's end on its page, then read the table of figures that it left; returns both."""
    page.open(run)
    page.wait(lambda: ENDED.search(head(page)) is not None, "the run to end", NIGHT_S)
    state = ENDED.search(head(page))[0]
    if state not in {"Completed", "Stale"}:
        raise AssertionError(f"the run {state}:\n{page.text}")
    page.wait_for(f"{NIGHT_STAGES} of {NIGHT_STAGES}")  # the last line of its log
    if save is not None:
        page.run("location.reload()")  # its timeline, drawn while it ran, holds the first seconds only
        page.wait_for(f"{NIGHT_STAGES} of {NIGHT_STAGES}")
        time.sleep(DRAWN_S)
    photograph(page, save, "prefect-run")
    page.click("//li[normalize-space()='Artifacts']")
    page.click("//a[contains(@href, '/artifacts/artifact/')]")
    page.wait_for("players_challenged")
    photograph(page, save, "prefect-artifact")
    return state, artifact(page.url)


def head(page: Browser) -> str:
    """The part of a run's page that names its state; the log below repeats those of its tasks."""
    return page.text.split("\nLogs\n")[0]


def artifact(url: str) -> dict[str, object]:
    """A table artifact's rows by name, from Prefect's API."""
    root, _, name = url.partition("/artifacts/artifact/")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{root}/api/artifacts/{name.split('?')[0]}", timeout=20) as answer:
        return {row["figure"]: row["value"] for row in json.loads(json.load(answer)["data"])}


def photograph(page: Browser, save: Path | None, name: str) -> None:
    """Keep a picture, when pictures are wanted."""
    if save is not None:
        page.screenshot(save / f"{name}.png")


def review_model(page: Browser, mlflow: str, model: str, save: Path | None) -> None:
    """Look at the version that a reviewer decides on."""
    page.open(f"{mlflow}/#/models/{model}/versions/1")
    page.wait_for("Contest on the later holdout", 60)
    page.run("document.querySelectorAll('[aria-label=\"Close\"]').forEach(button => button.click())")  # a side panel
    photograph(page, save, "mlflow-model")


def review_words(page: Browser, mlflow: str, prompt: str, run: str, save: Path | None) -> None:
    """Look at a prompt with its versions and aliases, and at the texts that a night's writing left to read."""
    page.open(f"{mlflow}/#/prompts/{prompt}")
    page.wait_for("production", 60)
    page.run("document.querySelectorAll('[aria-label=\"Close\"]').forEach(button => button.click())")
    photograph(page, save, "mlflow-prompt")
    page.open(f"{mlflow}/#{run}/artifacts/samples.md")
    page.wait_for("texts of", 60)
    page.run(WITHOUT_PATH)
    photograph(page, save, "mlflow-samples")


def writing_run(mlflow: str, app: str) -> str:
    """The page of the newest run of an app's writing, behind the # of MLflow's address."""
    client = Tracking(mlflow, None).client
    experiment = client.get_experiment_by_name(f"{app}/writing").experiment_id
    (run,) = client.search_runs([experiment], max_results=1)
    return f"/experiments/{experiment}/runs/{run.info.run_id}"


def main() -> None:
    """Run it on a home with data."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, default=Path(".nightquest"))
    parser.add_argument("--app", default="trading")
    parser.add_argument("--save", type=Path, help="folder for the pictures")
    options = parser.parse_args()
    if options.save is not None:
        options.save.mkdir(parents=True, exist_ok=True)
    app = load_app(options.app).app
    newest = read_latest(options.home, app.app).manifest.as_of
    day = min(newest + dt.timedelta(days=1), next_served_day(app, dt.datetime.now(dt.UTC)))
    with (
        start_server(limits={"*": {"requests": 100_000, "tokens": 100_000_000}}) as language,
        serving(options.home, options.app, NIGHTQUEST_CATCH_UP_NIGHTS="0", **language.environment) as (
            _,
            (prefect, mlflow),
        ),
        browser(height=1100) as page,
    ):
        run = start_night(page, prefect, app.app, day, options.save)
        print(f"started {run}")
        state, figures = see_through(page, run, options.save)
        review_model(page, mlflow, f"{app.app}.plays", options.save)
        review_words(page, mlflow, "nightquest-daily_challenge", writing_run(mlflow, app.app), options.save)
    print(f"{state}: {figures['challenges']} challenges for {figures['players_challenged']} players on {day}")


if __name__ == "__main__":
    main()

"""Headless Chromium through ChromeDriver's HTTP interface (W3C WebDriver), with the standard library alone."""

import base64
import datetime as dt
import json
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
    "--lang=en-US",
    "--hide-scrollbars",
)
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key that the standard fixes
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def find_programs() -> tuple[str, str] | None:
    """Chromium and ChromeDriver, when both are installed."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    return (chromium, driver) if chromium and driver else None


class BrowserError(Exception):
    """What ChromeDriver said."""


class Browser:
    """One page. Places on it are XPath expressions."""

    def __init__(self, address: str, session: str) -> None:
        self._root = f"{address}/session/{session}"

    def open(self, url: str) -> None:
        _call("POST", f"{self._root}/url", {"url": url})

    @property
    def url(self) -> str:
        return str(_call("GET", f"{self._root}/url"))

    @property
    def text(self) -> str:
        return str(self.run("return document.body.innerText"))

    def run(self, script: str, *arguments: object) -> object:
        return _call("POST", f"{self._root}/execute/sync", {"script": script, "args": list(arguments)})

    def count(self, place: str) -> int:
        return len(self._find_all(place))

    def click(self, place: str, timeout_s: float = 120) -> None:
        """Click the first visible element, as soon as it takes the click."""

        def clicked() -> bool:
            for element in self._find_all(place):
                try:
                    _call("POST", f"{self._root}/element/{element}/click", {})
                except BrowserError:
                    continue
                return True
            return False

        self.wait(clicked, f"{place} to take a click", timeout_s)

    def type(self, place: str, keys: str) -> None:
        """Type into a field, as fingers do."""
        self.wait(lambda: self.count(place) > 0, place)
        _call("POST", f"{self._root}/element/{self._find_all(place)[0]}/value", {"text": keys})

    def type_day(self, place: str, day: dt.date) -> None:
        """Type a day into a date field, in the order of digits that an American browser asks for."""
        self.type(place, f"{day:%m%d%Y}")

    def wait(self, done: Callable[[], bool], what: str, timeout_s: float = 120) -> None:
        deadline = time.monotonic() + timeout_s
        while not done():
            if time.monotonic() > deadline:
                raise BrowserError(f"waited {timeout_s:.0f} s for {what}; the page says:\n{self.text[:2000]}")
            time.sleep(0.2)

    def wait_for(self, words: str, timeout_s: float = 120) -> None:
        self.wait(lambda: words in self.text, f"the words {words!r}", timeout_s)

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(str(_call("GET", f"{self._root}/screenshot"))))

    def _find_all(self, place: str) -> list[str]:
        found = _call("POST", f"{self._root}/elements", {"using": "xpath", "value": place})
        return [element[_ELEMENT] for element in found]  # type: ignore[attr-defined]


@contextmanager
def browser(width: int = 1280, height: int = 900) -> Iterator[Browser]:
    """A browser that leaves nothing behind.

    Raises:
        BrowserError: Chromium or ChromeDriver is missing or does not start.
    """
    programs = find_programs()
    if programs is None:
        raise BrowserError("chromium and chromedriver are needed: apt-get install chromium chromium-driver")
    chromium, driver = programs
    with tempfile.TemporaryDirectory(prefix="nightquest-browser-") as profile:
        process = subprocess.Popen([driver, "--port=0"], stdout=subprocess.PIPE, text=True)
        try:
            address = f"http://127.0.0.1:{_port(process)}"
            flags = [*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"]
            options = {"goog:chromeOptions": {"binary": chromium, "args": flags}}
            session = _call("POST", f"{address}/session", {"capabilities": {"alwaysMatch": options}})
            name = session["sessionId"]  # type: ignore[index]
            try:
                yield Browser(address, name)
            finally:
                _call("DELETE", f"{address}/session/{name}")
        finally:
            process.terminate()
            process.wait(10)
            process.stdout.close()


def _port(process: subprocess.Popen) -> int:
    for line in process.stdout:
        if "started successfully on port" in line:
            return int(line.rsplit(" ", 1)[1].strip(" .\n"))
    raise BrowserError("ChromeDriver ended before it said its port")


def _call(method: str, url: str, body: object = None) -> object:
    data = None if body is None else json.dumps(body).encode()
    kind = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data, kind, method=method)  # noqa: S310  # our own driver, on loopback
    try:
        with _OPENER.open(request, timeout=120) as answer:
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        raise BrowserError(json.load(error)["value"]["message"].splitlines()[0]) from None

"""A webhook: what is new for players, posted in signed batches to an address of the app's own.

Signed as Standard Webhooks has it (standardwebhooks.com, 1.0): HMAC-SHA256 over id, timestamp and body. A night that is
sent again, after a receiver was down or a run was killed, has the same ids in the same batches, and each piece of news
keeps its id over all nights: a receiver that knows an id again takes nothing twice. docs/webhook.md is for receivers.
"""

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import polars as pl

from configs.errors import NightquestError
from pipelines.publish.news import CONTACTS, ERASED, NEWS, News, fresh_from, tells_news
from pipelines.publish.published import Published
from pipelines.publish.sinks import Clock, Options

OPTIONS = {
    "url": "the address that takes them, like https://app.example.com/nightquest",
    "secret": "what both sides sign with: 16 characters or more, or whsec_ and base64",
}
OPTIONAL = {"batch": "pieces of news in a request; 500", "timeout_s": "seconds for an answer; 10"}
SECRETS = ("url", "secret")

_WHAT = "The destination webhook"
_ROWS = 5_000  # of a file that are in memory at one time
_WAITS_S = (1.0, 2.0, 4.0, 8.0)  # between the tries of a batch
_LONGEST_WAIT_S = 60.0  # that a receiver may ask for
_TRY_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_REMEDIES = {
    401: "Give both sides the same secret.",
    403: "Give both sides the same secret.",
    404: "Correct its url.",
    410: "Correct its url.",
    413: "Set its option batch to less.",
}


def deliver(night: Published, options: Options, clock: Clock) -> str:
    """Post what is new; returns the night's key, and how much it was.

    Raises:
        NightquestError: An option is wrong, the receiver does not take a batch, or it stays away over several tries.
    """
    receiver = _Receiver(options)
    sent = requests = 0
    for items in _batches(night, receiver.batch) if tells_news(night.manifest) else ():
        receiver.post(_id(night, requests), _body(night, items), clock)
        sent, requests = sent + len(items), requests + 1
    return f"{night.key}: {sent} pieces of news in {requests} requests"


def erase(app: str, user_id: str, nights: Sequence[Published], options: Options, clock: Clock) -> str:
    """Post that a person was erased; returns its id. It is the same each time, of each state of the nights.

    Raises:
        NightquestError: As `deliver`.
    """
    told = f"{app}/{ERASED}/{user_id}"
    body = {"type": "nightquest.erased", "app": app, "items": [{"id": told, "kind": ERASED, "user_id": user_id}]}
    state = "/".join([told, *(night.key for night in nights[-1:])])
    message = f"nq_{hashlib.sha256(state.encode()).hexdigest()[:32]}"
    _Receiver(options).post(message, json.dumps(body).encode(), clock)
    return f"{message}: told"


def probe(options: Options) -> None:
    """Find out whether somebody answers at the address; nothing is sent.

    Raises:
        NightquestError: As `deliver`.
    """
    receiver = _Receiver(options)
    try:
        receiver.connection.connect()
    except (OSError, http.client.HTTPException) as error:
        raise receiver.away(error) from None
    finally:
        receiver.connection.close()


_TIMES = ("send_after", "send_before")
_NOBODY = pl.DataFrame(schema={"user_id": pl.String, "news_from": pl.Date})  # a night of before news waited


def _id(night: Published, number: int) -> str:
    return f"nq_{hashlib.sha256(f'{night.key}/{number}'.encode()).hexdigest()[:32]}"


def _body(night: Published, items: pl.Series) -> bytes:
    manifest = night.manifest
    head = {"type": "nightquest.news", "app": manifest.app, "as_of": str(manifest.as_of), "night": night.key}
    return f'{json.dumps(head)[:-1]}, "items": [{",".join(items)}]}}'.encode()


def _batches(night: Published, most: int) -> Iterator[pl.Series]:
    """What is new as JSON objects, in the order of the files, so that the same night has the same batches."""
    from pipelines.publish.tables import published_tables  # noqa: PLC0415 (contracts take a second to load)

    fresh = fresh_from(night)
    contacts = night.table(CONTACTS) if CONTACTS in night.manifest.tables else None
    for table, news in NEWS.items():
        if table not in night.manifest.tables:  # of a night that is older than the table
            continue
        screen = news.shows or published_tables()[table].contract.screen
        for frame in night.parts(table, _ROWS):
            items = _items(_heeding(frame, contacts), news, screen, fresh)
            for start in range(0, len(items), most):
                yield items.slice(start, most)


def _heeding(frame: pl.DataFrame, contacts: pl.DataFrame | None) -> pl.DataFrame:
    """The rows of players who may be told something, with since when their news waited, and when they may be told."""
    if contacts is None:
        return frame.with_columns(news_from=pl.lit(None, pl.Date))
    alone = contacts.filter(pl.col("left_alone").is_not_null())
    told = frame.join(alone, on="user_id", how="anti", maintain_order="left")
    waited = contacts.select("user_id", "news_from") if "news_from" in contacts.columns else _NOBODY
    told = told.join(waited, on="user_id", how="left", maintain_order="left")
    times = contacts.select("user_id", *_TIMES).drop_nulls()
    return told.join(times, on="user_id", how="left", maintain_order="left") if times.height else told


def _items(frame: pl.DataFrame, news: News, screen: tuple[str, ...], fresh: dt.datetime) -> pl.Series:
    moments = pl.selectors.datetime().dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
    told = frame.filter(pl.sql_expr(news.where))
    if news.posted:
        told = told.filter(pl.col(news.posted) >= pl.coalesce("news_from", "as_of"))
    new = (told.filter(pl.col(news.earned) >= fresh) if news.earned else told).with_columns(moments)
    item = pl.struct(
        pl.concat_str(
            "app", pl.lit(news.kind), *(pl.col(each).cast(pl.String) for each in news.id), separator="/"
        ).alias("id"),
        pl.lit(news.kind).alias("kind"),
        "user_id",
        (pl.col(news.ends) if news.ends else pl.lit(None, pl.Date)).alias("expires_on"),
        *(each for each in _TIMES if each in new.columns),
        pl.struct(each for each in screen if each in new.columns).alias("data"),
    )
    return new.select(item.struct.json_encode().alias("item"))["item"]


@dataclass(frozen=True)
class _Answer:
    status: int
    reason: str
    retry_after_s: float | None


class _Receiver:
    """Who takes the requests, over one connection as long as it holds."""

    def __init__(self, options: Options) -> None:
        self.key = _key(options["secret"])
        self.batch = int(_number(options, "batch", 500, 1, 5_000))
        self.timeout_s = _number(options, "timeout_s", 10, 0.1, 120)
        parts = _address(options["url"])
        self.host = f"{parts.scheme}://{parts.netloc}"
        self.path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        name = parts.hostname or ""
        self.connection = (
            http.client.HTTPSConnection(name, parts.port, timeout=self.timeout_s, context=ssl.create_default_context())
            if parts.scheme == "https"
            else http.client.HTTPConnection(name, parts.port, timeout=self.timeout_s)
        )

    def post(self, message: str, body: bytes, clock: Clock) -> None:
        """Post a batch until it is taken; each try is signed anew, since a receiver refuses old ones."""
        for wait_s in (*_WAITS_S, None):
            try:
                answer = self._ask(message, body, int(clock().timestamp()))
            except (OSError, http.client.HTTPException) as error:
                self.connection.close()
                failed, asked_s = self.away(error), None
            else:
                if 200 <= answer.status < 300:
                    return
                failed, asked_s = self._refused(answer), answer.retry_after_s
                if answer.status not in _TRY_AGAIN:
                    raise failed
            if wait_s is None:
                raise failed
            time.sleep(min(max(wait_s, asked_s or 0.0), _LONGEST_WAIT_S))

    def _ask(self, message: str, body: bytes, moment: int) -> _Answer:
        signed = hmac.digest(self.key, f"{message}.{moment}.".encode() + body, "sha256")
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "nightquest",
            "Webhook-Id": message,
            "Webhook-Timestamp": str(moment),
            "Webhook-Signature": f"v1,{base64.b64encode(signed).decode()}",
        }
        self.connection.request("POST", self.path, body, headers)
        with self._in_time():
            answer = self.connection.getresponse()
        with suppress(OSError, http.client.HTTPException):  # its status has said all; what follows may be late, or cut
            answer.read1(64 * 1024)
        if not answer.isclosed():  # there is more than anybody reads: the connection cannot be used again
            self.connection.close()
        asked = answer.headers.get("Retry-After", "")
        return _Answer(answer.status, answer.reason, float(asked) if asked.isdigit() else None)

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        """No answer takes longer, however it trickles in: a socket's own limit is of each read."""
        late, answering = threading.Event(), self.connection.sock

        def cut() -> None:
            late.set()
            with suppress(OSError):
                socket.socket.shutdown(answering, socket.SHUT_RDWR)  # and not TLS's own, which would wait for its end

        timer = threading.Timer(self.timeout_s, cut)
        timer.start()
        try:
            yield
        except (OSError, http.client.HTTPException) as error:
            if late.is_set():
                raise TimeoutError from error
            raise
        finally:
            timer.cancel()

    def away(self, error: Exception) -> NightquestError:
        """Nobody answers, in time or at all."""
        why = str(error) or type(error).__name__
        if isinstance(error, TimeoutError):
            why = "no answer in time"
        elif not isinstance(error, OSError):
            why = "what it answers is no HTTP"
        return NightquestError(
            f"The receiver at {self.host} cannot be reached: {why[:200]}.", "Start it, or look at its log."
        )

    def _refused(self, answer: _Answer) -> NightquestError:
        remedy = "Give the address that it leads to." if 300 <= answer.status < 400 else "Look at its log."
        return NightquestError(
            f"The receiver at {self.host} answered {answer.status} {answer.reason[:60]}".strip() + ".",
            _REMEDIES.get(answer.status, remedy),
        )


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret[6:], validate=True) if secret.startswith("whsec_") else secret.encode()
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < 16:
        raise NightquestError(
            f"{_WHAT} has a secret that is too short or no base64.", "Give 16 characters or more, or whsec_ and base64."
        )
    return key


def _address(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        right = parts.scheme in {"http", "https"} and parts.hostname and not parts.username and parts.port != 0
    except ValueError:
        right = False
    if not right or not url.isascii() or any(sign.isspace() for sign in url):
        raise NightquestError(
            f"{_WHAT} has an url that cannot be used.",
            "Write it like https://app.example.com/nightquest, without a user.",
        )
    return parts


def _number(options: Options, name: str, usual: float, low: float, high: float) -> float:
    told = options.get(name)
    try:
        number = float(told) if told else usual
    except ValueError:
        number = -1.0
    if not low <= number <= high:
        raise NightquestError(f"{_WHAT} has '{told}' for {name}.", f"Write a number from {low:g} to {high:g}.")
    return number

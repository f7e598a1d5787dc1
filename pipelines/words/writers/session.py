"""Where a night's texts are written: live, or through batches first; every paid question through the ledger."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from configs.errors import NightquestError
from configs.settings import Settings
from models.language.batches import Batches
from models.language.calls import Failed, Reply, Request, Written
from models.language.client import Client
from models.language.ledger import Budget, Ledger, open_ledger
from models.language.offers import open_providers, priced_models
from models.language.pacing import Figures, Limits
from models.language.providers.provider import Provider
from pipelines.pins import Night
from pipelines.words.wishes import Clock, RunContext
from pipelines.words.writers.crew import Crew
from pipelines.words.writers.jobs import Job, Tally, Text
from pipelines.words.writers.models import Author


@dataclass
class Account:
    """What a night's writing and judging took; one for the whole night, so that its patience is spent once.

    Attributes:
        live: Counts of the live asks.
        waited_s: For batches.
        canceled: Batches that were not back in time.
        trouble: Why nothing could be bought, or no more of it; empty when all is well.
    """

    tally: Tally = field(default_factory=Tally)
    live: Figures = field(default_factory=Figures)
    waited_s: float = 0.0
    canceled: int = 0
    trouble: str = ""


class WritingSession:
    """Where a night's texts are written: the crew, with the ledger open.

    Args:
        night: Whose words.
        context: What may be used.
        crew: Who writes.
        ledger: Open.
        account: Goes on from what the night took so far.
    """

    def __init__(
        self, night: Night, context: RunContext, crew: Crew, ledger: Ledger, account: Account | None = None
    ) -> None:
        self._app, self._context, self.crew, self.ledger = night.app, context, crew, ledger
        self._seed = night.seed
        self._models = priced_models(context.settings, night.app.content.prices)
        self._run = context.payer(night)
        settings = context.settings
        self._budget = Budget(context.wishes.budget_usd(settings), settings.max_cost_usd_per_month)
        self.account = account or Account()

    def write(self, jobs: Sequence[Job]) -> list[list[Text]]:
        """The new texts of each job; in batch mode what a batch brings in time is not asked live."""
        return asyncio.run(self._write(jobs))

    def ask_all(self, requests: Sequence[Request]) -> list[Reply]:
        """Ask live; the replies in the order of the requests."""
        client = self._client(self._providers())
        replies = client.ask_all(requests)
        self.account.trouble = self.account.trouble or client.books.trouble
        tally = self.account.tally
        tally.known += sum(isinstance(reply, Written) and not reply.paid_now for reply in replies)
        tally.failed.update(
            f"{request.provider}: {reply.reason}"
            for request, reply in zip(requests, replies, strict=True)
            if isinstance(reply, Failed)
        )
        return replies

    def submit(self, jobs: Sequence[Job]) -> list[str]:
        """Send the first requests of jobs as batches, to be collected later; the ledger's keys of the batches."""
        return asyncio.run(self._submit(jobs))

    def price(self, jobs: Sequence[Job]) -> list[Request]:
        """What jobs would ask first."""
        author = self._author(_nobody)
        return [request for job in jobs for request in author.first_requests(job)]

    def price_judging(self, jobs: Sequence[Job]) -> list[Request]:
        """What judging between two providers' texts of jobs would ask at most, with texts as long as they may be."""
        author = self._author(_nobody)
        return [request for job in jobs for request in author.judging_requests(job)]

    async def _write(self, jobs: Sequence[Job]) -> list[list[Text]]:
        if self._app.content.mode == "batch":
            try:
                await self._through_batches(jobs)
            except NightquestError as error:  # the ledger cannot be written; the client will say so too and buy nothing
                self.account.trouble = str(error)
        client = self._client(self._providers())
        async with client:
            author = self._author(client.ask)
            texts = await author.write(jobs, lambda done, total: self._context.progress("briefs written", done, total))
        self.account.trouble = self.account.trouble or client.books.trouble
        self.account.tally.add(author.tally)
        return texts

    async def _through_batches(self, jobs: Sequence[Job]) -> None:
        """Collect what was submitted before, submit what is missing, and wait for it as long as there is time."""
        async with self._batches() as batches:
            await batches.recover()
            await batches.collect()
            left_s = max(0.0, self._context.settings.batch_wait_s - self.account.waited_s)
            if left_s:  # what cannot be waited for is asked live at once
                await self._send(batches, jobs)
            began = time.monotonic()
            report = await batches.finish(left_s)
            self.account.canceled += report.canceled
            self.account.waited_s += time.monotonic() - began

    async def _submit(self, jobs: Sequence[Job]) -> list[str]:
        async with self._batches() as batches:
            await batches.recover()
            return await self._send(batches, jobs)

    async def _send(self, batches: Batches, jobs: Sequence[Job]) -> list[str]:
        requests = self.price(jobs)
        keys: list[str] = []
        for name in dict.fromkeys(request.provider for request in requests):
            mine = (request for request in requests if request.provider == name)
            keys += await batches.submit(name, self._run, self._budget, mine, self._models.models)
        return keys

    @asynccontextmanager
    async def _batches(self) -> AsyncIterator[Batches]:
        """The app's batches; another app's night may be at work on its own."""
        async with _closing(self._providers()) as providers:
            yield Batches(self.ledger, providers, app=self._app.app)

    def _author(self, ask: Callable[[Request], Coroutine[Any, Any, Reply]]) -> Author:
        return Author(self._app, ask, self._app.content.variants, self._run.night)

    def _providers(self) -> dict[Any, Provider]:
        return open_providers(self._context.settings, models=self._models)  # of one event loop

    def _client(self, providers: Mapping[Any, Provider]) -> Client:
        settings = self._context.settings
        left_s = max(0.0, settings.writing_deadline_s - self.account.live.seconds)
        limits = Limits(concurrency=settings.writing_concurrency, deadline_s=left_s)
        clock = self._context.clock
        figures = self.account.live
        return Client(self.ledger, providers, self._run, self._budget, limits, clock, self._seed, self._models, figures)


@contextmanager
def find_session(night: Night, context: RunContext, crew: Crew, account: Account) -> Iterator[WritingSession | None]:
    """As `open_session`; where the ledger cannot be opened nobody may be asked, and the account says why."""
    with ExitStack() as held:
        session = None
        try:
            session = held.enter_context(open_session(night, context, crew, account))
        except NightquestError as error:
            account.trouble = str(error)
        yield session


@contextmanager
def open_session(
    night: Night, context: RunContext, crew: Crew, account: Account | None = None
) -> Iterator[WritingSession | None]:
    """The writing session of a night, or None when the offline writer writes everything.

    Args:
        night: Whose words.
        context: What may be used.
        crew: Who writes.
        account: Of the night so far.

    Raises:
        NightquestError: The ledger cannot be opened.
    """
    if not crew.teams:
        yield None
        return
    with open_ledger(context.settings.home, context.clock) as ledger:
        yield WritingSession(night, context, crew, ledger, account)


def collect_answers(settings: Settings, clock: Clock) -> dict[str, Any]:
    """Recover and collect the batches of all apps; counts by what became of them.

    Raises:
        NightquestError: The ledger cannot be written.
    """

    async def look() -> dict[str, Any]:
        async with _closing(open_providers(settings)) as providers:
            batches = Batches(ledger, providers)
            await batches.recover()
            report = await batches.collect()
        return vars(report) | {"failed": dict(report.failed)}

    with open_ledger(settings.home, clock) as ledger:
        return asyncio.run(look())


@asynccontextmanager
async def _closing(providers: Mapping[Any, Provider]) -> AsyncIterator[Mapping[Any, Provider]]:
    """Providers that are closed at the end."""
    try:
        yield providers
    finally:
        for provider in providers.values():
            with suppress(Exception):  # a connection that cannot be closed is gone as well
                await provider.close()


async def _nobody(request: Request) -> Reply:
    raise RuntimeError(f"{request.purpose} is priced, not asked")

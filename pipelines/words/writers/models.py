"""Writing for briefs with language models: ask, check, ask again with the reason, then ask the other provider.

What nobody could write is left to the offline writer. Every text says how it came about.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from configs.app import App
from models.language.calls import Reply, Request, Written, most_it_costs
from pipelines.words.writers.answers import Checked, read_answer
from pipelines.words.writers.choose import Judge, judge_request, judge_variants
from pipelines.words.writers.jobs import Job, Pen, Tally, Team, Text
from pipelines.words.writers.offline import Variant
from pipelines.words.writers.prompts import render_request
from pipelines.words.writers.telling import most_characters

Ask = Callable[[Request], Awaitable[Reply]]

AVOIDED = 40  # titles told to a later turn
INDIVIDUAL_TEXTS = 3
MOST_NIGHTS = 3  # that ask for a turn's texts anew when nothing of the answers can be used


class Author:
    """Writes the texts of briefs.

    Args:
        app: Its voice and words.
        ask: Asks one request, through the ledger.
        variants: Texts asked for in one request.
        night: Who pays, as the ledger has it.
    """

    def __init__(self, app: App, ask: Ask, variants: int, night: str) -> None:
        self.app = app
        self.ask = ask
        self.variants = variants
        self.night = night
        self.tally = Tally()

    async def write(self, jobs: Sequence[Job], done: Callable[[int, int], None]) -> list[list[Text]]:
        """The new texts of every job, losers included; an empty list where nobody could write.

        Args:
            jobs: The briefs.
            done: Told how many of how many briefs are through.
        """
        finished = 0

        async def one(job: Job) -> list[Text]:
            nonlocal finished
            try:
                texts = await self._job(job)
            except Exception as error:  # noqa: BLE001 (one brief must not take the night's words along)
                self.tally.failed[f"stopped by a mistake: {type(error).__name__}"] += 1
                self.tally.happened["offline"] += 1
                texts = []
            finished += 1
            done(finished, len(jobs))
            return texts

        return list(await asyncio.gather(*(one(job) for job in jobs)))

    def first_requests(self, job: Job) -> list[Request]:
        """What a job asks before anything went wrong: what a batch may hold."""
        return [self._request(pen, job, self._wanted(job), turn) for pen in job.team.pens for turn in self._turns(job)]

    def judging_requests(self, job: Job) -> list[Request]:
        """What a job asks of judges, with texts as long as they may be and the dearest judge drawn."""
        if len(job.team.pens) == 1:
            return []
        limits = most_characters(self.app, job.brief)
        longest = {"title": "x" * limits.pop("title", 0), "text": "x" * sum(limits.values())}
        pairs = [{"id": i + 1, "first": longest, "second": longest} for i in range(self._wanted(job))]
        asked = [(judge_request(self.app, job.brief, pairs, judge), judge) for judge in _judges(job.team)]
        dearest, _ = max(asked, key=lambda one: most_it_costs(one[0], one[1].pricing))
        return [dearest, dearest] * len(self._turns(job))  # both ways round

    async def _job(self, job: Job) -> list[Text]:
        turns = self._turns(job)
        parts = await asyncio.gather(*(self._turn(job, turn) for turn in turns))
        texts = _different([text for part in parts for text in part])
        self.tally.happened["offline"] += not any(text.serves for text in texts)
        return texts

    async def _turn(self, job: Job, turn: int) -> list[Text]:
        """A turn's texts; where all answers are old and none is usable, it asks as a later turn: a new question."""
        texts, old = await self._ask_team(job, turn)
        for later in range(1, MOST_NIGHTS):
            if texts or not old:
                break
            texts, old = await self._ask_team(job, turn + later * len(self._turns(job)))
        return texts

    async def _ask_team(self, job: Job, turn: int) -> tuple[list[Text], bool]:
        """A turn's texts, and whether all answers were those of earlier nights."""
        if len(job.team.pens) == 1:
            return await self._chain(job, turn, job.team.pens[0], job.team.others)
        sides = await asyncio.gather(*(self._chain(job, turn, pen, ()) for pen in job.team.pens))
        return await self._judge(job, [texts for texts, _ in sides]), all(old for _, old in sides)

    async def _chain(self, job: Job, turn: int, pen: Pen, others: Sequence[Pen]) -> tuple[list[Text], bool]:
        """One pen's texts for a turn, as `_ask_team`. After two tries others are asked for what is missing."""
        wanted = self._wanted(job)
        texts, why = await self._ask(job, turn, pen, wanted, {})
        old = why.old
        if len(texts) < wanted and why.faults:
            again = {"asked_again": True, "reason": why.faults[0]}
            more, why = await self._ask(job, turn, pen, wanted - len(texts), again, seen=texts, reasons=why.faults)
            texts, old = _different([*texts, *more]), old and why.old
        for other in others:
            if len(texts) < wanted:
                instead = {"instead_of": pen.provider, "reason": why.reason}
                more, last = await self._ask(job, turn, other, wanted - len(texts), instead, seen=texts)
                texts, old = _different([*texts, *more]), old and last.old
        return texts, old

    async def _ask(
        self,
        job: Job,
        turn: int,
        pen: Pen,
        wanted: int,
        note: Mapping[str, object],
        *,
        seen: Sequence[Text] = (),
        reasons: Sequence[str] = (),
    ) -> tuple[list[Text], "_Why"]:
        """Ask once; the usable texts, and why there are no more."""
        avoid = [*job.avoid, *(text.variant for text in seen)]
        reply = await self.ask(self._request(pen, job, wanted, turn, avoid=avoid, reasons=reasons))
        self.tally.asked[job.brief.content_type] += 1
        self.tally.known += isinstance(reply, Written) and not reply.paid_now
        old = reply.night not in {"", self.night}
        if not isinstance(reply, Written):
            self.tally.failed[f"{pen.provider}: {reply.reason}"] += 1
            # An answer that was paid for and cannot be used is worth another try; one that did not come is not.
            paid = reply.reason in {"refused", "truncated", "malformed"}
            return [], _Why(reply.reason, (f"the answer was {reply.reason}",) if paid else (), old)
        checked = read_answer(self.app, job.brief, reply.text, avoid=avoid)
        self.tally.refused.update(checked.faults)
        good = checked.good[:wanted]
        how = "other provider" if "instead_of" in note else "again" if note else "first"
        self.tally.happened[how] += bool(good)
        told = {"written": pen.provider, "turn": turn, **note}
        texts = [Text(v, pen, reply.key, reply.cost_usd / len(good), metadata=told) for v in good]
        return texts, _why(checked, old=old)

    async def _judge(self, job: Job, sides: Sequence[list[Text]]) -> list[Text]:
        """Pick between two providers' texts; the losers stay as candidates."""
        first, second = sides
        if not first or not second:
            return [*first, *second]
        mine, yours = ([text.variant for text in side] for side in sides)
        contest = await judge_variants(self.app, job.brief, mine, yours, self.ask, _judges(job.team))
        self.tally.judged.update(contest.decided)
        self.tally.failed.update(contest.failed)
        self.tally.asked["judge"] += contest.calls
        return [*_kept(first, contest.first), *_kept(second, contest.second)]

    def _request(
        self,
        pen: Pen,
        job: Job,
        wanted: int,
        turn: int,
        *,
        avoid: Sequence[Variant] | None = None,
        reasons: Sequence[str] = (),
    ) -> Request:
        titles = [v.title or v.text for v in (job.avoid if avoid is None else avoid)][-AVOIDED:]
        return render_request(
            self.app,
            job.brief,
            pen.prompts[job.brief.content_type],
            provider=pen.provider,
            model=pen.model,
            pricing=pen.pricing,
            variants=wanted,
            turn=turn,
            avoid=titles,
            again=list(reasons),
        )

    def _wanted(self, job: Job) -> int:
        return min(self.variants, INDIVIDUAL_TEXTS) if job.brief.profile else self.variants

    def _turns(self, job: Job) -> range:
        return range(job.turn, job.turn + max(1, -(-job.missing // self._wanted(job))))


@dataclass(frozen=True)
class _Why:
    """Why a pen did not write all that was wanted; `old`: as an earlier night was told."""

    reason: str
    faults: tuple[str, ...] = ()
    old: bool = False


def _judges(team: Team) -> list[Judge]:
    return [Judge(pen.provider, pen.model, pen.pricing, pen.prompts["judge"]) for pen in team.pens]


def _why(checked: Checked, *, old: bool) -> _Why:
    faults = tuple(dict.fromkeys(checked.faults))
    return _Why(faults[0] if faults else "too few texts", faults or ("there were too few texts",), old)


def _different(texts: Sequence[Text]) -> list[Text]:
    """The texts without those that came before."""
    return list({text.variant.variant: text for text in reversed(texts)}.values())[::-1]


def _kept(texts: Sequence[Text], scores: Mapping[str, Mapping[str, object]]) -> list[Text]:
    return [
        Text(
            text.variant,
            text.pen,
            text.call_key,
            text.cost_usd,
            serves=bool(scores[text.variant.variant]["won"]),
            metadata={**text.metadata, "judged": scores[text.variant.variant]},
        )
        for text in texts
    ]

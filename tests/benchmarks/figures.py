"""The figures of the bench, told as lines, a Markdown table and a plot, and kept from run to run."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from data.whole_files import whole_file
from tests.benchmarks.processes import Cost

_HEAD = (
    "| players | events | stage | wall | CPU | peak | straight: wall | CPU | peak "
    "| CPU ratio | memory ratio | growth | load |"
)


@dataclass(frozen=True)
class Stage:
    """One stage at one size, and its straight script beside it.

    Attributes:
        load: The machine's as it began: processes that wanted a processor, a minute's mean.
        day: On which it was measured (UTC).
        failed: What the side said that has no cost.
    """

    name: str
    players: int
    events: int
    own: Cost | None
    straight: Cost | None
    load: float = 0.0
    day: str = ""
    failed: str = ""

    @property
    def ratio(self) -> float | None:
        """CPU seconds to those of the straight script."""
        return self.own.cpu_s / self.straight.cpu_s if self.own and self.straight else None

    def line(self) -> str:
        """For the terminal."""
        ratio = "" if self.ratio is None else f"   {self.ratio:5.1f} x"
        why = "".join(f"\n    {line}" for line in self.failed.splitlines())
        name = f"{self.players:>9,} players  {self.name:<12}"
        return f"{name} {_told(self.own)}   straight {_told(self.straight)}{ratio}{why}"


class Lines:
    """Stages that were measured, kept in a JSON file as each ends; of one stage at one size the newest counts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
        # Lines without a name are of a bench before this one.
        self._kept = {(line["players"], line["name"]): _stage(line) for line in kept if "name" in line}

    @property
    def stages(self) -> list[Stage]:
        """All, by size and otherwise in the order in which they were measured first."""
        return sorted(self._kept.values(), key=lambda stage: stage.players)

    def keep(self, stage: Stage) -> None:
        """Keep one, at once."""
        self._kept[stage.players, stage.name] = stage
        lines = [asdict(stage) | {"cpu_ratio": stage.ratio} for stage in self.stages]
        with whole_file(self._path) as whole:
            whole.write_text(json.dumps(lines, indent=1), encoding="utf-8")


def table(stages: Sequence[Stage]) -> str:
    """Markdown, with growth in CPU against the same stage at the size before, and the sum over stages of a size."""
    lines = [_HEAD, "|" + "---:|" * 2 + "---|" + "---:|" * 10]
    sizes = list(dict.fromkeys(stage.players for stage in stages))
    by_size = {players: _with_sum([s for s in stages if s.players == players]) for players in sizes}
    for place, players in enumerate(sizes):
        before = {s.name: s.own for s in by_size[sizes[place - 1]]} if place else {}
        lines += [_row(stage, before.get(stage.name)) for stage in by_size[players]]
    return "\n".join(lines) + "\n"


def _with_sum(stages: list[Stage]) -> list[Stage]:
    """The stages of one size, and all of them together where none failed."""
    own, straight = [s.own for s in stages if s.own], [s.straight for s in stages if s.straight]
    if not len(own) == len(straight) == len(stages) > 1:
        return stages
    load = max(stage.load for stage in stages)
    return [*stages, Stage("all", stages[0].players, stages[0].events, Cost.of(own), Cost.of(straight), load)]


def _stage(line: dict[str, object]) -> Stage:
    costs = {side: Cost(**cost) if isinstance(cost := line[side], dict) else None for side in ("own", "straight")}
    return Stage(**{name: value for name, value in (line | costs).items() if name != "cpu_ratio"})  # type: ignore[arg-type]  # as kept


def _row(stage: Stage, before: Cost | None) -> str:
    costs = " | ".join(
        f"{cost.wall_s:.1f} s | {cost.cpu_s:.1f} s | {cost.peak_gb:.2f} GB" if cost else "failed | | "
        for cost in (stage.own, stage.straight)
    )
    ratios = " | ".join(
        "" if value is None else f"{value:.1f}" for value in (stage.ratio, _over(stage.own, stage.straight))
    )
    growth = f"{stage.own.cpu_s / before.cpu_s:.1f} x" if before and stage.own else ""
    return f"| {stage.players:,} | {stage.events:,} | {stage.name} | {costs} | {ratios} | {growth} | {stage.load:.0f} |"


def _over(own: Cost | None, straight: Cost | None) -> float | None:
    return own.peak_gb / straight.peak_gb if own and straight else None


def _told(cost: Cost | None) -> str:
    return f"{cost.wall_s:8.1f} s wall {cost.cpu_s:8.1f} s CPU {cost.peak_gb:6.2f} GB" if cost else f"{'failed':>35}"


def draw(stages: Sequence[Stage], path: Path) -> None:
    """CPU seconds by players of each stage, and of its straight script."""
    import matplotlib as mpl  # noqa: PLC0415 (what measures processes stays small until they are over)

    mpl.use("svg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    names = list(dict.fromkeys(stage.name for stage in stages))
    sizes = sorted({stage.players for stage in stages})
    figure, axes = plt.subplots(1, len(names), figsize=(3 * len(names), 3), squeeze=False, layout="constrained")
    for axis, name in zip(axes[0], names, strict=True):
        here = [stage for stage in stages if stage.name == name]
        for label, look, costs in (
            ("Nightquest", "o-", [(s.players, s.own.cpu_s) for s in here if s.own]),
            ("straight script", "s--", [(s.players, s.straight.cpu_s) for s in here if s.straight]),
        ):
            axis.plot([players for players, _ in costs], [seconds for _, seconds in costs], look, label=label)
        axis.set(title=name, xscale="log", yscale="log", xlabel="players")
        axis.set_xticks(sizes, [f"{players:,}" for players in sizes])
        axis.yaxis.set_major_formatter("{x:g}")
        for each in (axis.xaxis, axis.yaxis):
            each.set_minor_formatter(mpl.ticker.NullFormatter())
    axes[0][0].set_ylabel("CPU seconds")
    axes[0][0].legend()
    figure.savefig(path)
    plt.close(figure)

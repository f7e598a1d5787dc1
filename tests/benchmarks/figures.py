"""The figures of the bench, told as lines, a Markdown table and a plot."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.processes import Cost

_HEAD = (
    "| players | events | stage | wall | CPU | peak | straight: wall | CPU | peak | CPU ratio | memory ratio | growth |"
)


@dataclass(frozen=True)
class Stage:
    """One stage at one size, and its straight script beside it."""

    name: str
    players: int
    events: int
    own: Cost
    straight: Cost

    @property
    def ratio(self) -> float:
        """CPU seconds to those of the straight script."""
        return self.own.cpu_s / self.straight.cpu_s

    def line(self) -> str:
        """For the terminal."""
        return (
            f"{self.players:>9,} players  {self.name:<12} {self.own.wall_s:8.1f} s wall {self.own.cpu_s:8.1f} s CPU "
            f"{self.own.peak_gb:6.2f} GB   straight {self.straight.cpu_s:7.1f} s CPU {self.straight.peak_gb:6.2f} GB   "
            f"{self.ratio:5.1f} x"
        )

    def figures(self) -> dict[str, object]:
        """For JSON."""
        return {
            "stage": self.name, "players": self.players, "events": self.events, "own": vars(self.own),
            "straight": vars(self.straight), "cpu_ratio": self.ratio,
        }  # fmt: skip


def table(stages: Sequence[Stage]) -> str:
    """Markdown, with growth in CPU against the same stage at the size before, and the sum over stages of a size."""
    lines = [_HEAD, "|" + "---:|" * 2 + "---|" + "---:|" * 9]
    sizes = list(dict.fromkeys(stage.players for stage in stages))
    for place, players in enumerate(sizes):
        here = [stage for stage in stages if stage.players == players]
        if len(here) > 1:
            own, straight = Cost.of([s.own for s in here]), Cost.of([s.straight for s in here])
            here.append(Stage("all", players, here[0].events, own, straight))
        before = {s.name: s for s in stages if place and s.players == sizes[place - 1]}
        lines += [_row(stage, before.get(stage.name)) for stage in here]
    return "\n".join(lines) + "\n"


def _row(stage: Stage, before: Stage | None) -> str:
    costs = " | ".join(
        f"{cost.wall_s:.1f} s | {cost.cpu_s:.1f} s | {cost.peak_gb:.2f} GB" for cost in (stage.own, stage.straight)
    )
    growth = f"{stage.own.cpu_s / before.own.cpu_s:.1f} x" if before else ""
    memory = stage.own.peak_gb / stage.straight.peak_gb
    return (
        f"| {stage.players:,} | {stage.events:,} | {stage.name} | {costs} | {stage.ratio:.1f} | {memory:.1f} | "
        f"{growth} |"
    )


def draw(stages: Sequence[Stage], path: Path) -> None:
    """CPU seconds by players of each stage, and of its straight script."""
    import matplotlib as mpl  # noqa: PLC0415 (what measures processes stays small until they are over)

    mpl.use("svg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    names = list(dict.fromkeys(stage.name for stage in stages))
    figure, axes = plt.subplots(1, len(names), figsize=(3 * len(names), 3), squeeze=False, layout="constrained")
    for axis, name in zip(axes[0], names, strict=True):
        here = [stage for stage in stages if stage.name == name]
        players = [stage.players for stage in here]
        axis.plot(players, [stage.own.cpu_s for stage in here], "o-", label="Nightquest")
        axis.plot(players, [stage.straight.cpu_s for stage in here], "s--", label="straight script")
        axis.set(title=name, xscale="log", yscale="log", xlabel="players")
    axes[0][0].set_ylabel("CPU seconds")
    axes[0][0].legend()
    figure.savefig(path)
    plt.close(figure)

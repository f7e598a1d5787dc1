"""Child processes kept running: one that dies is started again, a few times, and then the reason is told."""

import signal
import time
from collections.abc import Callable, Mapping

from configs.errors import NightquestError
from flows.server.processes import Server, stop_all

LOOK_EVERY_S = 0.5
TRIES = 3
STEADY_S = 600.0  # after as long a death is forgotten
Start = Callable[[], Server]
Say = Callable[[str], None]


class Watch:
    """Starts children and keeps them running.

    Args:
        starts: How each is started, by name, in order.
        needs: Who cannot go on without whom: it is started again with the one that it needs.
        say: Told what dies and what comes back.

    Attributes:
        running: The children by name.
    """

    def __init__(self, starts: Mapping[str, Start], needs: Mapping[str, str], say: Say) -> None:
        self._starts, self._needs, self._say = starts, needs, say
        self._deaths: dict[str, list[float]] = {name: [] for name in starts}
        self.running: dict[str, Server] = {}

    def start(self, *names: str) -> None:
        """Start these at the same time, and wait until all are ready.

        Raises:
            NightquestError: One ended, or is not ready in time.
        """
        for name in names:
            self.running[name] = self._starts[name]()
        for name in names:
            self.running[name].wait()

    def keep(self) -> None:
        """Look after the children for good.

        Raises:
            NightquestError: One died too often; the others still run.
        """
        while True:
            for name in self._starts:
                if self.running[name].process.poll() is not None:
                    self._start_again(name)
            time.sleep(LOOK_EVERY_S)

    def stop(self) -> None:
        """End all: first who needs others, asked as Ctrl-C asks, then the others."""
        needy = [server for name, server in self.running.items() if name in self._needs]
        stop_all(needy, signal.SIGINT)
        stop_all([server for server in self.running.values() if server not in needy])

    def _start_again(self, name: str) -> None:
        names = [name, *(needy for needy, needed in self._needs.items() if needed == name)]
        while True:
            told = f"{name} {_end_of(self.running[name])}"
            tries = self._count(name, told)
            self._say(f"{told}; starting it again ...")
            stop_all([self.running[one] for one in names])
            time.sleep(2**tries - 1)
            try:
                for one in names:
                    self.start(one)
            except NightquestError as error:
                self._say(str(error))
                continue
            self._say(f"{name} is back.")
            return

    def _count(self, name: str, told: str) -> int:
        """How often it was started again lately.

        Raises:
            NightquestError: Too often.
        """
        now = time.monotonic()
        lately = [at for at in self._deaths[name] if now - at < STEADY_S]
        if len(lately) >= TRIES:
            raise NightquestError(
                f"{told}, after {TRIES} new starts within {STEADY_S / 60:.0f} minutes.",
                f"Its last words are in {self.running[name].log}.",
                1,
            )
        self._deaths[name] = [*lately, now]
        return len(lately)


def _end_of(server: Server) -> str:
    code = server.process.poll()
    if code is None:
        return "did not start"
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit status {code}"

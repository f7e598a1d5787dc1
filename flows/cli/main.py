"""The `nightquest` command: runs one command, says what failed and ends with its status."""

import atexit
import os
import shlex
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from cyclopts import CycloptsError, UnusedCliTokensError

import flows.cli.commands_analyze
import flows.cli.commands_badges
import flows.cli.commands_begin
import flows.cli.commands_look
import flows.cli.commands_run
import flows.cli.commands_upkeep
import flows.cli.commands_words  # noqa: F401  # all of them register their commands
from configs.commands import remember_program
from configs.errors import NightquestError
from flows.cli.command import cli
from flows.cli.terminal import fall_back

INTERRUPTED, TERMINATED = 130, 143  # exit statuses of a command that Ctrl-C or SIGTERM ended


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its status."""
    fall_back()
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    remember_program(_program())
    status = run_command(arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    if "prefect" in sys.modules:
        # Prefect's threads outlive a run, and DuckDB's binding then reports leaks while the interpreter is taken down.
        atexit._run_exitfuncs()  # noqa: SLF001
        os._exit(status)
    sys.exit(status)


def _misread(error: CycloptsError) -> NightquestError:
    told = str(error).strip()
    if isinstance(error, UnusedCliTokensError):
        told = f"There is no place for {' '.join(map(shlex.quote, error.unused_tokens or ()))}."
    return NightquestError(told, f"See: {' '.join([_program(), *(error.command_chain or ()), '--help'])}")


def _program() -> str:
    """How this reader starts Nightquest."""
    if shutil.which("nightquest"):
        return "nightquest"
    started = Path(sys.argv[0])
    if started.name != "nightquest":
        return "python -m flows.cli.main"
    near = started.is_relative_to(Path.cwd())
    return shlex.quote(str(started.relative_to(Path.cwd()) if near else started))


def run_command(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit status."""
    from flows.cli.console import complain

    as_json = "--json" in arguments
    told: list[int] = []  # DuckDB turns what a signal raises inside a query into an error of its own
    _listen(told)
    try:
        cli(arguments, exit_on_error=False, print_error=False, result_action="return_none")
    except CycloptsError as error:
        return complain(_misread(error), as_json)
    except KeyboardInterrupt:
        return _stopped(INTERRUPTED, as_json)
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
        return _stopped(code, as_json) if code in {INTERRUPTED, TERMINATED} else code
    except Exception as error:  # noqa: BLE001  # the last stop before a person
        return _stopped(told[0], as_json) if told else complain(error, as_json)
    return 0


def _stopped(code: int, as_json: bool) -> int:
    from flows.cli.console import complain

    return complain(
        NightquestError("Stopped; what was done is kept.", "Run the same command again to go on.", code), as_json
    )


def _listen(told: list[int]) -> None:
    """Let Ctrl-C and SIGTERM end the command, and note which of them it was."""

    def interrupt(_signal: int, _frame: object) -> None:
        told.append(INTERRUPTED)
        raise KeyboardInterrupt

    def terminate(_signal: int, _frame: object) -> None:
        told.append(TERMINATED)
        sys.exit(TERMINATED)

    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as a shell's background job has it
        signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, terminate)


if __name__ == "__main__":
    main()

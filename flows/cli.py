"""The `nightquest` command: runs one command, says what failed and ends with its status."""

import atexit
import os
import signal
import sys
from collections.abc import Sequence

from cyclopts import CycloptsError

import flows.commands_look
import flows.commands_run
import flows.commands_words  # noqa: F401  # all three register their commands
from configs.errors import NightquestError
from flows.command import cli

INTERRUPTED, TERMINATED = 130, 143  # exit statuses of a command that Ctrl-C or SIGTERM ended


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its status."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    status = run_command(arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    if "prefect" in sys.modules:
        # Prefect's threads outlive a run, and DuckDB's binding then reports leaks while the interpreter is taken down.
        atexit._run_exitfuncs()  # noqa: SLF001
        os._exit(status)
    sys.exit(status)


def run_command(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit status."""
    from flows.console import complain

    as_json = "--json" in arguments
    signal.signal(signal.SIGTERM, _terminate)
    try:
        cli(arguments, exit_on_error=False, print_error=False, result_action="return_none")
    except CycloptsError as error:
        return complain(NightquestError(str(error).strip(), "See nightquest --help."), as_json)
    except KeyboardInterrupt:
        return _stopped(INTERRUPTED, as_json)
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
        return _stopped(code, as_json) if code in {INTERRUPTED, TERMINATED} else code
    except Exception as error:  # noqa: BLE001  # the last stop before a person
        return complain(error, as_json)
    return 0


def _stopped(code: int, as_json: bool) -> int:
    from flows.console import complain

    return complain(
        NightquestError("Stopped; what was done is kept.", "Run the same command again to go on.", code), as_json
    )


def _terminate(_signal: int, _frame: object) -> None:
    sys.exit(TERMINATED)


if __name__ == "__main__":
    main()

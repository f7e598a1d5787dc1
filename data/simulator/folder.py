"""The folder into which a simulator that is run by hand writes."""

import argparse
from collections.abc import Sequence
from pathlib import Path


def asked_folder(simulator: str, doc: str | None, args: Sequence[str] | None = None) -> Path:
    """FOLDER of the command line; `--help` prints what is written into it, and nothing is.

    Args:
        simulator: The module's name, such as `learning`.
        doc: Its docstring.
        args: What was typed after it; None takes the command line.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m data.simulator.{simulator}",
        description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="where the files go; made if it is not there")
    return Path(parser.parse_args(args).folder)

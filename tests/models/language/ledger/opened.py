"""A ledger opened in another process, and one question of one run."""

import contextlib
import subprocess
import sys
import textwrap
from pathlib import Path

from tests.models.language.asking import PLENTY, PRICES, a_run

ROOT = Path(__file__).parents[4]


def claim_one(ledger, request, run=None, budget=PLENTY):
    return ledger.claim(run or a_run(), budget, [request], PRICES)[0]


def file_of(home):
    return home / "ledger" / "language.sqlite"


@contextlib.contextmanager
def in_a_process(home, body: str, *, before: str = ""):
    """Run code in another process with `ledger` open in `home`; its stdin stays open until the block ends."""
    code = textwrap.dedent("""
        import os, resource, signal, sys
        from pathlib import Path
        {before}
        from tests.models.language.asking import *
        home = Path(sys.argv[1])
        with ledger_at(home) as ledger:
        {body}
    """).format(before=before, body=textwrap.indent(textwrap.dedent(body), "    "))
    command = [sys.executable, "-c", code, str(home)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()

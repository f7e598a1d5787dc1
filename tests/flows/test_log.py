"""Warnings of steps are told by whoever listens, and by nothing else."""

import logging
import subprocess
import sys

from flows.log import LOG, log_to_terminal
from tests.source_tree import ROOMS, ROOT, sources


def test_every_module_logs_below_nightquest():
    wrong = [path for path in sources(*ROOMS) if "getLogger(__name__)" in path.read_text()]
    assert [path.relative_to(ROOT) for path in wrong] == []


def test_a_warning_of_a_step_is_told_with_verbose(capsys):
    with log_to_terminal():
        logging.getLogger("nightquest.pipelines.engines.buckets").warning("a worker was lost")
    assert capsys.readouterr().err.endswith(" a worker was lost\n")
    assert len(LOG.handlers) == 1


def test_a_warning_of_a_step_does_not_come_to_the_terminal_on_its_own():
    warns = "import logging, flows.log; logging.getLogger('nightquest.pipelines.x').warning('a worker was lost')"
    done = subprocess.run([sys.executable, "-c", warns], capture_output=True, text=True, check=True, cwd=ROOT)
    assert (done.stdout, done.stderr) == ("", "")

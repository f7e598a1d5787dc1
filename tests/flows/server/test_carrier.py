"""Who carries a run, told from its tags."""

import platform
import subprocess
import sys

import psutil

from flows.server.carrier import carrier_tag, is_gone


def test_a_living_process_carries_its_runs_and_a_dead_one_does_not():
    gone = subprocess.run(
        [sys.executable, "-c", "from flows.server.carrier import carrier_tag; print(carrier_tag())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert is_gone(["nightquest", carrier_tag()]) is False
    assert is_gone([gone]) is True


def test_a_number_that_another_process_has_by_now_is_gone():
    me = psutil.Process()
    assert is_gone([f"process:{platform.node()}:{me.pid}:{me.create_time() - 999:.0f}"]) is True


def test_of_another_machines_process_nothing_is_known():
    me = psutil.Process()
    assert is_gone([f"process:{platform.node()}-too:{me.pid}:{me.create_time() - 999:.0f}"]) is None


def test_a_tag_of_another_form_says_nothing():
    assert [is_gone(tags) for tags in ([], ["nightquest"], ["process:12:34"], ["process:a:b:c:d"])] == [None] * 4

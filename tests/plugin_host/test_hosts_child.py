"""A host in a process of its own: what it answers, and what is said when it dies or hangs."""

import os

import pytest

from plugin_host.hosts.child import Child, Died
from plugin_host.rung import Failed

MODULE = "tests.plugin_host.a_host"


@pytest.fixture
def child(tmp_path):
    with Child(MODULE, {"PATH": os.environ["PATH"]}, tmp_path / "log") as one:
        yield one


def test_jobs_are_done_one_after_another(child):
    assert child.do("add", a=1, b=2) == {"sum": 3}
    assert child.do("add", a=3, b=4) == {"sum": 7}


def test_what_the_host_prints_does_not_mix_with_its_answers(child):
    assert child.do("chatter") == {"said": True}


def test_a_job_that_goes_wrong_is_told_in_words(child):
    with pytest.raises(Failed, match="could not do `divide`: ZeroDivisionError"):
        child.do("divide")
    assert child.do("add", a=0, b=0) == {"sum": 0}


def test_a_host_that_crashes_is_told_with_its_signal(child):
    with pytest.raises(Failed, match="died with SIGSEGV while it did `crash`"):
        child.do("crash")


def test_a_file_is_not_waited_for_of_a_host_that_died(child, tmp_path):
    path = tmp_path / "made"
    assert not child.has_made(path, "crash")
    with pytest.raises(Died):
        child.do("crash")
    with pytest.raises(Died, match="died with SIGSEGV while it did `crash`"):
        child.has_made(path, "crash")
    path.touch()
    assert child.has_made(path, "crash")


def test_a_host_that_hangs_is_not_waited_for(child):
    with pytest.raises(Failed, match="did not finish `hang`"):
        child.do("hang", within=0.2)

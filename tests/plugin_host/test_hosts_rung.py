"""The ladder itself: what is made of experiments that pass, fail or cannot be made."""

import json
import subprocess

import pytest

from plugin_host import ladder, rung
from plugin_host.rung import Experiment, Failed, Rung, Skipped, climb, expect


def fails() -> dict[str, float]:
    raise Failed("the tempo is 90, expected 97.5.")


def is_skipped() -> dict[str, float]:
    raise Skipped("no second bundle")


def passes() -> dict[str, float]:
    return {"late": 0, "load_seconds": 0.123456789}


def test_one_failure_fails_the_rung_and_the_others_are_made_all_the_same():
    found = climb("host", "1", [Experiment("first", fails), Experiment("second", passes)])
    assert found.outcome == "failed"
    assert "first" in found.why
    assert [one.outcome for one in found.findings] == ["failed", "passed"]


def test_an_experiment_that_cannot_be_made_does_not_fail_the_rung():
    found = climb("host", "1", [Experiment("one", passes), Experiment("two", is_skipped)])
    assert (found.outcome, found.findings[1].why) == ("passed", "no second bundle")


def test_a_rung_on_which_nothing_could_be_tried_has_not_passed():
    assert climb("host", "1", [Experiment("one", is_skipped)]).outcome == "skipped"


@pytest.mark.parametrize("command", [["/usr/bin/jack_rec", "-d", "300"], "jack_rec"])
def test_a_program_that_hangs_fails_its_experiment_by_name_and_the_next_is_made(command):
    def hangs() -> dict[str, float]:
        raise subprocess.TimeoutExpired(command, 330.0)

    found = climb("host", "1", [Experiment("one", hangs), Experiment("two", passes)])
    assert [one.outcome for one in found.findings] == ["failed", "passed"]
    assert found.findings[0].why == "jack_rec was not done after 330 s."


def test_a_fault_of_ours_is_not_taken_for_the_plugins():
    def breaks() -> dict[str, float]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        climb("host", "1", [Experiment("one", breaks)])


def test_who_listens_hears_of_each_finding_at_once():
    heard = []
    climb("host", "1", [Experiment("one", passes)], heard.append)
    assert [one.name for one in heard] == ["one"]


def test_an_expectation_says_what_got_and_expected():
    with pytest.raises(Failed, match=r"^the tempo is 90, expected 97.5\.$"):
        expect(False, "the tempo", 90, 97.5)
    expect(True, "the tempo", 97.5, 97.5)


def test_the_summary_is_json_with_rounded_figures_and_says_if_all_passed():
    good = climb("host", "1", [Experiment("one", passes)])
    bad = climb("other", "2", [Experiment("one", fails)])
    said = json.loads(json.dumps(ladder.summary([good, rung.skip("third", "not here")])))
    assert said["passed"] is True
    assert said["rungs"][0]["findings"][0]["figures"] == {"late": 0, "load_seconds": 0.1235}
    assert said["rungs"][1]["why"] == "not here"
    assert ladder.summary([good, bad])["passed"] is False


def test_the_table_names_hosts_findings_and_reasons():
    bad = climb("other", "2", [Experiment("keeps the tempo", fails)])
    lines = ladder.table([bad, Rung("third", "", "skipped", "not here")]).splitlines()
    assert lines[0].startswith("other 2: failed")
    assert "keeps the tempo: the tempo is 90" in lines[1]
    assert lines[2] == "third: skipped (not here)"

"""A plugin that is only looked at does nothing."""

from plugin_host.hosts.scan_rung import is_looked_at


def test_instances_that_are_only_looked_at_open_no_socket_and_start_no_thread(stage):
    assert is_looked_at(stage, 40)["instances"] == 40

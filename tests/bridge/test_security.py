"""Who may connect, what a key file is, and whose folders are trusted."""

import os
import stat
from ipaddress import ip_network

import pytest
import zmq
from zmq.utils import z85

from bridge.errors import SecurityError
from bridge.folders import RUNTIME_VARIABLE, keys_folder, runtime_folder, takes_folder
from bridge.gate import ENDPOINT, Gate
from bridge.security import (
    DOMAIN,
    is_allowed,
    is_loopback,
    make_keys,
    read_client_keys,
    read_keys,
    read_networks,
    require_allowed,
    require_safe,
)

# --- addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost"])
def test_this_machine_is_safe(host):
    assert is_loopback(host)
    require_safe(host, None)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "*", "studio.local", "", "1"])
def test_whatever_others_can_reach_or_may_mean_is_not(host):
    assert not is_loopback(host)
    with pytest.raises(SecurityError, match="antiphon keys"):
        require_safe(host, None)


def test_osc_from_outside_needs_a_list_of_senders():
    require_allowed("127.0.0.1", ())
    require_allowed("0.0.0.0", [ip_network("192.168.1.20")])
    with pytest.raises(SecurityError, match="--osc-allow"):
        require_allowed("0.0.0.0", ())


def test_only_listed_senders_are_read():
    allowed = read_networks(["192.168.1.20", "10.0.0.0/24"])
    assert is_allowed("127.0.0.1", ())
    assert is_allowed("192.168.1.20", allowed)
    assert is_allowed("10.0.0.77", allowed)
    assert not is_allowed("192.168.1.21", allowed)
    assert not is_allowed("nonsense", allowed)


def test_a_network_that_is_none_is_said_in_words():
    with pytest.raises(SecurityError, match=r"expected 192\.168\.1\.20 or"):
        read_networks(["192.168.1"])


# --- keys -----------------------------------------------------------------------------------------


def test_keys_are_made_once_and_secrets_are_the_owners(tmp_path):
    written = make_keys(tmp_path / "keys", "laptop")
    assert sorted(path.name for path in written) == [
        "engine.public", "engine.secret", "laptop.public", "laptop.secret"
    ]  # fmt: skip
    for path in written:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o600 if path.suffix == ".secret" else 0o644)
    engine = (tmp_path / "keys" / "engine.secret").read_bytes()
    assert len(make_keys(tmp_path / "keys", "tablet")) == 2
    assert (tmp_path / "keys" / "engine.secret").read_bytes() == engine
    with pytest.raises(SecurityError, match=r"laptop\.secret is there already"):
        make_keys(tmp_path / "keys", "laptop")


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a" * 65, "a b"])
def test_a_name_that_is_no_file_name_makes_no_keys(tmp_path, name):
    with pytest.raises(SecurityError, match="expected a name of letters"):
        make_keys(tmp_path, name)


def test_keys_are_read_back_and_never_shown(tmp_path):
    make_keys(tmp_path, "laptop")
    keys = read_keys(tmp_path)
    laptop = read_client_keys(tmp_path / "engine.public", tmp_path / "clients" / "laptop")
    assert keys.clients == {laptop.public}
    assert laptop.engine == keys.public
    for found in (keys, laptop):
        assert found.secret.decode() not in repr(found)


def test_what_is_wrong_with_a_folder_of_keys_is_said_with_the_next_move(tmp_path):
    with pytest.raises(SecurityError, match="nobody could connect"):
        read_keys(tmp_path)
    make_keys(tmp_path, "laptop")
    secret = tmp_path / "engine.secret"
    secret.chmod(0o644)
    with pytest.raises(SecurityError, match="chmod 600"):
        read_keys(tmp_path)
    secret.chmod(0o600)
    secret.write_text("not a key\n")
    with pytest.raises(SecurityError, match="40 characters of Z85"):
        read_keys(tmp_path)
    secret.unlink()
    with pytest.raises(SecurityError, match="cannot be read"):
        read_keys(tmp_path)


def ask(context: zmq.Context, gate: Gate, *parts: bytes) -> bytes:
    with context.socket(zmq.REQ) as library:
        library.connect(ENDPOINT)
        library.send_multipart(parts)
        gate.answer()
        return library.recv_multipart()[2]


def test_the_gate_lets_in_listed_keys_and_nobody_else(tmp_path):
    make_keys(tmp_path, "laptop")
    keys = read_keys(tmp_path)
    (listed,) = keys.clients
    good = [b"1.0", b"1", DOMAIN, b"127.0.0.1", b"", b"CURVE", z85.decode(listed)]
    with zmq.Context() as context:
        gate = Gate(context, keys)
        assert ask(context, gate, *good) == b"200"
        for place, wrong in ((0, b"2.0"), (2, b"global"), (5, b"NULL"), (6, bytes(32)), (6, b"x")):
            spoilt = [*good[:place], wrong, *good[place + 1 :]]
            assert ask(context, gate, *spoilt) == b"400"
        assert ask(context, gate, *good[:3]) == b"400"
        assert gate.turned_away == 6
        gate.close()


# --- folders --------------------------------------------------------------------------------------


def test_the_runtime_folder_is_found_by_simple_rules(tmp_path, monkeypatch):
    monkeypatch.setenv(RUNTIME_VARIABLE, str(tmp_path / "named"))
    assert runtime_folder() == tmp_path / "named"
    monkeypatch.delenv(RUNTIME_VARIABLE)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert runtime_folder() == tmp_path / "antiphon"
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    assert runtime_folder() == tmp_path / f"antiphon-{os.getuid()}"
    assert stat.S_IMODE(runtime_folder().stat().st_mode) == 0o700


def test_a_runtime_folder_that_others_can_write_to_is_not_trusted(tmp_path, monkeypatch):
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "file").touch()
    for name in ("open", "link", "file"):
        monkeypatch.setenv(RUNTIME_VARIABLE, str(tmp_path / name))
        with pytest.raises(SecurityError, match=name):
            runtime_folder()


def test_keys_and_takes_lie_where_the_user_keeps_such_things(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert keys_folder() == tmp_path / "settings" / "antiphon" / "keys"
    assert takes_folder() == tmp_path / "data" / "antiphon" / "takes"

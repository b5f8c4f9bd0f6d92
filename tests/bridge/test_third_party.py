"""Programs that are not ours drive the bridge: liblo's tools over OSC, libzmq from C++."""

import shutil
import socket
import subprocess
import time

import numpy as np
import pytest

from bridge.client import Client
from bridge.engine_player import EngineRoom
from tests.gates.tree import ROOT

needs_liblo = pytest.mark.skipif(
    shutil.which("oscsend") is None or shutil.which("oscdump") is None,
    reason="liblo's oscsend and oscdump are not installed (on Debian: apt install liblo-tools)",
)


@pytest.fixture
def band(serve, toy_bundle):
    """A server that plays the toy bundle and keeps no takes."""
    return serve(EngineRoom(toy_bundle, 80.0, None).open)


# --- OSC ------------------------------------------------------------------------------------------


class Liblo:
    """oscsend, and an oscdump that listens where replies go."""

    def __init__(self, osc_port: int, reply_port: int) -> None:
        self._port = str(osc_port)
        self.dump = subprocess.Popen(
            ["oscdump", "-L", str(reply_port)], stdout=subprocess.PIPE, text=True
        )
        while _is_free(reply_port) and self.dump.poll() is None:
            time.sleep(0.01)  # until it listens

    def send(self, address: str, *arguments: str) -> None:
        command = ["oscsend", "127.0.0.1", self._port, address, *arguments]
        subprocess.run(command, check=True, timeout=10)

    def line(self) -> str:
        """What was heard next, without its time."""
        return self.dump.stdout.readline().split(maxsplit=1)[1].strip()


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            one.bind(("", port))
        except OSError:
            return False
    return True


@pytest.fixture
def liblo(band):
    announced = band.announcement
    tools = Liblo(announced.osc_port, announced.osc_reply_port)
    yield tools
    tools.dump.kill()
    tools.dump.wait()
    tools.dump.stdout.close()


@needs_liblo
def test_liblo_sets_asks_and_is_refused(band, liblo):
    with Client("lead") as music:
        liblo.send("/prompt/1/text", "s", "warm tape choir")
        music.wait_until(lambda: music.dialogue.asking.book.prompt(1) != "", 10.0, "the prompt")
        liblo.send("/prompt/1/text")
        assert liblo.line() == '/prompt/1/text s "warm tape choir"'
        liblo.send("/param/tempo", "f", "97.3")
        music.wait_until(lambda: music.dialogue.asking.book.parameter("tempo"), 10.0, "the tempo")
        assert music.dialogue.asking.book.parameter("tempo") == 97.3
        liblo.send("/param/tempo", "i", "9999")
        assert liblo.line().startswith('/error ss "/param/tempo" "value is 9999, expected a number')
        liblo.send("/antiphon/ping")
        assert liblo.line().startswith("/antiphon/pong siii")


@needs_liblo
def test_liblo_is_told_what_it_subscribed_to(band, liblo):
    with Client("lead") as music:
        liblo.send("/subscribe", "sf", "/prompt/2/weight", "30")
        assert liblo.line() == "/prompt/2/weight f 0.000000"
        music.weight(2, 0.5).wait()
        assert liblo.line() == "/prompt/2/weight f 0.500000"


# --- ZeroMQ ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """examples/zeromq_client.cpp, compiled."""
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no g++ or clang++ on this machine")
    made = tmp_path_factory.mktemp("client") / "client"
    include = ["-I", "plugin_host/core/include"]
    source = ["examples/zeromq_client.cpp", "-lzmq", "-o", str(made)]
    flags = ["-std=c++17", "-Wall", "-Wextra", "-Werror"]
    done = subprocess.run(
        [compiler, *flags, *include, *source], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if "zmq.h: No such file" in done.stderr or "cannot find -lzmq" in done.stderr:
        pytest.skip("no libzmq for C on this machine (on Debian: apt install libzmq3-dev)")
    assert done.returncode == 0, done.stderr
    return made


def test_a_cpp_program_plays_two_seconds(band, program):
    command = [program, band.announcement.control, "slow reggae, 75 bpm"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    sound = np.frombuffer(done.stdout, np.float32)
    assert len(sound) == 2 * 96_000
    assert np.abs(sound).max() > 0.01
    assert done.stderr.startswith(b"96000 samples in ")


def test_a_cpp_program_is_refused_in_words(band, program):
    command = [program, band.announcement.control, "x" * 3000]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert done.returncode == 1
    assert b"prompt has 3,000 characters" in done.stderr

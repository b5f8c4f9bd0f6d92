"""Every bound of the bridge, in one table: what is longer, faster or more than this is refused.

Read by the messages, the byte layout, OSC, the sessions and the documentation. Pure numbers.
"""

from typing import Final

# --- audio ----------------------------------------------------------------------------------------
RATE_HZ: Final = (8_000, 192_000)  # of audio
RATE_STEP_HZ: Final = 25  # a rate is a multiple of it, so that a frame of 40 ms is whole samples
MAX_CHANNELS: Final = 2  # of audio
MAX_BLOCK_SAMPLES: Final = 16_384  # per channel, of one audio message
MAX_POSITION: Final = 2**62  # of a sample on the stream's axis: three million years at 48 kHz
MAX_CREDIT_SECONDS: Final = 2.0  # how far ahead of what it needs next a client may be sent
MAX_GAP_SECONDS: Final = 10.0  # that a client may be ahead; further on the music is not made up
INPUT_GRACE_SECONDS: Final = 0.5  # how far behind the playhead input may be, before it is silence

# --- control --------------------------------------------------------------------------------------
MAX_CONTROL_BYTES: Final = 65_536  # of one message
MAX_NAME_CHARACTERS: Final = 64  # of a session, a client, an ask
MAX_TEXT_CHARACTERS: Final = 2_000  # of a prompt, as the engine's parser has it
MAX_REVISION: Final = 2**53 - 1  # of an ask; exact in every JSON reader
MAX_GLIDE_SECONDS: Final = 60.0  # as the engine's parameter `glide`
MAX_SETTINGS: Final = 128  # commands that a new session begins with
MAX_CHANGES_TOLD: Final = 100  # tempo changes of a host's song in one message
MAX_QUARTER: Final = 1e9  # of a place in the song, either side of its start

# --- clients and sessions -------------------------------------------------------------------------
MAX_SESSIONS: Final = 64  # that a server can be told to allow
MAX_PEERS: Final = 256  # connections that have said hello
MAX_CONTROLLERS: Final = 8  # of one session, beside its player
MAX_AUTHORS: Final = 32  # of one session, whose revisions are remembered
JOURNAL_ENTRIES: Final = 512  # revisions that can be replayed, per author
ASKS_PER_SECOND: Final = 50.0  # of one session that reach the engine; the newest per slot waits
ASK_BURST: Final = 50  # asks that may reach it at once
MAX_WAITING_ASKS: Final = 256  # kinds of ask that wait, per session
STATUS_EVERY_MS: Final = (20, 10_000)  # of a subscription to the status

# --- OSC ------------------------------------------------------------------------------------------
MAX_DATAGRAM_BYTES: Final = 8_192  # of one received; what is sent stays below 1,472
OSC_BUFFER_BYTES: Final = 1 << 20  # asked for, so that a burst waits while a frame is made
MAX_SENT_DATAGRAM_BYTES: Final = 1_472  # one Ethernet frame
MAX_BUNDLE_DEPTH: Final = 4  # of bundles in bundles
MAX_BUNDLE_MESSAGES: Final = 64  # of one datagram
MAX_OSC_ARGUMENTS: Final = 32  # of one message
MAX_OSC_SOURCES: Final = 64  # addresses of senders that are remembered
MAX_OSC_SUBSCRIPTIONS: Final = 256  # per sender
SUBSCRIPTION_SECONDS: Final = (1.0, 3_600.0)  # that one lasts
MAX_TIME_TAG_SECONDS: Final = 600.0  # how far ahead a bundle may be dated

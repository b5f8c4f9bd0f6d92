"""What a status says, field by field, in words: for the reference page, and for OSC.

In:  nothing. Out: one sentence for each field of `engine.Status`, and for each count of the bridge;
tests hold them together.
"""

from typing import Final

STATUS: Final[dict[str, str]] = {
    "is_running": "whether the engine makes music for this session",
    "priority": "of the thread that makes frames, as far as the system allows",
    "frame": "the next frame to be made",
    "heard_frame": "the frame that holds the next sample to be sent",
    "rate": "Hz, of the session",
    "lead_ms": "sound that is ready now",
    "wanted_lead_ms": "sound that should be ready at least",
    "frame_ms": "what making a frame takes: p50, p95, p99, worst, and of how many frames",
    "realtime_factor": "40 ms over the median time to make a frame",
    "late_frames": "frames that came too late to be heard whole",
    "skipped_frames": "frames left out because the machine could not catch up",
    "underruns": "times that sound broke off",
    "overtaken": "changes that reached the ear up to a block later than acknowledged",
    "shed": "quality given up to stay on time: 0 nothing, 1 guidance, 2 fine levels as well",
    "prompts": "what sounds, the loudest first: index, said, weight",
    "key": "asked for, or else found in the input where that counts, or planned; nil if none is",
    "chord": "played or planned, like `A min7`; nil if none is",
    "tempo_bpm": "in force; nil if none is",
    "seed": "in force",
    "mode": "play, listen, continue or answer",
    "role": "what the music does now: sound, listen, loop or rest",
    "is_playing": "whether the song's time goes on",
    "quarter": "place in the song, in quarter notes",
    "bar": "from 0 at the song's start",
    "beat": "within the bar, from 0",
    "beats_per_bar": "of the meter",
    "copy_rate": "originality: how much of what was made in the last 8 s copies what was heard",
    "input_db": "level of the input, full scale 0; nil without input",
    "input_tempo_bpm": "of the input, as it is tracked; nil until it is certain",
    "input_key": "likewise",
    "prompt_to_ear_ms": "from the last ask for `now` to the first changed sample sent",
    "problems": "what is wrong now, in words",
}

NESTED: Final = ("frame_ms", "prompts", "problems")  # have no OSC address

COUNTERS: Final[dict[str, str]] = {
    "control_received": "parts that came over the control socket",
    "control_taken": "of these, obeyed, or an ask that was accepted",
    "control_refused": "and the rest; each is answered with `refuse`",
    "control_unsent": "answers whose reader was gone, or did not read",
    "audio_received": "parts that came over the audio socket",
    "audio_taken": "of these, credit or input that was taken",
    "audio_refused": "and the rest; each is answered with `refuse`",
    "audio_unsent": "messages of sound whose reader was gone, or did not read",
    "osc_received": "datagrams that came for OSC",
    "osc_turned_away": "from machines that are not allowed; not among the received",
    "osc_unreadable": "of those received, no OSC",
    "osc_messages": "messages in the others, bundles opened",
    "osc_taken": "of these, obeyed, or accepted",
    "osc_refused_later": "of those accepted, refused by the engine",
    "osc_refused": "all refusals: unreadable, not taken, refused later; each is answered on /error",
    "osc_unsent": "answers that the system did not send",
    "sessions_opened": "since the start",
    "sessions_parked": "times that a session lost its player",
    "sessions_resumed": "times that one was picked up again",
    "sessions_expired": "sessions that nobody came back to",
    "input_lost": "samples of this session's input that never came",
    "input_late": "samples of it that came again, or too late",
    "faults": "of the engine's own; its log has them",
}

"""`antiphon live --list-devices`: what can play, hear and be played here."""

from engine.commands.report import print_json
from engine.errors import DeviceError
from engine.live.cards import Card, cards
from engine.live.midi_port import port_names


def print_devices(*, as_json: bool) -> None:
    """List sound cards and MIDI inputs; what cannot be asked is told in words.

    Raises:
        DeviceError: there is no PortAudio.
    """
    found = cards()
    try:
        midi, reason = port_names(), ""
    except DeviceError as refusal:
        midi, reason = [], str(refusal)
    if as_json:
        listed = [card._asdict() for card in found]
        print_json({"devices": listed, "midi_inputs": midi, "midi_problem": reason or None})
        return
    for card in found:
        print(_describe(card))
    if not found:
        print("no sound card; antiphon live --null plays without one")
    for name in midi:
        print(f"MIDI input: {name}")
    if reason:
        print(f"no MIDI: {reason}")


def _describe(card: Card) -> str:
    marks = [
        mark
        for mark, is_so in (
            ("plays by default", card.is_default_output),
            ("listens by default", card.is_default_input),
        )
        if is_so
    ]
    told = f"{card.number}  {card.name}  ({card.api}, {card.inputs} in, {card.outputs} out, "
    return told + f"{card.rate:,.0f} Hz{''.join(f', {mark}' for mark in marks)})"

"""One line per measurement: printed as JSON, and appended to a history file with date and commit.

In:  what was measured. Out: the last line on stdout; with a file, the same line at its end. What a
virtual machine's host took for others meanwhile is told with it: sound that is late because the
machine stood still is not the engine's.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from engine.commands import machine


def processor_times() -> tuple[int, int]:
    """Ticks of all processors since the start of this machine, and those of them stolen.

    (0, 0) where there is no /proc/stat.
    """
    path = Path("/proc/stat")
    if not path.exists():
        return 0, 0
    ticks = [int(field) for field in path.read_text().splitlines()[0].split()[1:9]]
    return sum(ticks), ticks[7]


_BEGIN: Final = processor_times()


def tell(found: dict[str, Any], record: Path | None) -> None:
    """Print what was found, one name a line and then all of it; append it where that is asked."""
    for name, value in found.items():
        print(f"{name:20} {value}")
    load = [round(value, 1) for value in os.getloadavg()]
    ticks, stolen = (now - then for now, then in zip(processor_times(), _BEGIN, strict=True))
    machine_stood = round(100.0 * stolen / max(ticks, 1), 1)
    line = {**found, "stolen_percent": machine_stood, "load": load, "machine": machine.describe()}
    if record is not None:
        date = datetime.now(UTC).isoformat(timespec="seconds")
        with record.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"date": date, "commit": machine.commit(), **line}) + "\n")
    print(json.dumps(line))

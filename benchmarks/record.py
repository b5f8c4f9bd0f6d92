"""One line per measurement: printed as JSON, and appended to a history file with date and commit.

In:  what was measured. Out: the last line on stdout; with a file, the same line at its end.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.commands import machine


def tell(found: dict[str, Any], record: Path | None) -> None:
    """Print what was found, one name a line and then all of it; append it where that is asked."""
    for name, value in found.items():
        print(f"{name:20} {value}")
    load = [round(value, 1) for value in os.getloadavg()]
    line = {**found, "load": load, "machine": machine.describe()}
    if record is not None:
        date = datetime.now(UTC).isoformat(timespec="seconds")
        with record.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"date": date, "commit": machine.commit(), **line}) + "\n")
    print(json.dumps(line))

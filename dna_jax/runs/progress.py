"""Progress of long work: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Mapping
from typing import TextIO

from tqdm import tqdm


def duration(seconds: float) -> str:
    """Seconds as "4:05" or "1:04:05"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class Progress:
    """Progress over the steps of one phase.

    Args:
      title: of the phase.
      steps: in all.
      start: steps already done by an earlier run.
      stream: standard error by default.
    """

    def __init__(self, title: str, steps: int, start: int = 0, stream: TextIO | None = None):
        self._stream = stream or sys.stderr
        self._title, self._steps, self._first = title, steps, start
        self._began = time.monotonic()
        self._bar = None
        if self._stream.isatty():
            self._bar = tqdm(total=steps, initial=start, desc=title, file=self._stream, dynamic_ncols=True)

    def update(self, step: int, values: Mapping[str, str]) -> None:
        """Show values, already formatted with their units, after `step` steps."""
        if self._bar is not None:
            self._bar.set_postfix(values, refresh=False)
            self._bar.update(step - self._bar.n)
            return
        done = step - self._first
        elapsed = time.monotonic() - self._began
        left = duration(elapsed / done * (self._steps - step)) if done > 0 else "?"
        shown = " ".join(f"{name} {value}" for name, value in values.items())
        print(f"{self._title} {step}/{self._steps} {shown} left {left}", file=self._stream, flush=True)

    def close(self) -> None:
        """End the bar."""
        if self._bar is not None:
            self._bar.close()


def say(text: str) -> None:
    """A plain line on standard error, between bars."""
    print(text, file=sys.stderr, flush=True)

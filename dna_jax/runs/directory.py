"""A run's working directory: config.json, metrics.jsonl, checkpoints/, summary.json, report.html.

Files that are written once are written whole or not at all; metrics are appended. A run started again on its directory
goes on where it was; on a directory of another configuration, or of a run that another process is at, it refuses.
"""

import dataclasses
import fcntl
import json
import os
import pathlib
import time
from collections.abc import Mapping
from typing import Any

from dna_jax.errors import UserError

_PARTIAL = ".partial"
_LOCK = "run.lock"


def write_whole(path: pathlib.Path, text: str) -> None:
    """Write a file so that it is never seen half-written."""
    temporary = path.with_name(path.name + _PARTIAL)
    with temporary.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read_metrics(folder: pathlib.Path) -> dict[str, list[dict[str, Any]]]:
    """Phase of a run -> its lines of metrics in order of steps. Of steps written twice (before and after a kill) the last
    counts."""
    phases: dict[str, dict[int, dict[str, Any]]] = {}
    metrics = folder / "metrics.jsonl"
    for line in metrics.read_text().splitlines() if metrics.exists() else []:
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # The one line a kill cut short; its step was written again after the resume.
        phases.setdefault(entry["phase"], {})[entry["step"]] = entry
    return {phase: [lines[step] for step in sorted(lines)] for phase, lines in phases.items()}


def _difference(old: Any, new: Any, path: str) -> str | None:
    """The first field in which two configurations differ, in words."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            found = _difference(old.get(key), new.get(key), f"{path}.{key}")
            if found:
                return found
        return None
    return None if old == new else f"{path} is {old!r} there and {new!r} here"


class RunDirectory:
    """The directory of one run, held by one process at a time: `close` it, or use it as a context.

    Args:
      path: created if need be.
      config: every value used, JSON-like; must equal that of the run already there, if any.

    Raises:
      UserError: the directory holds something else, or a run with another configuration, or another process is at it.
    """

    def __init__(self, path: str | os.PathLike[str], config: Mapping[str, Any]):
        self.path = pathlib.Path(path).expanduser().resolve()
        if self.path.exists() and not self.path.is_dir():
            raise UserError(f"The working directory {str(path)!r} is a file; pass another --workdir.")
        stored = self.path / "config.json"
        own = {_LOCK, stored.name + _PARTIAL}
        if not stored.exists() and self.path.exists() and any(entry.name not in own for entry in self.path.iterdir()):
            raise UserError(f"The working directory {str(path)!r} holds other files; pass an empty or new --workdir.")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            # The system releases the lock with the process, however that ends.
            self._lock = (self.path / _LOCK).open("a")
        except OSError as error:
            raise UserError(f"The working directory cannot be written: {error}; pass another --workdir.") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._claim(stored, json.loads(json.dumps(config)))
        except BlockingIOError as error:
            self.close()
            raise UserError(
                f"Another process is at the run in {str(path)!r}; wait for it to end, or pass another --workdir."
            ) from error
        except BaseException:
            self.close()
            raise
        self._end_last_line()
        self._began = time.monotonic()
        lines = [line for phase in read_metrics(self.path).values() for line in phase]
        self._earlier_seconds = max((line["wall_seconds"] for line in lines), default=0.0)

    def _claim(self, stored: pathlib.Path, config: dict[str, Any]) -> None:
        """Write the configuration, or compare it with the one that is there."""
        if not stored.exists():
            write_whole(stored, json.dumps(config, indent=2) + "\n")
            return
        try:
            old = json.loads(stored.read_text())
        except ValueError as error:
            raise UserError(f"{stored} is not readable as JSON ({error}); pass another --workdir.") from error
        difference = _difference(old, config, "config")
        if difference:
            raise UserError(
                f"The working directory {str(self.path)!r} holds a run with another configuration ({difference}); "
                "pass another --workdir, or the same configuration to resume."
            )

    def close(self) -> None:
        """Let another process have the directory."""
        self._lock.close()

    def __enter__(self) -> "RunDirectory":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def wall_seconds(self) -> float:
        """Seconds spent on this run, by earlier processes (up to their last line of metrics) and this one."""
        return round(self._earlier_seconds + time.monotonic() - self._began, 1)

    def _end_last_line(self) -> None:
        """Close a line of metrics that a kill cut short, so that appending goes on at a fresh one."""
        metrics = self.path / "metrics.jsonl"
        if metrics.exists() and metrics.stat().st_size:
            with metrics.open("rb+") as file:
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    file.write(b"\n")

    def append_metrics(self, phase: str, step: int, values: Mapping[str, Any]) -> None:
        """Append one line of metrics."""
        with (self.path / "metrics.jsonl").open("a") as file:
            file.write(json.dumps({"phase": phase, "step": step, "wall_seconds": self.wall_seconds, **values}) + "\n")

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Write summary.json whole."""
        write_whole(self.path / "summary.json", json.dumps(summary, indent=2) + "\n")

    def read_summary(self) -> dict[str, Any] | None:
        """summary.json of a finished run, or None."""
        path = self.path / "summary.json"
        try:
            return json.loads(path.read_text()) if path.exists() else None
        except ValueError as error:
            raise UserError(f"{path} is not readable as JSON ({error}); remove it to have it written again.") from error


def as_json(config: Any) -> dict[str, Any]:
    """A dataclass as JSON-like values."""
    return json.loads(json.dumps(dataclasses.asdict(config)))

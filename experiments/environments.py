"""Other tools in environments of their own, made when they are first needed."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import venv
from collections.abc import Sequence
from typing import Any

from dna_jax.errors import UserError


def _installed(tool: str, home: pathlib.Path, packages: Sequence[str]) -> pathlib.Path:
    """The Python of a tool's environment, which is made if need be."""
    python, ready, wanted = home / "bin" / "python", home / "ready", "\n".join(packages)
    # What is in it; of other packages, for instance of earlier versions, it is made anew.
    if not ready.exists() or ready.read_text() != wanted:
        print(f"installing {tool} in {home}", flush=True)
        try:
            venv.create(home, with_pip=True, clear=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
        except subprocess.CalledProcessError as error:
            raise UserError(
                f"{tool} cannot be installed; check the network, or run with --baselines= to leave it out."
            ) from error
        ready.write_text(wanted)
    return python


class UnfinishedError(UserError):
    """A tool took longer than it was given."""


def run_tool(
    tool: str,
    folder: pathlib.Path | None,
    packages: Sequence[str],
    program: str,
    arguments: Sequence[str],
    limit_s: float | None = None,
) -> Any:
    """Run a program of `baselines/` with packages of its own and return the JSON it prints last.

    Args:
      tool: name of the tool; its environment has that name in `folder`.
      folder: of the environments; None to run with what is installed for the running Python.
      packages: what the tool needs installed.
      program: file name in `baselines/`.
      arguments: of the program.
      limit_s: seconds that the program may take; None for as many as it needs.

    Raises:
      UnfinishedError: if it takes longer; it is stopped, with all that it started.
      UserError: if the tool cannot be installed or fails.
    """
    python = pathlib.Path(sys.executable) if folder is None else _installed(tool, folder / tool, packages)
    script = pathlib.Path(__file__).parent / "baselines" / program
    # In a session of its own, so that what it starts, compilers for instance, can be stopped with it.
    with subprocess.Popen(
        [python, script, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            out, errors = process.communicate(timeout=limit_s)
        except BaseException as error:
            # What has ended by itself in the meantime need not be stopped.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise UnfinishedError(f"{tool} had not finished after {limit_s:g} s.") from error
            raise
    if process.returncode:
        last = (errors.strip().splitlines() or ["no message"])[-1]
        raise UserError(f"{tool} fails ({last}); run with --baselines= to leave it out.")
    return json.loads(out.strip().splitlines()[-1])

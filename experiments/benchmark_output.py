"""What every benchmark writes beside its figures: the command, the machine and the versions that they belong to."""

import json
import os
import pathlib
import platform
import shlex
from typing import Any

import jax
from absl import flags

from dna_jax.runs import binary
from dna_jax.runs.directory import write_whole

PLACES = ("out", "plot", "environments")
"""Flags that say where files lie, by which no figure changes; the recorded command does without them."""


def define_out_flag() -> None:
    """The flag `--out`; called where a binary starts."""
    flags.DEFINE_string("out", None, "JSON file to write; figures are printed in any case.")


def require_folder() -> None:
    """Raises UserError before anything is measured if `--out` cannot be written."""
    binary.output_file("out")


def machine() -> str:
    """The processor and the device that were measured, in words."""
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    processor = models[0] if models else platform.processor() or platform.machine()
    return f"{os.cpu_count()} cores of {processor}; {jax.default_backend()}: {jax.devices()[0].device_kind}"


def command(module: str) -> str:
    """The command that measures the same, with every flag that was passed but those of `PLACES` that name a place."""

    def counts(name: str) -> bool:
        # Without a folder for environments, tools run as they are installed: other versions, perhaps.
        return bool(flags.FLAGS[name].present) and not (name in PLACES and flags.FLAGS[name].value)

    passed = [flags.FLAGS[name].serialize() for name in flags.FLAGS if counts(name)]
    # A flag that may be repeated has a line for each time.
    return " ".join(["python -m", module, *map(shlex.quote, "\n".join(passed).splitlines())])


def versions() -> dict[str, str]:
    """Of what the figures depend on."""
    return {"python": platform.python_version(), "jax": jax.__version__}


def write_result(module: str, figures: dict[str, Any]) -> None:
    """Write the figures to `--out`, if given, with what they belong to. `module` is the binary's, as after `python -m`."""
    path = binary.output_file("out")
    if path is None:
        return
    result = {
        "command": command(module),
        "machine": machine(),
        "versions": versions(),
        **figures,
    }
    write_whole(path, json.dumps(result, indent=2) + "\n")

"""Shared by all tests: the compilation cache, and figures computed once per session."""

import os
import pathlib
import subprocess
import sys

import jax
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
_CACHE = os.environ.get("JAX_COMPILATION_CACHE_DIR", str(ROOT / ".cache" / "xla"))
jax.config.update("jax_compilation_cache_dir", _CACHE)
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)


@pytest.fixture(scope="session")
def run_binary():
    """Run `python -m experiments.NAME` with arguments, as a user would; returns the finished process."""

    def run(name: str, *arguments: str, timeout: float = 600) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", f"experiments.{name}", *arguments],
            cwd=ROOT,
            env={**os.environ, "JAX_COMPILATION_CACHE_DIR": _CACHE},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run

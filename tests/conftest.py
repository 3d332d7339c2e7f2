"""Shared by all tests: the compilation cache, and figures computed once per session."""

import importlib
import os
import pathlib
import subprocess
import sys
import warnings

import jax
import pytest
from absl import flags

from dna_jax.runs import binary

ROOT = pathlib.Path(__file__).resolve().parents[1]
_CACHE = os.environ.get("JAX_COMPILATION_CACHE_DIR", str(ROOT / ".cache" / "xla"))
jax.config.update("jax_compilation_cache_dir", _CACHE)
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)


_MAPPINGS = pathlib.Path("/proc/self/maps")
_MAPPINGS_LIMIT = pathlib.Path("/proc/sys/vm/max_map_count")


@pytest.fixture(scope="module", autouse=True)
def _programs_are_dropped():
    """Every compiled program holds some mappings of memory, of which Linux allows a process 65,530 by default; a process of
    hundreds of tests comes to that, and then XLA crashes."""
    yield
    if _MAPPINGS.exists() and _MAPPINGS_LIMIT.exists():
        held = _MAPPINGS.read_bytes().count(b"\n")
        if 2 * held > int(_MAPPINGS_LIMIT.read_text()):
            jax.clear_caches()


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


@pytest.fixture
def within(monkeypatch):
    """Run `python -m experiments.NAME` within this process, which takes seconds less than one of its own; returns the exit
    code."""

    def run(name: str, *arguments: str) -> object:
        module = importlib.import_module(f"experiments.{name}")
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", _CACHE)
        monkeypatch.chdir(ROOT)
        own = set(flags.FLAGS)
        try:
            # Libraries' warnings are no errors to users.
            with pytest.raises(SystemExit) as stopped, warnings.catch_warnings(action="ignore"):
                binary.run(module.main, module.define_flags)
        finally:
            for flag in set(flags.FLAGS) - own:
                delattr(flags.FLAGS, flag)
            flags.FLAGS.unparse_flags()
        return stopped.value.code

    return run


@pytest.fixture
def refused(within, capsys):
    """The sentence with which `python -m experiments.NAME` refuses arguments; a failure unless that is all it prints, on
    standard error, and the exit code is 2."""

    def run(name: str, *arguments: str) -> str:
        capsys.readouterr()
        code = within(name, *arguments)
        said = capsys.readouterr().err
        assert code == binary.USER_ERROR_CODE, said
        assert said.startswith("error: ")
        assert said.count("\n") == 1
        return said

    return run

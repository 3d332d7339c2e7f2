"""Versions of what a run's figures depend on."""

import platform
from importlib import metadata

_REPORTED_PACKAGES = ("dna-jax", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "grain", "numpy")


def versions() -> dict[str, str]:
    """Of Python and of the packages a run uses."""
    return {"python": platform.python_version()} | {name: _version(name) for name in _REPORTED_PACKAGES}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"

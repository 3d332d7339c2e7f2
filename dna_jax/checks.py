"""Checks that configurations make of their own fields."""

from typing import Any


def require_at_least(config: Any, **least: float) -> None:
    """ValueError names the first field of a configuration that is below its least value."""
    for name, value in least.items():
        if getattr(config, name) < value:
            raise ValueError(f"{name} must be at least {value}, not {getattr(config, name)}.")

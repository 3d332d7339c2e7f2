"""Checkpoints by Orbax: one folder per phase, the last two steps of each."""

import pathlib
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

from dna_jax.errors import UserError


def _name(leaf: int) -> str:
    """Name under which a leaf is kept."""
    return f"leaf_{leaf:05d}"


class Checkpoints:
    """Checkpoints of one phase of a run.

    A checkpoint becomes visible only when it is complete, so a kill while one is written leaves the one before.

    Args:
      directory: of the phase.
    """

    def __init__(self, directory: pathlib.Path):
        self._directory = directory
        self._manager = ocp.CheckpointManager(
            directory,
            options=ocp.CheckpointManagerOptions(max_to_keep=2, create=True, enable_async_checkpointing=False),
        )

    def save(self, step: int, state: Any) -> None:
        """Save a pytree of arrays as that of a step."""
        leaves = jax.tree.leaves(state)
        tree = {_name(i): np.asarray(leaf) for i, leaf in enumerate(leaves)}
        self._manager.save(step, args=ocp.args.StandardSave(tree))

    def latest(self) -> int | None:
        """The last step saved, or None."""
        return self._manager.latest_step()

    def restore(self, like: Any) -> Any | None:
        """The last state saved, of the structure of `like`; None if there is none.

        UserError says which folder to remove if the checkpoint cannot be read.
        """
        step = self.latest()
        if step is None:
            return None
        leaves, structure = jax.tree.flatten(like)
        expected = {_name(i): jax.ShapeDtypeStruct(np.shape(leaf), np.asarray(leaf).dtype) for i, leaf in enumerate(leaves)}
        try:
            tree = self._manager.restore(step, args=ocp.args.StandardRestore(expected))
        except Exception as error:
            # Orbax raises many kinds of errors for a damaged folder; all mean the same to the user.
            reason = str(error).strip().split("\n", 1)[0][:200] or type(error).__name__
            raise UserError(
                f"The checkpoint {self._directory / str(step)} cannot be read ({reason}); "
                "remove that folder to go on from the one before, or, if another version wrote it, pass another --workdir."
            ) from error
        return jax.tree.unflatten(structure, [np.asarray(tree[_name(i)]) for i in range(len(leaves))])

    def close(self) -> None:
        """Release Orbax's threads."""
        self._manager.close()

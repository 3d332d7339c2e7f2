"""What is installed is what is here."""

import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[1]


def test_every_folder_of_modules_is_a_package():
    """Others are left out of what is built for installation, and found in a checkout alone."""
    folders = {module.parent for part in ("dna_jax", "experiments") for module in (ROOT / part).rglob("*.py")}
    assert len(folders) > 10
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []

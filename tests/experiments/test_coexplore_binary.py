"""The binary of co-explorations."""

import json

import pytest

CARD = "experiments/configs/coexploration.py"


def test_what_users_can_mend_is_said_in_a_sentence(refused, tmp_path):
    assert "no variant 'quick'" in refused("coexplore", f"--config={CARD}:quick")
    said = refused("coexplore", f"--config={CARD}:smoke", "--config.boards.bits=8", f"--workdir={tmp_path / 'run'}")
    assert "config.boards.bits is 8; choose one of 16, 32" in said
    said = refused(
        "coexplore", f"--config={CARD}:smoke", "--config.requirements.images_per_second=1e9", f"--workdir={tmp_path / 'run'}"
    )
    assert "out of reach" in said
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_the_smoke_variant_finds_networks_that_learn_something(run_binary, tmp_path):
    done = run_binary("coexplore", f"--config={CARD}:smoke", "--config.training.steps=40", f"--workdir={tmp_path / 'run'}")
    assert done.returncode == 0, done.stderr
    assert "OptSW" in done.stdout
    assert "left" in done.stderr
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["feasible"]
    # Ten classes: a network that learned nothing is right in a tenth of the images.
    assert summary["opt_sw"]["accuracy"]["search"] > 0.3
    assert summary["opt_hw"]["images_per_second"] >= summary["requirements"]["images_per_second"]

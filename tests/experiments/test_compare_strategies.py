"""Published comparisons, as a user repeats them."""

import json

import pytest

from dna_jax.errors import UserError
from dna_jax.runs.config import from_mapping
from experiments.claim_config import ClaimConfig
from experiments.compare_strategies import verdict


@pytest.mark.slow
def test_a_claim_is_set_beside_what_was_published(within, tmp_path, capsys):
    out = tmp_path / "claim.json"
    assert within("compare_strategies", "--config=experiments/configs/claim_rewards.py:smoke", f"--out={out}") in (None, 0)
    result = json.loads(out.read_text())
    said = capsys.readouterr().out
    assert result["published"] in said
    assert {*result["compared"]} == {"ppo_soft"}
    for figure in ("accuracy", "accuracy_within", "searches_beyond", "tried_beyond"):
        rows = result["compared"]["ppo_soft"][figure].values()
        assert len(rows) == 5
        assert all(row["value"] is None or row["low"] <= row["value"] <= row["high"] for row in rows)
    assert (tmp_path / "claim.md").read_text().strip() == said.strip()
    assert result["command"].endswith("--config=experiments/configs/claim_rewards.py:smoke")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"new": "luck"}, "no strategy 'luck'"),
        ({"figures": ("beauty",)}, "no figure 'beauty'"),
        ({"old": ("ppo",)}, "compares at least one figure"),
        ({"seeds": 1}, "at least 2"),
    ],
)
def test_claims_that_cannot_be_compared_are_refused(change, says):
    values = {"claim": "", "published": "", "new": "ppo", "old": ("random",), "figures": ("accuracy",)} | change
    with pytest.raises(UserError, match=says):
        from_mapping(ClaimConfig, values)


def test_verdicts_count_budgets():
    config = ClaimConfig("", "", new="ppo", old=("random",), figures=("accuracy",))

    def rows(*verdicts):
        return {"random": {"accuracy": {str(i): {"verdict": word} for i, word in enumerate(verdicts)}}}

    assert ": reproduced (2 of 2" in verdict(config, rows("better", "better"))
    assert ": refuted (0 of 2 budgets for the claim, 2 against" in verdict(config, rows("worse", "worse"))
    assert ": mixed (1 of 3 budgets for the claim, 1 against it, 1 not decided)" in verdict(
        config, rows("better", "worse", "undecided")
    )
    assert ": held in part (1 of 2" in verdict(config, rows("better", "undecided"))
    assert ": refuted in part (0 of 2" in verdict(config, rows("undecided", "worse"))
    assert ": not decided" in verdict(config, rows("undecided", "undecided"))

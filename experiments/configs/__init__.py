"""Run cards: one file per experiment, each with a `smoke` variant."""

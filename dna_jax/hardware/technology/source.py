"""Where the reference tables lie."""

import pathlib

THIRD_PARTY = pathlib.Path(__file__).resolve().parents[3] / "third_party"

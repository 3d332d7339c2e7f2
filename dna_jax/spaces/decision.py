"""A decision: one named choice among finitely many options."""

import dataclasses

Option = int | float | str


@dataclasses.dataclass(frozen=True)
class Decision:
    """A named choice.

    Attributes:
      name: unique within a space, dotted from the general to the particular ("block_03.kernel").
      options: the values to choose from, in ascending order where they are numbers.
    """

    name: str
    options: tuple[Option, ...]

    def __post_init__(self) -> None:
        if not self.options:
            raise ValueError(f"Decision {self.name!r} has no options; give at least one.")
        if len(set(self.options)) != len(self.options):
            raise ValueError(f"Decision {self.name!r} lists an option twice: {self.options}.")

    def index(self, value: Option) -> int:
        """Position of `value` among the options; ValueError names the options if it is none of them."""
        if value not in self.options:
            raise ValueError(f"Decision {self.name!r} has no option {value!r}; choose one of {list(self.options)}.")
        return self.options.index(value)

"""Errors that a user can mend."""


class UserError(Exception):
    """What is wrong and what to do, in one sentence. Binaries print it and exit with code 2, without a traceback."""


class OutOfReachError(UserError):
    """Budgets that no design of a run meets."""

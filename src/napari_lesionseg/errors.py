"""What every room raises when a user has to act."""


class LesionsegError(Exception):
    """A problem the user can act on, in one sentence: what, which file, what to do.

    The command line prints it as ``error: …`` and exits with 2; a panel shows the same sentence.
    """


class Cancelled(Exception):
    """Long work was asked to stop; its partial result has been discarded."""

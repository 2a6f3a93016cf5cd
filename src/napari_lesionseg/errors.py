"""What every room raises when a user has to act."""


class LesionsegError(Exception):
    """A problem the user can act on, in one sentence: what, which file, what to do.

    The command line prints it as ``error: …`` and exits with 2; a panel shows the same sentence.
    """


class Cancelled(Exception):
    """Long work was asked to stop; its partial result has been discarded."""


class GeometryQuestion(LesionsegError):
    """A file whose place in space can be read in more than one way; a person has to choose.

    Parameters
    ----------
    problem
        What disagrees, in one sentence without what to do.
    choices
        What may be passed as ``geometry=`` (``--geometry`` on the command line) to go on: name → meaning.
    """

    def __init__(self, problem: str, choices: dict[str, str]) -> None:
        self.problem, self.choices = problem, dict(choices)
        offered = ", ".join(f"--geometry {name} ({meaning})" for name, meaning in choices.items())
        super().__init__(f"{problem}; choose {offered}, or export the scan again.")

"""The one family of errors that reaches a person.

AdvisorError
├── UsageError        the request itself is wrong (exit status 2)
├── NoAnswerError     understood, but there is no answer (exit status 1)
│   ├── UnknownNameError    no such model or accelerator; carries the nearest names
│   └── AmbiguousNameError  several could be meant; carries them
└── ServiceError      something outside this process cannot be reached (exit status 3)

`message` is one sentence without markup, `hint` the next step. Neither holds a key or a path of a secret.
"""

from __future__ import annotations

from collections.abc import Sequence


class AdvisorError(Exception):
    """Base of all errors that the faces show as one sentence and a hint."""

    exit_status = 1
    code = "error"

    def __init__(self, message: str, *, hint: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code

    def as_json(self) -> dict[str, str]:
        """The contract's error object."""
        return {"code": self.code, "message": self.message, "hint": self.hint}


class UsageError(AdvisorError):
    """The caller's words or values are off."""

    exit_status = 2
    code = "usage"


class NoAnswerError(AdvisorError):
    """The request was understood, but there is no answer to it."""

    exit_status = 1
    code = "no_answer"


class UnknownNameError(NoAnswerError):
    """A name that the catalog does not hold; `nearest` are the closest known names."""

    code = "unknown_name"

    def __init__(
        self, message: str, *, hint: str = "", nearest: Sequence[str] = (), code: str | None = None
    ) -> None:
        super().__init__(message, hint=hint, code=code)
        self.nearest = tuple(nearest)


class AmbiguousNameError(NoAnswerError):
    """A name that several records answer to; `choices` are their ids."""

    code = "ambiguous_name"

    def __init__(
        self, message: str, *, hint: str = "", choices: Sequence[str] = (), code: str | None = None
    ) -> None:
        super().__init__(message, hint=hint, code=code)
        self.choices = tuple(choices)


class ServiceError(AdvisorError):
    """A service that the request needs cannot be reached."""

    exit_status = 3
    code = "service"

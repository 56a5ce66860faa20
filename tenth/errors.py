"""What goes wrong in ways that the person at the keyboard can put right."""

from typing import ClassVar


class UserError(Exception):
    """The text says what is wrong and what to do; the command prints it and exits with a code."""

    exit_code: ClassVar[int] = 1

"""The one error of the command language."""

from jackbot_tui.model.errors import InputError


class SyntaxProblem(InputError):
    """A line that cannot be understood, and was therefore not carried out in any part.

    ``caret`` is a column of the line (0 <= caret <= length). ``example`` is a line, or the end of one, that would do.
    """

    def __init__(self, message: str, caret: int, example: str = "", code: str = "syntax") -> None:
        super().__init__(message)
        self.message = message
        self.caret = caret
        self.example = example
        self.code = code

    @property
    def text(self) -> str:
        """Reason and example in one line."""
        return f"{self.message}   e.g. {self.example}" if self.example else self.message

    def pointed(self, prompt: int = 0) -> str:
        """The line to print under the typed one: a caret below the place, then the reason, after ``prompt`` columns."""
        return " " * (prompt + self.caret) + "^ " + self.text

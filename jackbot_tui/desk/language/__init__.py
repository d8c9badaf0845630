"""The command language: one grammar for command bar, ``ctl``, key bindings and journal.

Pure and deterministic; a screen may import it to complete and check lines before it sends them.
"""

from jackbot_tui.desk.language.completion import Completion, CompletionContext, complete
from jackbot_tui.desk.language.errors import SyntaxProblem
from jackbot_tui.desk.language.explain import explain
from jackbot_tui.desk.language.parser import Parsed, parse, parse_with_spans
from jackbot_tui.desk.language.symbols import SymbolTable

__all__ = [
    "Completion",
    "CompletionContext",
    "Parsed",
    "SymbolTable",
    "SyntaxProblem",
    "complete",
    "explain",
    "parse",
    "parse_with_spans",
]

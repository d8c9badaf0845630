"""Where each panel stands for a terminal of a given size: pure geometry, nothing is ever laid out by its content.

A value that changes can therefore never move anything (UI.md 2.2, 3.5). Sizes between the three designed ones get the
smaller design with the spare cells given to ladder and tape.
"""

from enum import Enum

from msgspec import Struct

LEAST_WIDTH, LEAST_HEIGHT = 60, 15
SMALL_WIDTH, SMALL_HEIGHT = 80, 24
MEDIUM_WIDTH, MEDIUM_HEIGHT = 120, 36
LARGE_WIDTH, LARGE_HEIGHT = 200, 56


class Size(Enum):
    """Which design is shown. ``TOO_SMALL`` is a sentence; ``MINIMAL`` has header, ladder, preview and command bar."""

    TOO_SMALL = 0
    MINIMAL = 1
    SMALL = 2
    MEDIUM = 3
    LARGE = 4


class Panel(Enum):
    HEADER = "header"
    LADDER = "ladder"
    TAPE = "tape"
    CHART = "chart"
    PROFILE = "profile"
    SIDE = "side"
    ORDERS = "orders"
    LOG = "log"
    QUANTITY = "quantity"
    PREVIEW = "preview"
    PROMPT = "prompt"
    COMMAND = "command"
    HINT = "hint"
    MESSAGE = "message"


class Box(Struct, frozen=True):
    x: int
    y: int
    width: int
    height: int


class Layout(Struct, frozen=True):
    size: Size
    boxes: dict[Panel, Box]


def size_of(width: int, height: int) -> Size:
    if width < LEAST_WIDTH or height < LEAST_HEIGHT:
        return Size.TOO_SMALL
    if width < SMALL_WIDTH or height < SMALL_HEIGHT:
        return Size.MINIMAL
    if width >= LARGE_WIDTH and height >= LARGE_HEIGHT:
        return Size.LARGE
    if width >= MEDIUM_WIDTH and height >= MEDIUM_HEIGHT:
        return Size.MEDIUM
    return Size.SMALL


def plan(width: int, height: int) -> Layout:
    """Boxes of the panels shown at this size; a panel without a box is hidden."""
    size = size_of(width, height)
    match size:
        case Size.TOO_SMALL:
            return Layout(size, {Panel.MESSAGE: Box(0, 0, max(1, width), max(1, height))})
        case Size.MINIMAL:
            boxes = {
                Panel.HEADER: Box(0, 0, width, 1),
                Panel.LADDER: Box(0, 1, width, height - 3),
                Panel.PREVIEW: Box(0, height - 2, width, 1),
            }
            return Layout(size, boxes | _command(width, height - 1))
        case Size.SMALL:
            return Layout(size, _small(width, height))
        case Size.MEDIUM:
            return Layout(size, _medium(width, height))
        case Size.LARGE:
            return Layout(size, _large(width, height))


def _command(width: int, y: int) -> dict[Panel, Box]:
    return {Panel.PROMPT: Box(0, y, 1, 1), Panel.COMMAND: Box(1, y, width - 1, 1)}


def _bottom(width: int, height: int) -> dict[Panel, Box]:
    lines = {
        Panel.QUANTITY: Box(0, height - 4, width, 1),
        Panel.PREVIEW: Box(0, height - 3, width, 1),
        Panel.HINT: Box(0, height - 1, width, 1),
    }
    return lines | _command(width, height - 2)


def _small(width: int, height: int) -> dict[Panel, Box]:
    ladder = 50 + min(14, max(0, width - 90))
    block = height - 5
    orders = 4 + max(0, (height - 30) // 4)
    tape = 8 + max(0, block - 19) // 2
    rest = block - tape
    side = min(rest, 8)
    boxes = {
        Panel.HEADER: Box(0, 0, width, 1),
        Panel.LADDER: Box(0, 1, ladder, block - orders),
        Panel.ORDERS: Box(0, 1 + block - orders, ladder, orders),
        Panel.TAPE: Box(ladder, 1, width - ladder, tape),
        Panel.SIDE: Box(ladder, 1 + tape, width - ladder, side),
        Panel.LOG: Box(ladder, 1 + tape + side, width - ladder, rest - side),
    }
    return boxes | _bottom(width, height)


def _medium(width: int, height: int) -> dict[Panel, Box]:
    ladder = 64 + min(12, max(0, width - 130) // 2)
    side = 25 + min(9, max(0, width - 130) // 4)
    middle = width - ladder - side
    orders, log = 6 + max(0, height - 40) // 4, 4 + max(0, height - 40) // 6
    block = height - 6 - orders - log
    profile = 6 + max(0, block - 24) // 4
    chart = 6 + max(0, block - 24) // 4
    tape = block - chart - profile
    boxes = {
        Panel.HEADER: Box(0, 0, width, 2),
        Panel.LADDER: Box(0, 2, ladder, block),
        Panel.TAPE: Box(ladder, 2, middle, tape),
        Panel.CHART: Box(ladder, 2 + tape, middle, chart),
        Panel.PROFILE: Box(ladder, 2 + tape + chart, middle, profile),
        Panel.SIDE: Box(ladder + middle, 2, side, block),
        Panel.ORDERS: Box(0, 2 + block, width, orders),
        Panel.LOG: Box(0, 2 + block + orders, width, log),
    }
    return boxes | _bottom(width, height)


def _large(width: int, height: int) -> dict[Panel, Box]:
    ladder, tape, side = 76, 40, 38
    chart = width - ladder - tape - side
    lower = 14
    block = height - 6 - lower
    orders = width * 2 // 3
    profile = min(24, block // 2)
    boxes = {
        Panel.HEADER: Box(0, 0, width, 2),
        Panel.LADDER: Box(0, 2, ladder, block),
        Panel.TAPE: Box(ladder, 2, tape, block),
        Panel.CHART: Box(ladder + tape, 2, chart, block - profile),
        Panel.PROFILE: Box(ladder + tape, 2 + block - profile, chart, profile),
        Panel.SIDE: Box(ladder + tape + chart, 2, side, block),
        Panel.ORDERS: Box(0, 2 + block, orders, lower),
        Panel.LOG: Box(orders, 2 + block, width - orders, lower),
    }
    return boxes | _bottom(width, height)

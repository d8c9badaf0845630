"""The registry of everything a key can do: name, group, kind, whether it needs a fresh book, what it does in words.

Key handling, help, palette, ``:keys`` and docs/KEYS.md all read this table, so they cannot disagree. Which key does
what is a keymap's business (``keymaps``); what an action does is the controller's.
"""

from enum import Enum

from msgspec import Struct


class Kind(Enum):
    """``SAFE`` never sends an order; ``ORDER`` asks first unless armed; ``ALWAYS`` works whatever the state."""

    SAFE = "safe"
    ORDER = "order"
    ALWAYS = "always"


class Group(Enum):
    MOVE = "move"
    QUANTITY = "quantity"
    ORDER = "order"
    MANAGE = "manage"
    VIEW = "view"
    TEXT = "text"
    SAFETY = "safety"
    REPLAY = "replay"


class Act(Enum):
    """Names of the actions: stable, they are what a keymap file writes."""

    CURSOR_UP = "cursor_up"
    CURSOR_DOWN = "cursor_down"
    PAGE_UP = "page_up"
    PAGE_DOWN = "page_down"
    CURSOR_INSIDE = "cursor_inside"
    CENTRE = "centre"
    SIDE_BUY = "side_buy"
    SIDE_SELL = "side_sell"
    COARSER = "coarser"
    FINER = "finer"
    NEXT_PANEL = "next_panel"
    SYMBOL_1 = "symbol_1"
    SYMBOL_2 = "symbol_2"
    SYMBOL_3 = "symbol_3"
    SYMBOL_4 = "symbol_4"
    PRESET_1 = "preset_1"
    PRESET_2 = "preset_2"
    PRESET_3 = "preset_3"
    PRESET_4 = "preset_4"
    PRESET_5 = "preset_5"
    TYPE_QUANTITY = "type_quantity"
    HALVE = "halve"
    DOUBLE = "double"
    QUANTITY_POSITION = "quantity_position"
    QUANTITY_BEST = "quantity_best"
    BUY_LIMIT = "buy_limit"
    SELL_LIMIT = "sell_limit"
    BUY_MARKET = "buy_market"
    SELL_MARKET = "sell_market"
    JOIN_BID = "join_bid"
    JOIN_ASK = "join_ask"
    IMPROVE_BID = "improve_bid"
    IMPROVE_ASK = "improve_ask"
    ENTER = "enter"
    TICKET = "ticket"
    TICKET_LAST = "ticket_last"
    GRAB = "grab"
    CANCEL_HERE = "cancel_here"
    CANCEL_SYMBOL = "cancel_symbol"
    CANCEL_LAST = "cancel_last"
    REDUCE_HALF = "reduce_half"
    FLATTEN = "flatten"
    REVERSE = "reverse"
    BREAK_EVEN = "break_even"
    POST_ONLY = "post_only"
    REDUCE_ONLY = "reduce_only"
    CUMULATIVE = "cumulative"
    VOLUME_MODE = "volume_mode"
    TAPE_FILTER = "tape_filter"
    SCREEN_TRADE = "screen_trade"
    SCREEN_STRATEGIES = "screen_strategies"
    SCREEN_JOURNAL = "screen_journal"
    SCREEN_ORDERS = "screen_orders"
    SCREEN_CHART = "screen_chart"
    SCREEN_CONNECTIONS = "screen_connections"
    SCREEN_LOG = "screen_log"
    SCREEN_HONESTY = "screen_honesty"
    SCREEN_PARENTS = "screen_parents"
    SCREEN_ACCOUNT = "screen_account"
    COMMAND = "command"
    REPEAT = "repeat"
    YANK = "yank"
    HELP = "help"
    PALETTE = "palette"
    REDRAW = "redraw"
    ARM = "arm"
    KILL = "kill"
    DROP = "drop"
    LEAVE = "leave"
    REPLAY_PAUSE = "replay_pause"
    REPLAY_STEP = "replay_step"
    REPLAY_SLOWER = "replay_slower"
    REPLAY_FASTER = "replay_faster"


class Action(Struct, frozen=True):
    """One action. ``fresh``: refused while the book is stale. ``twice``: acts on the second press within 1.5 s."""

    act: Act
    group: Group
    kind: Kind
    text: str
    fresh: bool = False
    twice: bool = False


def _safe(group: Group, act: Act, text: str, twice: bool = False) -> Action:
    return Action(act, group, Kind.SAFE, text, twice=twice)


def _order(group: Group, act: Act, text: str, fresh: bool = True) -> Action:
    return Action(act, group, Kind.ORDER, text, fresh)


def _always(act: Act, text: str, group: Group = Group.SAFETY, twice: bool = False) -> Action:
    return Action(act, group, Kind.ALWAYS, text, twice=twice)


ACTIONS: dict[Act, Action] = {
    action.act: action
    for action in (
        _safe(Group.MOVE, Act.CURSOR_UP, "cursor one level up"),
        _safe(Group.MOVE, Act.CURSOR_DOWN, "cursor one level down"),
        _safe(Group.MOVE, Act.PAGE_UP, "ten levels up"),
        _safe(Group.MOVE, Act.PAGE_DOWN, "ten levels down"),
        _safe(Group.MOVE, Act.CURSOR_INSIDE, "cursor to the inside"),
        _safe(Group.MOVE, Act.CENTRE, "centre on the inside, release HOLD"),
        _safe(Group.MOVE, Act.SIDE_BUY, "side buy (ticket, quantity at best)"),
        _safe(Group.MOVE, Act.SIDE_SELL, "side sell"),
        _safe(Group.MOVE, Act.COARSER, "coarser price groups"),
        _safe(Group.MOVE, Act.FINER, "finer price groups"),
        _safe(Group.MOVE, Act.NEXT_PANEL, "keys to the next panel: ladder, orders"),
        _safe(Group.MOVE, Act.SYMBOL_1, "first instrument"),
        _safe(Group.MOVE, Act.SYMBOL_2, "second instrument"),
        _safe(Group.MOVE, Act.SYMBOL_3, "third instrument"),
        _safe(Group.MOVE, Act.SYMBOL_4, "fourth instrument"),
        _safe(Group.QUANTITY, Act.PRESET_1, "quantity preset 1"),
        _safe(Group.QUANTITY, Act.PRESET_2, "quantity preset 2"),
        _safe(Group.QUANTITY, Act.PRESET_3, "quantity preset 3"),
        _safe(Group.QUANTITY, Act.PRESET_4, "quantity preset 4"),
        _safe(Group.QUANTITY, Act.PRESET_5, "quantity preset 5"),
        _safe(Group.QUANTITY, Act.TYPE_QUANTITY, "type the quantity"),
        _safe(Group.QUANTITY, Act.HALVE, "halve the quantity"),
        _safe(Group.QUANTITY, Act.DOUBLE, "double the quantity"),
        _safe(Group.QUANTITY, Act.QUANTITY_POSITION, "quantity = position"),
        _safe(Group.QUANTITY, Act.QUANTITY_BEST, "quantity = size at the best price"),
        _order(Group.ORDER, Act.BUY_LIMIT, "buy limit at the cursor"),
        _order(Group.ORDER, Act.SELL_LIMIT, "sell limit at the cursor"),
        _order(Group.ORDER, Act.BUY_MARKET, "buy market, bounded by slip"),
        _order(Group.ORDER, Act.SELL_MARKET, "sell market, bounded by slip"),
        _order(Group.ORDER, Act.JOIN_BID, "join the best bid"),
        _order(Group.ORDER, Act.JOIN_ASK, "join the best ask"),
        _order(Group.ORDER, Act.IMPROVE_BID, "improve the bid by a tick, post-only"),
        _order(Group.ORDER, Act.IMPROVE_ASK, "improve the ask by a tick, post-only"),
        _safe(Group.ORDER, Act.ENTER, "send what is asked; else ticket at the cursor"),
        _safe(Group.ORDER, Act.TICKET, "order ticket"),
        _safe(Group.ORDER, Act.TICKET_LAST, "order ticket as last used"),
        _order(Group.MANAGE, Act.GRAB, "grab the order here: move it, Enter amends"),
        _always(Act.CANCEL_HERE, "cancel own orders at the cursor", Group.MANAGE),
        _always(Act.CANCEL_SYMBOL, "cancel every order of the instrument", Group.MANAGE),
        _always(Act.CANCEL_LAST, "cancel the newest order", Group.MANAGE),
        _order(Group.MANAGE, Act.REDUCE_HALF, "close half of the position"),
        _order(Group.MANAGE, Act.FLATTEN, "flatten: cancel orders, close position", fresh=False),
        _order(Group.MANAGE, Act.REVERSE, "reverse the position"),
        _order(Group.MANAGE, Act.BREAK_EVEN, "stop to break-even"),
        _safe(Group.QUANTITY, Act.POST_ONLY, "post-only on/off"),
        _safe(Group.QUANTITY, Act.REDUCE_ONLY, "reduce-only on/off"),
        _safe(Group.VIEW, Act.CUMULATIVE, "cumulative depth on/off"),
        _safe(Group.VIEW, Act.VOLUME_MODE, "last column: volume, delta, none"),
        _safe(Group.VIEW, Act.TAPE_FILTER, "tape: all, from my quantity, from 5 times"),
        _safe(Group.VIEW, Act.SCREEN_TRADE, "trade screen"),
        _safe(Group.VIEW, Act.SCREEN_STRATEGIES, "strategies screen"),
        _safe(Group.VIEW, Act.SCREEN_JOURNAL, "journal: fills, orders, positions"),
        _safe(Group.VIEW, Act.SCREEN_ORDERS, "working orders, full screen"),
        _safe(Group.VIEW, Act.SCREEN_CHART, "chart, full screen"),
        _safe(Group.VIEW, Act.SCREEN_CONNECTIONS, "connections, feeds and limits"),
        _safe(Group.VIEW, Act.SCREEN_LOG, "log, full screen"),
        _safe(Group.VIEW, Act.SCREEN_PARENTS, "parent orders: progress and why"),
        _safe(Group.VIEW, Act.SCREEN_ACCOUNT, "account: what is held, where it differs"),
        _safe(Group.VIEW, Act.SCREEN_HONESTY, "honesty: fills under every rule of filling"),
        _safe(Group.TEXT, Act.COMMAND, "command bar"),
        _order(Group.TEXT, Act.REPEAT, "repeat the last order line (always asks)"),
        _safe(Group.TEXT, Act.YANK, "last order as a command, into the bar"),
        _safe(Group.TEXT, Act.HELP, "this list"),
        _safe(Group.TEXT, Act.PALETTE, "palette of actions"),
        _safe(Group.TEXT, Act.REDRAW, "draw the whole screen anew"),
        _safe(Group.SAFETY, Act.ARM, "arm for 10 min; disarms when armed", twice=True),
        _always(Act.KILL, "KILL: cancel all, lock new orders", twice=True),
        _always(Act.DROP, "drop what is asked, close the top panel"),
        _safe(Group.SAFETY, Act.LEAVE, "leave this screen", twice=True),
        _safe(Group.REPLAY, Act.REPLAY_PAUSE, "pause / go on"),
        _safe(Group.REPLAY, Act.REPLAY_STEP, "one frame further"),
        _safe(Group.REPLAY, Act.REPLAY_SLOWER, "half the speed"),
        _safe(Group.REPLAY, Act.REPLAY_FASTER, "twice the speed"),
    )
}

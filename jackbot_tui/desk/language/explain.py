"""Commands back into text: the canonical line, which parses to the same command again and is what the journal keeps."""

from jackbot_tui.desk import commands as c
from jackbot_tui.desk.language.grammar import TIME_UNITS_NS
from jackbot_tui.model.enums import Side, TimeInForce
from jackbot_tui.model.numbers import text_of


def explain(command: c.Command) -> str:
    """Canonical line of one command: full words, instruments by key."""
    match command:
        case c.PlaceOrder():
            return _place(command)
        case c.Cancel(scope=c.CancelScope.NUMBERS):
            return f"cancel {' '.join(str(number) for number in command.numbers)}"
        case c.Cancel():
            return _join("cancel", command.scope.value, command.key)
        case c.Move():
            quantity = "" if command.quantity is None else f"qty={text_of(command.quantity)}"
            price = "" if command.price is None else price_text(command.price)
            return _join("move", str(command.number or "last"), price, quantity)
        case c.Close():
            size = "all" if command.size.unit is c.SizeUnit.POSITION else size_text(command.size)
            return _join("close", size, command.key)
        case c.Flatten():
            return _join("flatten", "all" if command.everything else command.key)
        case c.Reverse():
            return _join("reverse", command.key)
        case c.StartParent():
            values = (f"{name}={text}" for name, text in command.values)
            if command.side is None:
                size = "" if command.size.unit is c.SizeUnit.POSITION else size_text(command.size)
                return _join(command.kind.value, "position", size, command.key, *values)
            if not command.size.value and command.size.unit is c.SizeUnit.BASE:  # it sizes itself
                word = "long" if command.side is Side.BUY else "short"
                return _join(command.kind.value, word, command.key, *values)
            return _join(command.kind.value, command.side.value, size_text(command.size), command.key, *values)
        case c.SteerParent():
            quantity = "" if command.quantity is None else f"qty={text_of(command.quantity)}"
            values = (f"{name}={text}" for name, text in command.values)
            return _join("task", command.action.value, str(command.number), quantity, *values)
        case c.StopParent():
            return f"task {command.action.value} {command.number or 'all'}"
        case c.Arm():
            return _join("arm", duration_text(command.duration_ns), "market" if command.market else "")
        case c.Kill():
            return _join("kill", "flatten" if command.flatten else "")
        case c.KillReset():
            return "kill reset"
        case c.SelectSymbol():
            return f"sym {command.key}"
        case c.SetQuantity():
            return f"size {text_of(command.quantity)}"
        case c.Preset():
            return _join("preset", str(command.number), "" if command.quantity is None else text_of(command.quantity))
        case c.Group():
            return f"group {command.ticks}"
        case c.Slip():
            return f"slip {command.ticks}"
        case c.SetLeverage():
            return _join("leverage", text_of(command.leverage), command.key)
        case c.SetMarginMode():
            return _join("margin", command.mode.value, command.key)
        case c.Toggle():
            return _join(command.flag.value, {None: "", True: "on", False: "off"}[command.on])
        case c.Show():
            return _join(command.topic.value, str(command.count or ""), command.key)
        case c.Settle():
            words = map(str, command.numbers)
            return _join("reconcile", "apply" if command.rule is None else command.rule.value, *words)
        case c.Why():
            return _join("why", command.fill)
        case c.JournalNote():
            return f"journal note {_quoted(command.text)}"
        case c.JournalTag():
            return f"journal tag {_quoted(command.text)}"
        case c.PriceNote():
            return f"note {text_of(command.price)} {_quoted(command.text)}"
        case c.Replay():
            return _join("replay", command.action.value, _replay_value(command))
        case c.Record():
            return f"record {'start' if command.start else 'stop'}"
        case c.SetOption():
            return f"set {command.name} {command.value}" if command.name else "set"
        case c.Help():
            return _join("help", command.topic)
        case c.ScreenOnly() | c.Unavailable():
            return _join(command.verb, command.rest)
        case c.Disarm() | c.Take() | c.Export() | c.Quit() | c.Paper() | c.GoLive():
            return _BARE[type(command)]


_BARE: dict[type, str] = {
    c.Disarm: "disarm",
    c.Take: "take",
    c.Export: "export today",
    c.Quit: "quit",
    c.Paper: "paper",
    c.GoLive: "live",
}


def _join(*words: str) -> str:
    return " ".join(word for word in words if word)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _place(command: c.PlaceOrder) -> str:
    words = [command.side.value, size_text(command.size)]
    if command.key:
        words.append(command.key)
    if command.trigger is not None:
        words += ["take" if command.take_profit else "stop", price_text(command.trigger)]
        if command.trigger_by is not None:
            words.append(command.trigger_by.value)
    if command.price is None:
        words.append("mkt")
    else:
        words += ["@", price_text(command.price)]
        if command.post:
            words.append("post")
        if command.tif is not TimeInForce.GTC:
            words.append(command.tif.value)
    if command.reduce:
        words.append("reduce")
    if command.slip_ticks is not None:
        words.append(f"slip={command.slip_ticks}t")
    return " ".join(words)


def size_text(size: c.Size) -> str:
    """A SIZE word."""
    match size.unit:
        case c.SizeUnit.BASE:
            return text_of(size.value)
        case c.SizeUnit.QUOTE:
            return f"{text_of(size.value)}$"
        case c.SizeUnit.PERCENT:
            return f"{text_of(size.value)}%"
        case c.SizeUnit.POSITION:
            return "$pos"
        case c.SizeUnit.HALF:
            return "half"
        case c.SizeUnit.PRESET:
            return f"#{text_of(size.value)}"


def price_text(price: c.Price) -> str:
    """A PRICE word."""
    if price.ref is c.PriceRef.NONE:
        return text_of(price.value)
    sign = "-" if price.value < 0 else "+"
    offset = f"{sign}{text_of(abs(price.value))}{price.unit.value}"
    if price.ref in (c.PriceRef.NEAR, c.PriceRef.OWN):
        return offset
    return f"{price.ref.value}{offset}" if price.value else price.ref.value


def duration_text(span_ns: int) -> str:
    """A TIME word in the largest unit that writes it whole; "" for 0."""
    if not span_ns:
        return ""
    unit = next(name for name in ("h", "m", "s", "ms") if span_ns % TIME_UNITS_NS[name] == 0)
    return f"{span_ns // TIME_UNITS_NS[unit]}{unit}"


def _replay_value(command: c.Replay) -> str:
    match command.action:
        case c.ReplayAction.STEP:
            return text_of(command.value)
        case c.ReplayAction.SPEED:
            return text_of(command.value) if command.value else "max"
        case _:
            return ""

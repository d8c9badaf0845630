"""docs/KEYS.md, printed from the registry of actions and the shipped keymaps, so that it cannot say anything else."""

from jackbot_tui.tui.actions import ACTIONS, Group, Kind
from jackbot_tui.tui.keymaps import SHIPPED, Keymap, load, shown_key

GROUP_TITLES = {
    Group.MOVE: "Moving",
    Group.QUANTITY: "Quantity and flags",
    Group.ORDER: "Orders",
    Group.MANAGE: "Managing orders and the position",
    Group.VIEW: "Views and screens",
    Group.TEXT: "Text",
    Group.SAFETY: "Safety",
    Group.REPLAY: "Replay",
}
KINDS = {Kind.SAFE: "safe", Kind.ORDER: "order", Kind.ALWAYS: "always"}


def keys_page() -> str:
    """docs/KEYS.md."""
    maps = [load(name) for name in SHIPPED]
    out = [
        "# Keys",
        "",
        "Generated from the registry of actions by `jackbot_tui.tui.keys`; do not edit by hand.",
        "",
        "Lower case is passive, upper case is aggressive. A *safe* key never sends anything. An *order* key asks in",
        "one line under the ladder (Enter sends, Esc drops, 15 s drop by themselves) and sends at once only while",
        "ARMED; one marked *fresh* is refused while the book is older than 3 s or not LIVE. A key marked *always*",
        "works in any state; *twice* means two presses within 1.5 s. F12 F12 and Ctrl+K Ctrl+K reach the kill switch",
        "from every field and dialog. The same order key within 250 ms is dropped, so is text pasted outside a field.",
        "",
        f"Keymaps: {', '.join(SHIPPED)}. Choose one with `keymap` in the settings or `:keymap NAME`; give single",
        "actions other keys under `keys` in the settings, or until the screen ends with `:bind KEY COMMAND`. A key",
        "that would mean two things is refused with both names.",
        "",
    ]
    for group, name in GROUP_TITLES.items():
        out += [f"## {name}", "", "| Action | " + " | ".join(SHIPPED) + " | Kind | What it does |"]
        out.append("|---|" + "---|" * len(SHIPPED) + "---|---|")
        for action in (action for action in ACTIONS.values() if action.group is group):
            cells = [_cell(keymap, action.act) for keymap in maps]
            marks = [KINDS[action.kind], *(["fresh"] if action.fresh else []), *(["twice"] if action.twice else [])]
            out.append(f"| `{action.act.value}` | {' | '.join(cells)} | {', '.join(marks)} | {action.text} |")
        out.append("")
    return "\n".join(out).rstrip() + "\n"


def _cell(keymap: Keymap, act: object) -> str:
    keys = [key for key, found in keymap.by_key.items() if found is act]
    return " ".join(f"`{shown_key(key)}`" if key != "|" else "`\\|`" for key in keys) or "-"

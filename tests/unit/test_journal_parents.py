"""Parent orders in the journal on disk: what comes back after a restart, from the tables and from the log alone."""

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

from jackbot_tui.algos.state import Kind
from jackbot_tui.engine.parents import ParentOptions, RestartPolicy
from jackbot_tui.journal.rebuild import differences
from jackbot_tui.journal.schema import open_to_read
from jackbot_tui.model.enums import Side
from jackbot_tui.model.records import ParentMoved, ParentStarted
from tests.journal_world import NOON, open_journal
from tests.parents_world import BUY, ParentsWorld


def started(number: int) -> ParentStarted:
    return ParentStarted(
        ts=NOON + number, parent_id=f"p{number}", number=number, kind="maker", key="binance:BTC/USDT:USDT",
        side=Side.BUY, quantity=Decimal("0.5"), values={"interval": "3s"}, seed=7, source="ctl",
    )  # fmt: skip


def moved(number: int, status: str, state: str = "{}") -> ParentMoved:
    return ParentMoved(
        ts=NOON + 10, parent_id=f"p{number}", status=status, reason="", is_open=status == "running", state=state
    )


async def test_open_parents_come_back_with_their_newest_state_and_numbers_go_on(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = await open_journal(path)
    for record in (started(1), started(2), moved(1, "running", "old"), moved(2, "done"), moved(1, "running", "new")):
        journal.append(record)
    journal.append(started(3))
    await journal.close()
    again = await open_journal(path)
    assert again.recovered.parents == ((started(1), moved(1, "running", "new")), (started(3), None))
    assert again.recovered.next_parent == 4
    await again.close()


async def test_the_table_follows_from_the_log_and_is_made_again_from_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = await open_journal(path)
    for record in (started(1), moved(1, "running", "new"), started(2), moved(2, "canceled")):
        journal.append(record)
    await journal.close()
    with closing(open_to_read(path)) as reader:
        assert differences(reader) == []
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("DROP TABLE parents")
        raw.execute("UPDATE switches SET projected_seq = 0")
        raw.commit()
    again = await open_journal(path)
    assert again.recovered.parents == ((started(1), moved(1, "running", "new")),)
    await again.close()


async def test_a_journal_of_an_earlier_release_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    await (await open_journal(path)).close()
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("DROP TABLE parents")
        raw.commit()
    journal = await open_journal(path)
    assert (journal.recovered.parents, journal.recovered.next_parent) == ((), 1)
    journal.append(started(1))
    await journal.close()
    again = await open_journal(path)
    assert again.recovered.parents == ((started(1), None),)
    await again.close()


async def test_what_an_engine_wrote_on_disk_brings_its_parent_back(tmp_path: Path) -> None:
    world = ParentsWorld()
    world.begin(Kind.MAKER, BUY, "0.5")
    world.step(500)
    path = tmp_path / "journal.db"
    journal = await open_journal(path)
    for _, record in world.journal.records:
        journal.append(record)
    await journal.close()
    again = await open_journal(path)
    after = ParentsWorld(
        recovered=again.recovered,
        options=ParentOptions(restart=RestartPolicy.RESUME, children_per_s=1000),
        start_ns=world.clock.now_ns() + 1_000_000_000,
    )
    await again.close()
    after.step(500)
    assert "rests at 100" in after.look().why
    assert [order.number for order in after.open_orders()] == [1]

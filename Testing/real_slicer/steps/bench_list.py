"""Lists of 100,000 and 1,000,000 images: arriving, filtered, sorted."""

import qt

from real_slicer.heartbeat import Heartbeat, milliseconds
from real_slicer.servers import ServerProcess
from real_slicer.user import User

TIMEOUT_SECONDS = 600
COLUMNS = 8


def run(step):
    user, heartbeat = User(step), Heartbeat()
    step.at_end(heartbeat.close)
    yield from user.open()
    plain = plain_table(100_000)
    yield from measure(step, user, heartbeat, 100_000, "100 ms", plain)
    yield from measure(step, user, heartbeat, 1_000_000, "500 ms", {})
    yield from load_and_cancel_all(step, user, heartbeat)


def measure(step, user, heartbeat, count, required, plain):
    """Connect to a server with so many images, filter the list, and sort it."""
    server = ServerProcess("long_list", count)
    step.at_end(server.stop)
    begin = heartbeat.start
    begin()
    yield from user.connect(server.port)
    yield user.until(lambda: user.model.rowCount() == count, "all rows", 60)
    yield step.pause(1)
    figure = lambda what: step.figure(  # noqa: E731
        f"{count:,} rows {what}", required, heartbeat.stop().text(), plain.get(what, "")
    )
    figure("arriving")
    begin()
    user.type(user.ui.filterLineEdit, "head t1 7")
    yield user.until(lambda: 0 < user.model.rowCount() < count, "the filtered list", 60)
    yield step.pause(1)
    figure("filtered")
    user.key(user.ui.filterLineEdit, qt.Qt.Key_Escape)
    yield user.until(lambda: user.model.rowCount() == count, "the whole list", 60)
    yield step.pause(1)
    begin()
    user.click_header(user.ui.imageTableView, "Name")
    yield step.pause(3)
    figure("sorted")
    user.click_header(user.ui.imageTableView, "Name")
    user.click_header(user.ui.imageTableView, "Name")
    yield step.pause(1)
    if count < 1_000_000:
        user.press(user.ui.connectButton)
        yield step.pause(1)


def load_and_cancel_all(step, user, heartbeat):
    """Ask for all of the images, and cancel."""
    user.press(user.ui.selectAllButton)
    heartbeat.start()
    listed_at = user.browser.images.listing.listed_at
    user.press(user.ui.loadButton)
    # The first image is not as listed, so that the list is asked for once more; all others wait.
    is_listed_again = lambda: user.browser.images.listing.listed_at != listed_at  # noqa: E731
    yield user.until(is_listed_again, "the list once more", 60)
    yield step.pause(1)
    step.figure("1,000,000 rows, Load all", "500 ms", heartbeat.stop().text())
    heartbeat.start()
    user.press(user.ui.cancelButton)
    yield user.until(
        lambda: user.browser.images.downloads.transfer is None, "the end of loading", 60
    )
    yield step.pause(1)
    step.figure("1,000,000 rows, Cancel", "500 ms", heartbeat.stop().text())


def plain_table(count):
    """The same with Qt's own items, as most of Slicer's tables have them: one turn each."""
    model, table = qt.QStandardItemModel(count, COLUMNS), qt.QTableView()
    proxy = qt.QSortFilterProxyModel()

    def fill():
        for row in range(count):
            text = f"Head T1 {row * 7919 % count}"
            for column in range(COLUMNS):
                model.setItem(row, column, qt.QStandardItem(text))
        proxy.setSourceModel(model)
        table.setModel(proxy)

    took = {"arriving": milliseconds(fill)}
    took["filtered"] = milliseconds(lambda: proxy.setFilterFixedString("T1 7"))
    proxy.setFilterFixedString("")
    took["sorted"] = milliseconds(lambda: proxy.sort(0, qt.Qt.AscendingOrder))
    return {what: f"{duration:.0f} ms" for what, duration in took.items()}

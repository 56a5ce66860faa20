"""Rows as the other roles send them: the same columns in live updates and in history."""

import numpy as np

from collector.contract import live_pb2
from storage.contract import archive_pb2
from ui.bounds import LimitTable
from ui.ring import CELLS, CHANGED, SERIES, Block

Message = live_pb2.Update | archive_pb2.HistoryChunk


def block_of(update: Message, limits: LimitTable, sequence: int) -> Block:
    """The rows of a message as a block; they change with `sequence`.

    Raises ValueError when its columns do not fit together.
    """
    window = np.frombuffer(update.row_window, "<i8")
    rows = len(window)
    cell_row = np.frombuffer(update.cell_row, "<u4")
    if len(cell_row) and int(cell_row.max()) >= rows:
        raise ValueError("a histogram cell names a row that is not in the message")
    keys = np.empty((3, rows), np.uint32)
    keys[SERIES] = np.frombuffer(update.row_series, "<u4")
    keys[CHANGED] = sequence
    keys[CELLS] = np.bincount(cell_row, minlength=rows)
    values = np.empty((8, rows))
    for place, column in enumerate(
        (
            update.row_count,
            update.row_sum,
            update.row_min,
            update.row_max,
            update.row_last,
            update.row_increase,
            update.row_elapsed_s,
            update.row_errors,
        )
    ):
        values[place] = np.frombuffer(column, "<f8")
    lower, upper, counts = (
        np.frombuffer(column, "<f8")
        for column in (update.cell_lower, update.cell_upper, update.cell_count)
    )
    ids = limits.ids_of(lower, upper)
    order = np.argsort(cell_row, kind="stable")
    return Block(window, keys, values, ids[order], counts[order].astype(np.float32))

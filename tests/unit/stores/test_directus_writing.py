"""How rows are cut into arrays, and how large an array may be."""

from __future__ import annotations

from bridge.stores.directus.writing import (
    MAX_BYTES,
    MAX_ROWS_ASKED,
    MAX_ROWS_WRITTEN,
    ChunkSize,
    chunks,
)


def test_no_chunk_exceeds_one_requests_rows_or_bytes() -> None:
    sizes = [MAX_BYTES // 3] * 7 + [10] * 1200
    cut = list(chunks(sizes, size_of=lambda size: size))
    assert [row for chunk in cut for row in chunk] == sizes
    assert all(sum(chunk) <= MAX_BYTES and len(chunk) <= MAX_ROWS_ASKED for chunk in cut)
    assert [len(chunk) for chunk in cut][:3] == [3, 3, MAX_ROWS_ASKED]


def test_a_row_larger_than_a_request_goes_alone() -> None:
    assert list(chunks([1, MAX_BYTES + 1, 1], size_of=lambda size: size)) == [
        [1],
        [MAX_BYTES + 1],
        [1],
    ]


def test_arrays_grow_when_quick_and_shrink_when_slow() -> None:
    chunk_size = ChunkSize()
    first = chunk_size.rows()
    for _ in range(9):
        chunk_size.adapt(chunk_size.rows(), 0.01)
    assert first < chunk_size.rows() == MAX_ROWS_WRITTEN
    chunk_size.adapt(chunk_size.rows(), 3)
    assert chunk_size.rows() == MAX_ROWS_WRITTEN // 2
    for _ in range(20):
        chunk_size.adapt(chunk_size.rows(), 30)
    assert chunk_size.rows() == ChunkSize.MIN_ROWS


def test_a_short_quick_array_does_not_grow_arrays() -> None:
    chunk_size = ChunkSize()
    before = chunk_size.rows()
    chunk_size.adapt(1, 0.01)
    assert chunk_size.rows() == before

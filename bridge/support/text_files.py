"""Text files as people make them: in UTF-8, or in what an editor, a shell or a spreadsheet writes.

A file has one encoding, which is found out before anything of it is used. One that has two (lines
of another program appended) is refused: half of it would be read as something that nobody wrote.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import BinaryIO, Final

AROUND: Final = " \t\r\n\0\x1a\ufeff"
"""What is no part of a line's text: white space, and what ends or begins a file on Windows."""

_NAMES: Final = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with a byte order mark",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16 (little-endian, without a byte order mark)",
    "utf-16-be": "UTF-16 (big-endian, without a byte order mark)",
    "utf-32": "UTF-32",
    "utf-32-le": "UTF-32 (little-endian, without a byte order mark)",
    "utf-32-be": "UTF-32 (big-endian, without a byte order mark)",
    "cp1252": "Windows-1252 (Latin-1), since it is not UTF-8",
}
_PACKED: Final = (b"\x1f\x8b", b"PK\x03\x04")
_BYTES_AROUND: Final = AROUND.encode("ascii", "ignore")
_UTF_8_LETTERS: Final = re.compile(
    rb"\xc3[\x80-\xbf]|\xc2[\xa0-\xbf]|\xe2\x80[\x90-\xbf]|\xef\xbb\xbf|([\xce-\xd1][\x80-\xbf]){2}"
)
"""What UTF-8 makes of Europe's letters, and what no text in Windows-1252 looks like."""
_CONVERT: Final = "make it UTF-8 throughout (iconv converts)"


class NotOneEncoding(ValueError):
    """A file that no single encoding reads. The message says which line, why, and what to do."""


class TextFile:
    """The lines of a text file whose first character is ASCII, as JSON's is.

    Args:
        file: read to its end at once, and again for the lines. One that cannot be read twice (a
            pipe) is kept in memory.

    Attributes:
        encoding: its name for people.
        is_plain: whether it is UTF-8 without a byte order mark, as is usual.

    Raises:
        NotOneEncoding: it is mixed, compressed, or in none of the encodings that are known here.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file if file.seekable() else io.BytesIO(file.read())
        self._codec = self._find_codec()
        self.encoding = _NAMES[self._codec]
        self.is_plain = self._codec == "utf-8"

    def __iter__(self) -> Iterator[str]:
        """Yield the lines, without what stands around their text (`AROUND`)."""
        return (line.strip(AROUND) for line in self._lines(self._codec))

    def _lines(self, codec: str, errors: str = "strict") -> Iterator[str]:
        self._file.seek(0)
        text = io.TextIOWrapper(self._file, codec, errors)
        yield from text
        text.detach()  # else the file were closed with it

    def _find_codec(self) -> str:
        head = self._file.read(4)
        if head.startswith(_PACKED):
            raise NotOneEncoding("it is compressed: unpack it first")
        codec = json.detect_encoding(head)  # by its byte order mark, or by the NULs between letters
        if codec not in ("utf-8", "utf-8-sig"):
            self._check_wide(codec)
            return codec
        return codec if self._is_utf_8() else "cp1252"

    def _check_wide(self, codec: str) -> None:
        """Refuse a file that is not wholly in this encoding of two or four bytes."""
        for number, line in enumerate(self._lines(codec, "replace"), 1):
            if "\ufffd" in line:
                raise NotOneEncoding(f"line {number} is no {_NAMES[codec]}: {_CONVERT}")

    def _is_utf_8(self) -> bool:
        """Return whether the file is UTF-8, False for Windows-1252."""
        utf_8 = other = 0  # the first lines that are this, and that are not
        for number, line in self._lines_beyond_ascii():
            whole = _is_in(line, "utf-8")
            if not whole and not _is_in(line, "cp1252"):
                raise NotOneEncoding(f"line {number} is neither UTF-8 nor Windows-1252: {_CONVERT}")
            if whole or _UTF_8_LETTERS.search(line):
                utf_8 = utf_8 or number
            if not whole:
                other = other or number
            if utf_8 and other:
                raise _mixed(utf_8, other)
        return not other

    def _lines_beyond_ascii(self) -> Iterator[tuple[int, bytes]]:
        for number, text in enumerate(self._lines("latin-1"), 1):
            line = text.encode("latin-1").strip(_BYTES_AROUND)
            if b"\0" in line:
                raise NotOneEncoding(f"line {number} holds NULs, as UTF-16 does: {_CONVERT}")
            if not line.isascii():
                yield number, line


def _mixed(utf_8: int, other: int) -> NotOneEncoding:
    if utf_8 == other:
        return NotOneEncoding(f"line {other} is UTF-8 in a part alone: {_CONVERT}")
    return NotOneEncoding(f"line {utf_8} is UTF-8, and line {other} is not: {_CONVERT}")


def _is_in(line: bytes, codec: str) -> bool:
    try:
        line.decode(codec)
    except UnicodeDecodeError:
        return False
    return True

"""Text in headers: ASCII as it is, all else in RFC 2047's encoded words, as S3 writes and reads them.

Owns both directions. Promises that what is written is printable ASCII, so that no text breaks out of its header, and
that what cannot be read stays as it was sent.

The choices are S3's, which are those of Java's mail library: Q where most characters are ASCII, else B; a word that
would be longer than 75 characters is halved, and a blank stands between two words. Sources: RFC 2047; S3 user guide,
"Working with object metadata".
"""

import base64
import binascii
import re
from typing import Final

_WORD_CHARACTERS_MAX: Final = 75
_Q, _B = ("=?UTF-8?Q?", "=?UTF-8?B?")
_END: Final = "?="
_TEXT_CHARACTERS_MAX: Final = _WORD_CHARACTERS_MAX - len(_Q) - len(_END)
_PLAIN: Final = frozenset(range(0x21, 0x7F)) - frozenset(b"=_?")
_WORD: Final = re.compile(r"=\?([^?\s]+)\?([BbQq])\?([^?\s]*)\?=")
_CHARSETS: Final = {"utf-8": "utf-8", "us-ascii": "ascii", "iso-8859-1": "latin-1"}
_CONTROL_CHARACTERS: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def header_text(text: str) -> str:
    """Return a text as a header may carry it."""
    if text.isascii() and text.replace("\t", " ").isprintable():
        return text
    plain = sum(" " <= character <= "~" or character == "\t" for character in text)
    return " ".join(_words(text, is_b=plain <= len(text) - plain))


def plain_text(header: str) -> str:
    """Return the text that a header carries; what is no encoded word, of no known charset, or holds control characters,
    as it stands there.
    """
    if "=?" not in header:
        return header
    pieces: list[str] = []
    was_word = False
    for piece in re.split(r"([ \t]+)", header):
        word = _decoded(piece)
        if word is not None and was_word:
            pieces.pop()  # the blank between two words is none of the text
        if word is not None or piece.strip(" \t"):
            was_word = word is not None
        pieces.append(piece if word is None else word)
    text = "".join(pieces)
    return header if _CONTROL_CHARACTERS.search(text) is not None else text


def _words(text: str, *, is_b: bool) -> list[str]:
    encoded = text.encode()
    body = base64.b64encode(encoded).decode() if is_b else "".join(map(_quoted, encoded))
    if len(body) > _TEXT_CHARACTERS_MAX and len(text) > 1:
        half = len(text) // 2
        return [*_words(text[:half], is_b=is_b), *_words(text[half:], is_b=is_b)]
    return [f"{_B if is_b else _Q}{body}{_END}"]


def _quoted(byte: int) -> str:
    if byte in _PLAIN:
        return chr(byte)
    return "_" if byte == 0x20 else f"={byte:02X}"


def _decoded(piece: str) -> str | None:
    """Return the text of an encoded word, None where the piece is none that can be read."""
    matched = _WORD.fullmatch(piece)
    charset = None if matched is None else _CHARSETS.get(matched[1].lower())
    if matched is None or charset is None:
        return None
    try:
        if matched[2] in "Bb":
            return base64.b64decode(matched[3], validate=True).decode(charset)
        return binascii.a2b_qp(matched[3], header=True).decode(charset)
    except ValueError:
        return None

"""Text in headers: what goes into encoded words, and what comes out of them."""

import email.header

import pytest

from cumulo.gateway.encoded_words import header_text, plain_text

LONG = (
    "Well done! You have just completed the \u201clong walk\u201d. Rest, drink some water, and come back for another."
)


@pytest.mark.parametrize("text", ["", "plain text", "a\tb", "=?", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"])
def test_ascii_is_as_it_is(text: str) -> None:
    assert header_text(text) == text


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("\u00e9", "=?UTF-8?B?w6k=?="),
        ("a\u00e9", "=?UTF-8?B?YcOp?="),
        ("ab\u00e9", "=?UTF-8?Q?ab=C3=A9?="),
        ("a_b=c?d% \u00e9", "=?UTF-8?Q?a=5Fb=3Dc=3Fd%_=C3=A9?="),
        ("\u00c4M\u00c4Z\u00d5\u00d1 S3", "=?UTF-8?Q?=C3=84M=C3=84Z=C3=95=C3=91_S3?="),
        ("\u00c4M\u00c4Z\u00d5\u00d1 S3".encode().decode("latin-1"), "=?UTF-8?B?w4PChE3Dg8KEWsODwpXDg8KRIFMz?="),
        ("x\r\nEvil: y", "=?UTF-8?Q?x=0D=0AEvil:_y?="),
    ],
)
def test_all_else_is_in_words_of_the_shorter_kind(text: str, header: str) -> None:
    assert header_text(text) == header


@pytest.mark.parametrize("text", [LONG, "\u65e5\u672c\u8a9e" * 40, "\U0001f600" * 30, "\u00e9 " * 50])
def test_long_text_is_cut_into_words_that_are_read_as_one_text(text: str) -> None:
    header = header_text(text)

    assert len(header.split(" ")) > 1
    assert max(map(len, header.split(" "))) <= 75
    assert str(email.header.make_header(email.header.decode_header(header))) == text
    assert plain_text(header) == text


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("=?UTF-8?B?YWJj?=", "abc"),
        ("=?utf-8?q?a_b=5Fc?=", "a b_c"),
        ("=?iso-8859-1?Q?=E9?=", "\u00e9"),
        ("a =?UTF-8?Q?b?= \t =?UTF-8?Q?c?= d", "a bc d"),
        ("a  b", "a  b"),
    ],
)
def test_words_are_read(header: str, text: str) -> None:
    assert plain_text(header) == text


@pytest.mark.parametrize(
    "header",
    [
        "=?",
        "=?UTF-8?B?YWJ?=",
        "=?UTF-8?Q?=FF?=",
        "=?klingon?Q?a?=",
        "=?UTF-8?X?a?=",
        "x=?UTF-8?Q?a?=",
        "=?UTF-8?B?AAE=?=",
    ],
)
def test_what_is_no_word_stays_as_it_was_sent(header: str) -> None:
    assert plain_text(header) == header

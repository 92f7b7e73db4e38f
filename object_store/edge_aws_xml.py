"""S3's answers that are written by hand: documents of many rows, and those whose shape the generated models cannot say.

Owns the frame of a document; knows no operation. A page of a thousand keys is built of strings: an element tree costs
thirty times as much.
"""

from typing import Final

from cumulo.gateway.aws_service import AwsAnswer
from cumulo.gateway.aws_xml import text_of as escape

__all__ = ["NAMESPACE", "document", "escape"]

NAMESPACE: Final = "http://s3.amazonaws.com/doc/2006-03-01/"


def document(
    root: str, inner: str, *, status: int = 200, headers: tuple[tuple[str, str], ...] = (), namespace: str = NAMESPACE
) -> AwsAnswer:
    """Return an answer with an XML document; `inner` is escaped already. An empty `namespace`: S3 has none there."""
    begin = f'{root} xmlns="{namespace}"' if namespace else root
    whole = f"<{begin}>{inner}</{root}>" if inner else f"<{begin}/>"
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n{whole}'
    return AwsAnswer(status=status, headers=headers, content=text.encode(), content_type="application/xml")

"""Choose a file's job by its content and run it: ``dispatch.py IN_FILE OUT_DIR``.

Owns: what a file's first bytes say of its kind, and which job takes which kind. The name decides nothing: a photograph
called ``notes.txt`` is a photograph, and the log says that its name says otherwise.

Promises: what the chosen job promises, exit codes included. An input of no kind known here ends with exit code 3 and
one line on standard error that says what was found. A kind without a job costs no import of a library.

Does not know: the contents beyond `HEAD_BYTES`; whether a file is whole is the job's affair.
"""

import re
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

EXIT_USAGE = 2
EXIT_UNKNOWN = 3

HEAD_BYTES = 4096

IMAGE_JOB, TEXT_JOB = "image_thumbnails", "text_statistics"


# What a file's first bytes match, the kind that this gives away, and the job that takes the kind. Patterns are longer
# than they need to be for real files of their kind, because a text may begin with `ID3` or `BM`.
KINDS: tuple[tuple[bytes, str, str | None], ...] = (
    (rb"\x89PNG\r\n\x1a\n", "a PNG image", IMAGE_JOB),
    (rb"\xff\xd8\xff", "a JPEG image", IMAGE_JOB),
    (rb"GIF8[79]a", "a GIF image", IMAGE_JOB),
    (rb"II\*\0|MM\0\*", "a TIFF image", IMAGE_JOB),
    (rb"RIFF....WEBP", "a WebP image", IMAGE_JOB),
    (rb"BM....\0{4}", "a BMP image", IMAGE_JOB),
    (rb"P[1-6]\s[#0-9]", "a portable anymap image", IMAGE_JOB),
    (rb"\0\0\x01\0", "a Windows icon", IMAGE_JOB),
    (rb"\s*(?:<\?xml.{0,1000}?)?<svg\b", "an SVG drawing", None),
    (rb"....ftyp(?:hei|hev|mif)", "an HEIC image", None),
    (rb"....ftypavi", "an AVIF image", None),
    (rb"....ftyp", "an MP4 or QuickTime film", None),
    (rb"\x1aE\xdf\xa3", "a Matroska or WebM film", None),
    (rb"RIFF....AVI ", "an AVI film", None),
    (rb"RIFF....WAVE", "a WAVE recording", None),
    (rb"OggS\0", "an Ogg recording", None),
    (rb"fLaC\0", "a FLAC recording", None),
    (rb"ID3[\x02-\x04]\0|\xff[\xf2\xf3\xfa\xfb]", "an MP3 recording", None),
    (rb"%PDF-\d", "a PDF document", None),
    (rb"PK(?:\x03\x04|\x05\x06)", "a ZIP archive (as office documents are)", None),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an office document of the old binary kind", None),
    (rb"\x1f\x8b", "gzip-compressed data", None),
    (rb"BZh[1-9]1AY&SY", "bzip2-compressed data", None),
    (rb"\xfd7zXZ\0", "xz-compressed data", None),
    (rb"\(\xb5/\xfd", "Zstandard-compressed data", None),
    (rb"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", None),
    (rb"Rar!\x1a\x07", "a RAR archive", None),
    (rb".{257}ustar[\0 ]", "a tar archive", None),
    (rb"!<arch>\n", "an ar archive (as Debian packages are)", None),
    (rb"SQLite format 3\0", "an SQLite database", None),
    (rb"\x7fELF", "a Linux program or library", None),
    (rb"MZ.{0,64}\0", "a Windows program", None),
    (rb"\xef\xbb\xbf|\xff\xfe|\xfe\xff|\0\0\xfe\xff", "a text with a byte order mark", TEXT_JOB),
)
PATTERNS = tuple((re.compile(pattern, re.DOTALL), kind, job) for pattern, kind, job in KINDS)
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".tif", ".tiff", ".webp", ".ico", ".bmp", ".ppm", ".heic", ".avif")


@dataclass(frozen=True)
class Choice:
    """What a file is, and the job that takes it (None: no job does)."""

    kind: str
    job: str | None


def choose(head: bytes) -> Choice:
    """Tell a file's kind by its first bytes."""
    if not head:
        return Choice("an empty file", None)
    for pattern, kind, job in PATTERNS:
        if pattern.match(head):
            return Choice(kind, job)
    if b"\0" in head:
        return Choice(f"binary data of no kind known here (it begins {head[:8].hex(' ')})", None)
    return Choice("a text, as far as its first bytes show", TEXT_JOB)


def main(arguments: list[str]) -> int:
    """Run the job that fits and return its exit code."""
    if len(arguments) != 2:
        print("usage: dispatch.py IN_FILE OUT_DIR", file=sys.stderr)
        return EXIT_USAGE
    path = Path(arguments[0])
    try:
        with path.open("rb") as file:
            choice = choose(file.read(HEAD_BYTES))
    except OSError as fault:
        print(f"dispatch: {fault}", file=sys.stderr)
        return EXIT_USAGE
    if choice.job is None:
        print(f"dispatch: {path.name}: is {choice.kind}; jobs exist for images and texts", file=sys.stderr)
        return EXIT_UNKNOWN
    print(f"dispatch: {path.name} is {choice.kind}: {choice.job}", flush=True)
    if (choice.job == IMAGE_JOB) != (path.suffix.lower() in IMAGE_SUFFIXES):
        print(f"dispatch: its name ({path.suffix or 'no ending'}) says otherwise; the content decides", flush=True)
    # Imported when chosen: Pillow and matplotlib take longer to import than a small file to process. The folder of the
    # jobs is not on the path when a sandbox starts Python isolated (`python -I`).
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    exit_code: int = import_module(choice.job).main(arguments)
    return exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Thumbnails and a contact sheet of one image: ``image_thumbnails.py IN_FILE OUT_DIR``.

Owns: how an image is opened safely, scaled, measured and shown. Writes ``thumbnail_320.png``, ``thumbnail_160.png``,
``thumbnail_80.png``, ``palette.png`` (its dominant colours), ``contact_sheet.png`` (all of it on one page, with a
histogram) and ``metadata.json`` into OUT_DIR, which is made when missing.

Promises: the same bytes under the same name give the same bytes, so a second run after a lost worker changes nothing;
an image larger than `PIXELS_MAX` is refused before its pixels are decoded; progress goes to standard output line by
line; a refusal is one line on standard error. Positions (GPS) that a camera wrote are not copied. Exit codes: 0 done,
2 wrong call, 3 not an image that this job reads, 4 an image that is damaged or too large.

Does not know: clocks, randomness, the network, or who runs it. Of an animation or a document of several pages it takes
the first; colours and histogram are measured on a copy of at most `WORKING_SIDE` pixels a side.
"""

import functools
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from PIL import ExifTags, Image, ImageDraw, ImageFont, ImageOps, UnidentifiedImageError

say = functools.partial(print, flush=True)  # a live log shows each line when it is written

EXIT_USAGE = 2
EXIT_NOT_IMAGE = 3
EXIT_DAMAGED = 4

PIXELS_MAX = 64_000_000  # decoded at once, 192 MB; a JPEG can be far larger, as it decodes to an eighth of its side
WORKING_SIDE = 1024
THUMBNAIL_SIDES = (320, 160, 80)
PALETTE_COLOURS = 8
COLOUR_DISTANCE_MIN = 48.0  # nearer colours look like one on a strip
TEXT_CHARS_MAX = 120  # of a value that a camera wrote

# Raster formats that Pillow decodes by itself. Others are left out on purpose: EPS, for one, starts a foreign program.
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "ICO")
EXIF_TAGS = ("Make", "Model", "DateTime", "Software", "Artist", "Copyright", "ImageDescription")
WHAT_BROKEN_FILES_RAISE = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, MemoryError)

Colour = tuple[int, int, int]


class InputRefused(Exception):
    """The input cannot be worked on; says why, and with which exit code the job ends."""

    def __init__(self, exit_code: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass(frozen=True)
class Picture:
    """An opened image: what its header says, and its pixels as RGB, upright, at most `WORKING_SIDE` a side."""

    name: str
    size_bytes: int
    format: str
    mode: str
    width: int
    height: int
    frames: int
    exif: dict[str, str]
    pixels: Image.Image


@dataclass(frozen=True)
class Swatch:
    """A dominant colour and the share of the image that it stands for (0 to 1)."""

    colour: Colour
    share: float

    @property
    def code(self) -> str:
        """The colour as a web page writes it."""
        return "#{:02x}{:02x}{:02x}".format(*self.colour)


def open_picture(path: Path) -> Picture:
    """Open, check and decode `path`; raise `InputRefused` where it is no image, broken or too large."""
    size_bytes = path.stat().st_size
    if not size_bytes:
        raise InputRefused(EXIT_NOT_IMAGE, "the file is empty")
    Image.MAX_IMAGE_PIXELS = None  # our own limit is checked below, with a better message
    with path.open("rb") as file:
        try:
            image = Image.open(file, formats=FORMATS)
        except UnidentifiedImageError:
            raise InputRefused(EXIT_NOT_IMAGE, f"is not one of {', '.join(FORMATS)}") from None
        except WHAT_BROKEN_FILES_RAISE as fault:
            raise InputRefused(EXIT_DAMAGED, f"its header is damaged: {fault}") from fault
        width, height = image.size
        format_, mode = str(image.format), image.mode
        say(f"decoding: {format_}, {width:,} x {height:,}, mode {mode}")
        image.draft("RGB", (WORKING_SIDE, WORKING_SIDE))  # JPEG alone: decodes 1/2, 1/4 or 1/8 of the side
        if image.width * image.height > PIXELS_MAX:
            raise InputRefused(
                EXIT_DAMAGED,
                f"{width:,} x {height:,} pixels are more than the {PIXELS_MAX:,} that this job decodes",
            )
        try:
            frames = int(getattr(image, "n_frames", 1))
            exif = read_exif(image)
            pixels = flatten(image)
        except WHAT_BROKEN_FILES_RAISE as fault:
            raise InputRefused(EXIT_DAMAGED, f"its {format_} data is damaged: {fault}") from fault
    return Picture(path.name, size_bytes, format_, mode, width, height, frames, exif, pixels)


def read_exif(image: Image.Image) -> dict[str, str]:
    """Return what a camera or program wrote of itself; only short printable text, and no position."""
    found = {ExifTags.TAGS.get(tag, ""): value for tag, value in image.getexif().items()}
    texts = {name: str(found[name]).strip("\0 ") for name in EXIF_TAGS if isinstance(found.get(name), str)}
    return {name: text[:TEXT_CHARS_MAX] for name, text in texts.items() if text.isprintable() and text}


def flatten(image: Image.Image) -> Image.Image:
    """Return the pixels as RGB, upright, on white where transparent, no larger than the working size."""
    image.load()
    if image.mode.startswith(("I", "F")):  # 16 bit and more: stretch to what is there, as no range is declared
        image = stretch(image.convert("I").convert("F") if image.mode.startswith("I") else image)
    image = ImageOps.exif_transpose(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("RGB")
    image.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return image


def stretch(image: Image.Image) -> Image.Image:
    """Return a floating-point image as 8-bit grey, its darkest value black and its brightest white."""
    low, high = (float(cast("float", value)) for value in image.getextrema())  # one band: two numbers
    scale = 255.0 / (high - low) if high > low else 0.0
    return image.point(lambda value: value * scale + -low * scale).convert("L")


def find_swatches(pixels: Image.Image) -> tuple[Swatch, ...]:
    """Return at most `PALETTE_COLOURS` dominant colours, the most common first.

    Median cut alone spends most of its boxes on the largest area (a night sky gives eight blacks). So it cuts 48 boxes,
    and colours that look alike are then counted as one.
    """
    small = pixels.copy()
    small.thumbnail((160, 160), Image.Resampling.BOX)
    cut = small.quantize(48, Image.Quantize.MEDIANCUT, kmeans=1, dither=Image.Dither.NONE)
    table = cut.getpalette() or []
    boxes: list[tuple[int, Colour]] = sorted(
        (
            (int(count), (table[3 * index], table[3 * index + 1], table[3 * index + 2]))
            for index, count in enumerate(cut.histogram())
            if count
        ),
        key=lambda box: (-box[0], box[1]),
    )
    merged: list[tuple[int, Colour]] = []
    for count, colour in boxes:
        nearest = min(range(len(merged)), key=lambda index: distance(merged[index][1], colour), default=None)
        is_new = nearest is None or distance(merged[nearest][1], colour) >= COLOUR_DISTANCE_MIN
        if nearest is None or (is_new and len(merged) < PALETTE_COLOURS):
            merged.append((count, colour))
        else:
            merged[nearest] = (merged[nearest][0] + count, merged[nearest][1])
    total = sum(count for count, _ in merged)
    merged.sort(key=lambda box: (-box[0], box[1]))
    return tuple(Swatch(colour, count / total) for count, colour in merged)


def distance(one: Colour, other: Colour) -> float:
    """Return how different two colours look: weighted RGB ("redmean"), 0 to about 765."""
    red_mean = (one[0] + other[0]) / 2
    red, green, blue = ((a - b) ** 2 for a, b in zip(one, other, strict=True))
    return float(((2 + red_mean / 256) * red + 4 * green + (2 + (255 - red_mean) / 256) * blue) ** 0.5)


def scale_down(pixels: Image.Image, side: int) -> Image.Image:
    """Return a copy that fits into a square of `side` pixels; a smaller image stays as it is."""
    copy = pixels.copy()
    copy.thumbnail((side, side), Image.Resampling.LANCZOS)
    return copy


# The contact sheet is drawn at twice its size and then halved, which smooths its lines and corners.
SHEET_WIDTH, MARGIN, OVERSAMPLING = 1120, 32, 2
PAPER, INK, FAINT, RULE = (255, 255, 255), (28, 36, 48), (138, 148, 163), (226, 230, 236)
CHANNELS = (("red", (224, 49, 49)), ("green", (47, 158, 68)), ("blue", (59, 91, 219)))


def draw_palette(swatches: Sequence[Swatch], width: int, height: int) -> Image.Image:
    """Return a strip whose stretches are as wide as their colours are common, none narrower than a finger."""
    widths = [max(0.04, swatch.share) for swatch in swatches]
    edges = [0.0]
    for share in widths:
        edges.append(edges[-1] + share)
    strip = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(strip)
    for swatch, left, right in zip(swatches, edges, edges[1:], strict=False):
        box = (round(left / edges[-1] * width), 0, round(right / edges[-1] * width) - 1, height - 1)
        draw.rectangle(box, fill=swatch.colour)
    return strip


def draw_histogram(pixels: Image.Image, width: int, height: int) -> Image.Image:
    """Return the three channels' histograms over one another; the highest 1 % of bins may be cut off."""
    histogram = pixels.histogram()
    bands = [histogram[start : start + 256] for start in (0, 256, 512)]
    ceiling = max(sorted(count for band in bands for count in band)[int(768 * 0.99)], 1)
    chart = Image.new("RGB", (width, height), PAPER)
    for (_, colour), band in zip(CHANNELS, bands, strict=True):
        heights = [min(count / ceiling, 1.0) * (height - 6) for count in band]
        line = [(index * (width - 1) / 255, height - 3 - value) for index, value in enumerate(heights)]
        veil = Image.new("L", (width, height), 0)
        ImageDraw.Draw(veil).polygon([(0, height), *line, (width, height)], fill=56)
        chart.paste(Image.new("RGB", chart.size, colour), mask=veil)
        ImageDraw.Draw(chart).line(line, fill=colour, width=3, joint="curve")
    ImageDraw.Draw(chart).line([(0, height - 1), (width, height - 1)], fill=RULE, width=2)
    return chart


def draw_contact_sheet(picture: Picture, thumbnails: Sequence[Image.Image], swatches: Sequence[Swatch]) -> Image.Image:
    """Return one page with the picture, its thumbnails, its colours, its histogram and what is known of it."""
    scale = OVERSAMPLING
    large = scale_down(picture.pixels, 500)
    column, top = 564, 100
    histogram_top = top + max(thumbnails[0].height, thumbnails[1].height + 34 + thumbnails[2].height) + 44
    palette_top = max(top + large.height, histogram_top + 142) + 28
    sheet = Image.new("RGB", (SHEET_WIDTH * scale, (palette_top + 88) * scale), PAPER)
    draw = ImageDraw.Draw(sheet)

    def write(x: int, y: int, text: str, size: int, colour: Colour, width: int = SHEET_WIDTH - 2 * MARGIN) -> None:
        font = ImageFont.load_default(size * scale)
        # Pillow's own font knows Latin letters only; others show as a question mark rather than as empty boxes.
        text = "".join(letter if ord(letter) < 0x250 or letter == "…" else "?" for letter in text)
        while len(text) > 2 and draw.textlength(text, font) > width * scale:
            text = text[:-2] + "…"
        draw.text((x * scale, y * scale), text, colour, font)

    def place(image: Image.Image, x: int, y: int) -> None:
        enlarged = image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
        sheet.paste(enlarged, (x * scale, y * scale))

    write(MARGIN, 24, picture.name, 26, INK)
    pages = f" · first of {picture.frames}" if picture.frames > 1 else ""
    size = f"{picture.width:,} x {picture.height:,}"
    write(MARGIN, 60, f"{picture.format} · {size} · {picture.size_bytes:,} bytes · {picture.mode}{pages}", 15, FAINT)

    place(large, MARGIN, top)
    corners = ((column, top), (column + 336, top), (column + 336, top + thumbnails[1].height + 34))
    for thumbnail, (x, y) in zip(thumbnails, corners, strict=True):
        place(thumbnail, x, y)
        write(x, y + thumbnail.height + 6, f"{thumbnail.width} x {thumbnail.height}", 13, FAINT)

    write(column, histogram_top, "Histogram", 15, INK)
    chart = draw_histogram(picture.pixels, (SHEET_WIDTH - MARGIN - column) * scale, 116 * scale)
    sheet.paste(chart, (column * scale, (histogram_top + 26) * scale))

    sheet.paste(
        draw_palette(swatches, (SHEET_WIDTH - 2 * MARGIN) * scale, 36 * scale), (MARGIN * scale, palette_top * scale)
    )
    step = (SHEET_WIDTH - 2 * MARGIN) // PALETTE_COLOURS
    for index, swatch in enumerate(swatches):
        x, y = MARGIN + index * step, palette_top + 49
        draw.ellipse([x * scale, y * scale, (x + 10) * scale, (y + 10) * scale], swatch.colour, RULE, scale)
        share = f"{swatch.share:.0%}" if swatch.share >= 0.005 else "<1%"
        write(x + 16, y - 4, f"{swatch.code}  {share}", 13, INK)
    return sheet.reduce(scale)


def describe(picture: Picture, thumbnails: Sequence[Image.Image], swatches: Sequence[Swatch]) -> dict[str, Any]:
    """Return the document that is written as ``metadata.json``."""
    histogram = picture.pixels.histogram()
    count = picture.pixels.width * picture.pixels.height
    means = {
        name: round(sum(value * times for value, times in enumerate(histogram[start : start + 256])) / count, 2)
        for (name, _), start in zip(CHANNELS, (0, 256, 512), strict=True)
    }
    return {
        "source": {"name": picture.name, "size_bytes": picture.size_bytes},
        "format": picture.format,
        "mode": picture.mode,
        "width": picture.width,
        "height": picture.height,
        "frames": picture.frames,
        "exif": picture.exif,
        "measured_on": {"width": picture.pixels.width, "height": picture.pixels.height},
        "channel_means": means,
        "dominant_colours": [{"colour": swatch.code, "share": round(swatch.share, 4)} for swatch in swatches],
        "thumbnails": [
            {"file": name_thumbnail(side), "width": thumbnail.width, "height": thumbnail.height}
            for side, thumbnail in zip(THUMBNAIL_SIDES, thumbnails, strict=True)
        ],
    }


def name_thumbnail(side: int) -> str:
    """Return the file name of the thumbnail that fits into a square of `side`."""
    return f"thumbnail_{side}.png"


def run(path: Path, out_dir: Path) -> None:
    """Write all results of `path` into `out_dir`; raise `InputRefused` where it is no image."""
    say(f"{path.name}: {path.stat().st_size:,} bytes")
    picture = open_picture(path)
    out_dir.mkdir(parents=True, exist_ok=True)
    thumbnails = [scale_down(picture.pixels, side) for side in THUMBNAIL_SIDES]
    for side, thumbnail in zip(THUMBNAIL_SIDES, thumbnails, strict=True):
        thumbnail.save(out_dir / name_thumbnail(side), optimize=True)
        say(f"thumbnail: {thumbnail.width} x {thumbnail.height}")
    swatches = find_swatches(picture.pixels)
    say("colours: " + ", ".join(f"{swatch.code} {swatch.share:.0%}" for swatch in swatches))
    draw_palette(swatches, 640, 64).save(out_dir / "palette.png")
    say("drawing: contact_sheet.png")
    draw_contact_sheet(picture, thumbnails, swatches).save(out_dir / "contact_sheet.png")
    document = json.dumps(describe(picture, thumbnails, swatches), ensure_ascii=False, indent=2) + "\n"
    (out_dir / "metadata.json").write_text(document, encoding="utf-8")
    say("done: 3 thumbnails, palette.png, contact_sheet.png, metadata.json")


def main(arguments: list[str]) -> int:
    """Run the job and return its exit code."""
    if len(arguments) != 2:
        print("usage: image_thumbnails.py IN_FILE OUT_DIR", file=sys.stderr)
        return EXIT_USAGE
    path, out_dir = map(Path, arguments)
    try:
        run(path, out_dir)
    except InputRefused as refusal:
        print(f"image_thumbnails: {path.name}: {refusal}", file=sys.stderr)
        return refusal.exit_code
    except OSError as fault:
        print(f"image_thumbnails: {fault}", file=sys.stderr)
        return EXIT_USAGE
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

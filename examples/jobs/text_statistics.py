"""Word statistics of one text: ``text_statistics.py IN_FILE OUT_DIR``.

Owns: how a text is read, cut into sentences and words, counted, and shown. Writes ``statistics.json`` (for programs),
``summary.txt`` (for people) and ``plot.png`` into OUT_DIR, which is made when missing.

Promises: the same bytes under the same name give the same bytes, so a second run after a lost worker changes nothing;
memory is bounded whatever the file's size; progress goes to standard output line by line; a refusal is one line on
standard error. Exit codes: 0 done, 2 wrong call, 3 not a text, 4 a text that is damaged.

Does not know: clocks, randomness, the network, or who runs it. Words are runs of letters, so scripts that put no spaces
between words count whole runs; the list of stop words is English, and is left unused on a text that is not.
"""

import codecs
import functools
import heapq
import io
import itertools
import json
import os
import re
import sys
import tempfile
import unicodedata
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

say = functools.partial(print, flush=True)  # a live log shows each line when it is written

EXIT_USAGE = 2
EXIT_NOT_TEXT = 3
EXIT_DAMAGED = 4

PIECE_CHARS = 1 << 20  # read at a time: 4 MiB of memory at most
SENTENCE_CHARS_MAX = 64 * 1024  # a longer stretch without an end is cut: tables and minified files have no sentences
VOCABULARY_MAX = 1_000_000  # distinct words kept, about 150 MB; whatever is new after that is counted in one number
SEGMENT_WORDS = 1_000  # type-token ratios of texts of different length compare only over pieces of the same length
GROWTH_POINTS_MAX = 400  # of the vocabulary curve; above that every second one goes
SNIFF_BYTES = 64 * 1024
CONTROL_SHARE_MAX = 0.01  # of a text's first bytes; a binary file has far more
ENGLISH_SHARE_MIN = 0.25  # of words that are stop words: English prose has 0.4 to 0.6, other languages below 0.15
TOP_WORDS = 25

BYTE_ORDER_MARKS = (  # UTF-32's little-endian mark begins with UTF-16's, so it comes first
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
CONTROL_BYTES = bytes(set(range(0x20)) - set(b"\t\n\r\f\x1b"))

WORD = re.compile(r"[^\W\d_]{1,64}(?:'[^\W\d_]{1,64})*")
ABBREVIATIONS = ("Mr", "Mrs", "Ms", "Dr", "St", "Jr", "Sr", "Esq", "Rev", "Capt", "Col", "Gen", "Hon", "No", "vs", "cf")
SENTENCE_END = re.compile(
    r"[.!?…]"
    # Looked back at from behind the stop: sixteen looks at each letter would cost six times as much.
    + "".join(rf"(?<!\b{word}.)" for word in ABBREVIATIONS)
    + r"(?<!\b[A-HJ-Z].)"  # an initial; `I` ends sentences
    + r"""[.!?…]*["'\u201d\u2019)\]]*\s+(?=[^\sa-z])"""  # «"What!" said he» goes on
    + r"|[\u3002\uff01\uff1f]+\s*"  # the full stops of Chinese and Japanese
    + r"|\n[ \t]*\n\s*",  # headings and paragraphs end without a stop
)

STOP_WORDS = frozenset(  # of today and of 1611; a list literal would take a word a line
    """
    a about above after again against all also am an and any are art as at away be because been before being below
    between both but by can cannot could did do does doing done doth down during each even ever every few for forth
    from further had has hast hath have having he her here hers herself him himself his how i if in into is it its
    itself let may me might mine more most much must my myself neither no nor not now o of off on once one only or
    other ought our ours ourselves out over own same shall shalt she should so some such than that the thee their
    theirs them themselves then there therefore these they thine thing this those thou though through thus thy till
    to too under until unto up upon us very was we well were what when where wherefore which while who whom whose
    why will wilt with within without would ye yea yet you your yours yourself can't didn't doesn't don't i'm isn't
    it's that's wasn't won't
    """.split(),  # noqa: SIM905
)


class InputRefused(Exception):
    """The input cannot be worked on; says why, and with which exit code the job ends."""

    def __init__(self, exit_code: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass(frozen=True)
class Encoding:
    """How a file's bytes become characters."""

    codec: str
    errors: str
    note: str  # for the summary


def detect_encoding(path: Path) -> Encoding:
    """Decide how to read `path` by its bytes alone; raise `InputRefused` where they are no text.

    A byte order mark decides; then UTF-8, checked over the whole file; then Windows-1252, in which every file that is
    no UTF-8 but is text can at least be counted.
    """
    with path.open("rb") as file:
        head = file.read(SNIFF_BYTES)
    if not head:
        raise InputRefused(EXIT_NOT_TEXT, "the file is empty")
    for mark, codec in BYTE_ORDER_MARKS:
        if head.startswith(mark):
            if (fault := find_decoding_fault(path, codec)) is not None:
                raise InputRefused(EXIT_DAMAGED, f"begins with the mark of {codec.upper()}, but breaks off: {fault}")
            return Encoding(codec, "strict", f"{codec.upper().removesuffix('-SIG')}, by its byte order mark")
    if b"\0" in head:
        raise InputRefused(EXIT_NOT_TEXT, f"holds a NUL byte at offset {head.index(0):,}, so it is not a text")
    if (controls := len(head) - len(head.translate(None, CONTROL_BYTES))) > CONTROL_SHARE_MAX * len(head):
        raise InputRefused(
            EXIT_NOT_TEXT,
            f"{controls:,} of its first {len(head):,} bytes are control characters, so it is not a text",
        )
    if (fault := find_decoding_fault(path, "utf-8")) is None:
        return Encoding("utf-8", "strict", "UTF-8")
    return Encoding("cp1252", "replace", f"Windows-1252, guessed: no UTF-8 ({fault})")


def find_decoding_fault(path: Path, codec: str) -> str | None:
    """Return where and why the bytes of `path` are not `codec`, or None where they are."""
    decoder = codecs.getincrementaldecoder(codec)()
    offset = 0
    with path.open("rb") as file:
        while True:
            piece = file.read(PIECE_CHARS)
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as fault:
                return f"{fault.reason} at offset {offset - pending + fault.start:,}"
            if not piece:
                return None
            offset += len(piece)


def read_pieces(path: Path, encoding: Encoding) -> Iterator[str]:
    """Yield the text in pieces of at most `PIECE_CHARS` characters, telling of the progress."""
    size_bytes = path.stat().st_size
    with path.open("rb") as binary, io.TextIOWrapper(binary, encoding.codec, encoding.errors) as file:
        while piece := file.read(PIECE_CHARS):
            yield piece
            done = binary.tell()
            say(f"reading: {done:,} of {size_bytes:,} bytes ({done / size_bytes:.0%})")


def split_sentences(pieces: Iterator[str]) -> Iterator[str]:
    """Yield sentences; a boundary that falls between two pieces is found all the same."""
    rest = ""
    for piece in pieces:
        *sentences, rest = SENTENCE_END.split(rest + piece)
        yield from sentences
        if len(rest) > SENTENCE_CHARS_MAX:
            head, _, tail = rest.rpartition(" ")
            head, rest = (head, tail) if 0 < len(tail) <= SENTENCE_CHARS_MAX else (rest, "")
            yield head
    yield rest


def split_words(sentence: str) -> list[str]:
    """Return the words of a sentence in lower case; a typographic apostrophe is an apostrophe."""
    if not sentence.isascii():
        sentence = unicodedata.normalize("NFC", sentence).replace("\u2019", "'")
    return WORD.findall(sentence.lower())


@dataclass
class Tally:
    """What is known of the text so far; `add` takes the next sentence."""

    words: int = 0
    letters: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    sentence_lengths: Counter[int] = field(default_factory=Counter)
    beyond_vocabulary: int = 0
    segment: list[str] = field(default_factory=list)
    segments: int = 0
    segment_types: int = 0
    growth: list[tuple[int, int]] = field(default_factory=lambda: [(0, 0)])
    growth_step: int = 50

    def add(self, words: list[str]) -> None:
        """Count one sentence."""
        if not words:
            return
        self.words += len(words)
        self.letters += sum(map(len, words))
        self.sentence_lengths[len(words)] += 1
        if len(self.counts) < VOCABULARY_MAX:
            self.counts.update(words)
        else:
            known = [word for word in words if word in self.counts]
            self.counts.update(known)
            self.beyond_vocabulary += len(words) - len(known)
        self._add_to_segments(words)
        if self.words - self.growth[-1][0] >= self.growth_step:
            self.growth.append((self.words, len(self.counts)))
            if len(self.growth) > GROWTH_POINTS_MAX:
                del self.growth[1::2]
                self.growth_step *= 2

    def _add_to_segments(self, words: list[str]) -> None:
        self.segment += words
        while len(self.segment) >= SEGMENT_WORDS:
            self.segment_types += len(set(self.segment[:SEGMENT_WORDS]))
            self.segments += 1
            del self.segment[:SEGMENT_WORDS]


def find_quantile(lengths: Counter[int], share: float) -> int:
    """Return the smallest length that at least `share` of all sentences do not exceed."""
    wanted = share * lengths.total()
    ordered = sorted(lengths)
    reached = itertools.accumulate(lengths[length] for length in ordered)
    return next(length for length, count in zip(ordered, reached, strict=True) if count >= wanted)


def rank_words(counts: Counter[str], without: frozenset[str]) -> list[tuple[str, int]]:
    """Return the most frequent words, the alphabet deciding between equals."""
    candidates = (item for item in counts.items() if item[0] not in without and len(item[0]) > 1)
    return heapq.nsmallest(TOP_WORDS, candidates, key=lambda item: (-item[1], item[0]))


def compute_statistics(path: Path, encoding: Encoding, tally: Tally) -> dict[str, Any]:
    """Turn the tally into the document that is written as ``statistics.json``."""
    counts, lengths = tally.counts, tally.sentence_lengths
    types = len(counts)
    counted = tally.words - tally.beyond_vocabulary
    spectrum = Counter(counts.values())
    stop_share = sum(counts[word] for word in STOP_WORDS) / tally.words
    is_english = stop_share >= ENGLISH_SHARE_MIN
    repeats = sum(times * times * words for times, words in spectrum.items())
    return {
        "source": {"name": path.name, "size_bytes": path.stat().st_size, "encoding": encoding.note},
        "words": tally.words,
        "distinct_words": types,
        "words_beyond_vocabulary_limit": tally.beyond_vocabulary,
        "mean_word_length": round(tally.letters / tally.words, 3),
        "richness": {
            "type_token_ratio": round(types / counted, 4),
            f"mean_type_token_ratio_per_{SEGMENT_WORDS}_words": (
                round(tally.segment_types / (tally.segments * SEGMENT_WORDS), 4) if tally.segments else None
            ),
            "yules_k": round(10_000 * (repeats - counted) / counted**2, 2),
            "words_used_once": spectrum[1],
            "share_of_words_used_once": round(spectrum[1] / types, 4),
        },
        "stop_words": {"share": round(stop_share, 4), "left_out": is_english},
        "most_frequent_words": rank_words(counts, STOP_WORDS if is_english else frozenset()),
        "sentences": {
            "count": lengths.total(),
            "mean_length": round(tally.words / lengths.total(), 2),
            "median_length": find_quantile(lengths, 0.5),
            "ninetieth_percentile_length": find_quantile(lengths, 0.9),
            "longest": max(lengths),
        },
    }


def render_summary(statistics: dict[str, Any]) -> str:
    """Return the statistics as a page of plain text."""
    source, richness, sentences = statistics["source"], statistics["richness"], statistics["sentences"]
    per_segment = richness[f"mean_type_token_ratio_per_{SEGMENT_WORDS}_words"]
    rows = [
        ("bytes", f"{source['size_bytes']:,}"),
        ("read as", source["encoding"]),
        ("", ""),
        ("words", f"{statistics['words']:,}"),
        ("distinct words", f"{statistics['distinct_words']:,}"),
        ("letters in a word, mean", f"{statistics['mean_word_length']:.2f}"),
        ("", ""),
        ("type-token ratio", f"{richness['type_token_ratio']:.3f}"),
        (f"  per {SEGMENT_WORDS:,} words", "the text is shorter" if per_segment is None else f"{per_segment:.3f}"),
        ("Yule's K (low = rich)", f"{richness['yules_k']:.1f}"),
        ("words used once", f"{richness['words_used_once']:,} ({richness['share_of_words_used_once']:.0%})"),
        ("", ""),
        ("sentences", f"{sentences['count']:,}"),
        ("  words in one, mean", f"{sentences['mean_length']:.1f}"),
        ("  median", f"{sentences['median_length']:,}"),
        ("  nine of ten at most", f"{sentences['ninetieth_percentile_length']:,}"),
        ("  longest", f"{sentences['longest']:,}"),
    ]
    if statistics["words_beyond_vocabulary_limit"]:
        rows.append((f"new words after {VOCABULARY_MAX:,}", f"{statistics['words_beyond_vocabulary_limit']:,}"))
    name = source["name"]
    lines = [name, "=" * len(name), "", *(f"{label:<26}{value}".rstrip() for label, value in rows), ""]
    lines.append(f"Most frequent words ({describe_stop_words(statistics)})")
    top = statistics["most_frequent_words"]
    lines += [
        f"{rank:>4}  {word:<20}{count:>8,}  {'█' * max(1, round(28 * count / top[0][1]))}"
        for rank, (word, count) in enumerate(top, start=1)
    ]
    return "\n".join(lines) + "\n"


def describe_stop_words(statistics: dict[str, Any]) -> str:
    """Say whether the English stop words were left out, and why not."""
    stop_words = statistics["stop_words"]
    if stop_words["left_out"]:
        return "English stop words left out"
    return f"all words: only {stop_words['share']:.0%} are English stop words"


INK, FAINT, ACCENT, SECOND, PAPER = "#1c2430", "#8a94a3", "#3b5bdb", "#e8590c", "#ffffff"


def draw_plot(statistics: dict[str, Any], tally: Tally, target: Path) -> None:
    """Draw four views of the text into one PNG.

    matplotlib is imported here, half a second that a refused input does not pay. Its configuration folder is a
    temporary one beside the output, because in a sandbox nothing else may be writable; the system's fonts are not asked
    for, as only matplotlib's own is used, and fontconfig complains into the job's log where it has no configuration.
    """
    with tempfile.TemporaryDirectory(prefix=".matplotlib-", dir=target.parent) as scratch:
        os.environ.setdefault("MPLCONFIGDIR", scratch)
        no_fonts = Path(scratch, "fonts.conf").resolve()  # fontconfig looks for a relative path elsewhere
        no_fonts.write_text("<fontconfig/>", encoding="utf-8")
        os.environ["FONTCONFIG_FILE"] = str(no_fonts)
        from matplotlib import rc_context  # noqa: PLC0415
        from matplotlib.figure import Figure  # noqa: PLC0415

        style: dict[Any, Any] = {
            "font.family": "DejaVu Sans",  # comes with matplotlib, so it is the same everywhere
            "font.size": 10,
            "axes.edgecolor": FAINT,
            "axes.labelcolor": INK,
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlelocation": "left",
            "axes.titlesize": 11,
            "axes.titlepad": 10,
            "axes.titleweight": "bold",
            "text.color": INK,
            "text.parse_math": False,  # a file may be called `$x$.txt`
            "xtick.color": INK,
            "ytick.color": INK,
        }
        with rc_context(style), warnings.catch_warnings():
            # The font lacks some scripts; their words stand as boxes here and in full in the other two files.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
            figure = Figure(figsize=(12, 8.4), facecolor=PAPER)
            words, lengths, ranks, growth = figure.subplots(2, 2).flat
            figure.subplots_adjust(left=0.1, right=0.97, top=0.86, bottom=0.08, hspace=0.36, wspace=0.2)
            figure.text(0.03, 0.945, shorten(statistics["source"]["name"], 60), fontsize=19, fontweight="bold")
            figure.text(
                0.03,
                0.912,
                f"{statistics['words']:,} words · {statistics['distinct_words']:,} distinct · "
                f"{statistics['sentences']['count']:,} sentences",
                color=FAINT,
                fontsize=11,
            )
            draw_top_words(words, statistics)
            draw_sentence_lengths(lengths, statistics, tally)
            draw_ranks(ranks, tally)
            draw_growth(growth, tally)
            figure.savefig(target, format="png", metadata={"Software": None})


def draw_top_words(axes: "Axes", statistics: dict[str, Any]) -> None:
    """Bars of the most frequent words."""
    top = statistics["most_frequent_words"][:15]
    axes.set_title("Most frequent words")
    axes.set_title(describe_stop_words(statistics), loc="right", fontsize=8.5, fontweight="normal", color=FAINT)
    axes.barh(range(len(top)), [count for _, count in top], color=ACCENT, height=0.72)
    axes.set_yticks(range(len(top)), [shorten(word, 16) for word, _ in top])
    axes.set_ylim(max(len(top), 8) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    mark_counts(axes, "x")


def draw_sentence_lengths(axes: "Axes", statistics: dict[str, Any], tally: Tally) -> None:
    """Histogram of sentence lengths up to the length that 98 of 100 do not exceed."""
    lengths = tally.sentence_lengths
    longest = max(find_quantile(lengths, 0.98), 4)
    width = max(1, longest // 40)
    bins = Counter[int]()
    for length, count in lengths.items():
        if length <= longest:
            bins[length // width] += count
    starts = sorted(bins)
    median = statistics["sentences"]["median_length"]
    axes.set_title("Sentence lengths")
    axes.bar(
        [start * width for start in starts], [bins[start] for start in starts], width * 0.9, color=ACCENT, align="edge"
    )
    axes.set_xlim(0, longest + width)
    axes.axvline(median, color=SECOND, linewidth=1.6)
    axes.annotate(f" median {median}", (median, 0.94), xycoords=("data", "axes fraction"), color=SECOND)
    axes.set_xlabel("words in a sentence")
    mark_counts(axes, "x")
    mark_counts(axes, "y")


def draw_ranks(axes: "Axes", tally: Tally) -> None:
    """Frequency against rank, both logarithmic: natural language falls along a straight line (Zipf)."""
    frequencies = sorted(tally.counts.values(), reverse=True)
    ranks = sorted({round(1.06**step) for step in range(240)} - {0})  # evenly spread on a logarithmic axis
    points = [(rank, frequencies[rank - 1]) for rank in ranks if rank <= len(frequencies)]
    axes.set_title("Frequency by rank, beside Zipf's law")
    axes.plot(
        [1, len(frequencies)], [frequencies[0], frequencies[0] / len(frequencies)], color=FAINT, linewidth=1, ls="--"
    )
    axes.plot(*zip(*points, strict=True), color=ACCENT, linewidth=2)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(0.8, max(len(frequencies) * 1.3, 10))
    axes.set_ylim(0.7, frequencies[0] * 1.6)
    axes.set_xlabel("rank of the word")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:,.0f}")
    axes.minorticks_off()


def draw_growth(axes: "Axes", tally: Tally) -> None:
    """Distinct words met while reading on."""
    points = [*tally.growth, (tally.words, len(tally.counts))]
    read, met = zip(*points, strict=True)
    axes.set_title("Vocabulary met while reading")
    axes.plot(read, met, color=ACCENT, linewidth=2)
    axes.fill_between(read, met, color=ACCENT, alpha=0.1, linewidth=0)
    axes.set_xlim(0, tally.words)
    axes.set_ylim(0)
    axes.set_xlabel("words read")
    mark_counts(axes, "x")
    mark_counts(axes, "y")


def mark_counts(axes: "Axes", which: Literal["x", "y"]) -> None:
    """Put few, whole numbers beside an axis."""
    axes.locator_params(axis=which, nbins=6, integer=True)
    (axes.xaxis if which == "x" else axes.yaxis).set_major_formatter("{x:,.0f}")


def shorten(text: str, width: int) -> str:
    """Cut `text` to `width` characters."""
    return text if len(text) <= width else text[: width - 1] + "…"


def run(path: Path, out_dir: Path) -> None:
    """Write the three results of `path` into `out_dir`; raise `InputRefused` where it is no text."""
    encoding = detect_encoding(path)
    say(f"{path.name}: {path.stat().st_size:,} bytes, {encoding.note}")
    tally = Tally()
    for sentence in split_sentences(read_pieces(path, encoding)):
        tally.add(split_words(sentence))
    if not tally.words:
        raise InputRefused(EXIT_NOT_TEXT, "holds no words")
    statistics = compute_statistics(path, encoding, tally)
    say(f"counted: {tally.words:,} words, {len(tally.counts):,} distinct, {tally.sentence_lengths.total():,} sentences")
    out_dir.mkdir(parents=True, exist_ok=True)
    document = json.dumps(statistics, ensure_ascii=False, indent=2) + "\n"
    (out_dir / "statistics.json").write_text(document, encoding="utf-8")
    (out_dir / "summary.txt").write_text(render_summary(statistics), encoding="utf-8")
    say("drawing: plot.png")
    draw_plot(statistics, tally, out_dir / "plot.png")
    say("done: statistics.json, summary.txt, plot.png")


def main(arguments: list[str]) -> int:
    """Run the job and return its exit code."""
    if len(arguments) != 2:
        print("usage: text_statistics.py IN_FILE OUT_DIR", file=sys.stderr)
        return EXIT_USAGE
    path, out_dir = map(Path, arguments)
    try:
        run(path, out_dir)
    except InputRefused as refusal:
        print(f"text_statistics: {path.name}: {refusal}", file=sys.stderr)
        return refusal.exit_code
    except OSError as fault:
        print(f"text_statistics: {fault}", file=sys.stderr)
        return EXIT_USAGE
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

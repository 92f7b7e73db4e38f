"""Fuzz every parser, or some, for some time: `python fuzz/run.py [--seconds 60] [name ...]` (see `make fuzz`).

Each target runs in a process of its own under atheris, guided by the branches of our code that it takes. What it finds
is printed with its bytes and kept in `.fuzz/`, beside the inputs that it has learnt; then the end is 1.
"""

import argparse
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent.parent / ".fuzz"
INPUT_BYTES_MAX = 4_096
OUTPUT_SHOWN_MAX = 8_000


def _fuzz(name: str, seconds: int) -> None:
    """Fuzz one target in this process, which ends with it."""
    import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore]

    with atheris.instrument_imports(include=["cumulo"]):
        from targets import SEEDS, run  # what is imported here is instrumented

    corpus = FOLDER / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[name]):
        (corpus / f"seed-{number}").write_bytes(seed)
    limits = [f"-max_total_time={seconds}", f"-max_len={INPUT_BYTES_MAX}", "-rss_limit_mb=1024", "-timeout=10"]
    kept = f"-artifact_prefix={FOLDER / name}-"
    atheris.Setup([sys.argv[0], str(corpus), *limits, kept, "-verbosity=0"], lambda data: run(name, data))
    atheris.Fuzz()


def main() -> int:
    """Fuzz the targets one after the other."""
    from targets import TARGETS

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for all targets together")
    parser.add_argument("names", nargs="*", help=f"some of {', '.join(TARGETS)}")
    asked = parser.parse_args()
    names = asked.names or list(TARGETS)
    each = max(1, asked.seconds // len(names))
    failed = []
    for name in names:
        program = [sys.executable, __file__, f"--only={name}", str(each)]
        ended = subprocess.run(program, check=False, capture_output=True, text=True)
        print(f"{name:16} {each:4d} s  {'ok' if not ended.returncode else 'FOUND SOMETHING'}", flush=True)
        if ended.returncode:
            print(ended.stdout[-OUTPUT_SHOWN_MAX:], ended.stderr[-OUTPUT_SHOWN_MAX:], flush=True)
        failed += [name] if ended.returncode else []
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1].startswith("--only="):
        _fuzz(sys.argv[1].removeprefix("--only="), int(sys.argv[2]))
    else:
        sys.exit(main())

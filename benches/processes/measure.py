"""Runs programs in alternation and keeps wall time, processor time and peak memory of each.

GNU time starts each program, so that the peak is the program's own: a child of Python would inherit Python's.
"""
import math
import os
import shlex
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass, field

GNU_TIME = "/usr/bin/time"


@dataclass
class Sample:
    """One run."""

    seconds: float
    processor: float
    peak_kib: int


@dataclass
class Program:
    """What is run: a list of words, or a line for `sh`. `before` prepares each run and is not measured.

    `repeat` runs it so often within one measurement, for what is too short to be measured alone.
    """

    name: str
    command: list | str
    env: dict = field(default_factory=dict)
    before: object = None
    repeat: int = 1
    accepts: tuple = (0,)

    def words(self):
        if self.repeat > 1:
            loop = f"i=0; while [ $i -lt {self.repeat} ]; do {shlex.join(self.command)} >/dev/null; i=$((i+1)); done"
            return ["sh", "-c", loop]
        return ["sh", "-c", self.command] if isinstance(self.command, str) else self.command


def run(program):
    """One run of a program; of a pipeline, the peak is that of its largest process."""
    if program.before:
        program.before()
    with tempfile.NamedTemporaryFile("r") as facts, tempfile.TemporaryFile() as complaints:
        words = [GNU_TIME, "--quiet", "-f", "%U %S %M", "-o", facts.name, *program.words()]
        start = time.perf_counter()
        done = subprocess.run(words, env={**os.environ, **program.env}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=complaints, check=False)
        seconds = time.perf_counter() - start
        if done.returncode not in program.accepts:
            complaints.seek(0)
            words = complaints.read().decode(errors="replace")[-2000:]
            raise SystemExit(f"error: {program.name} ended with {done.returncode}\n{words}")
        user, system, peak = facts.read().split()
        return Sample(seconds / program.repeat, (float(user) + float(system)) / program.repeat, int(peak))


def alternate(programs, rounds):
    """Samples of each program, by its place: one run of each in every round, each round in the other order."""
    samples = [[] for _ in programs]
    for number in range(rounds):
        order = range(len(programs)) if number % 2 == 0 else reversed(range(len(programs)))
        for place in order:
            samples[place].append(run(programs[place]))
    return samples


def median(samples):
    return statistics.median(one.seconds for one in samples)


def spread(samples):
    """Least and most seconds."""
    return min(one.seconds for one in samples), max(one.seconds for one in samples)


def peak_mib(samples):
    return max(one.peak_kib for one in samples) / 1024


def ratio(ours, theirs):
    """The median of the ratios of runs that were neighbours."""
    return statistics.median(a.seconds / b.seconds for a, b in zip(ours, theirs))


def exponent(points):
    """The exponent e of seconds = c * size^e, by least squares over the logarithms of (size, seconds)."""
    xs = [math.log(size) for size, _ in points]
    ys = [math.log(seconds) for _, seconds in points]
    mean_x, mean_y = statistics.mean(xs), statistics.mean(ys)
    above = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys))
    return above / sum((x - mean_x) ** 2 for x in xs)

"""The tables of scripts/bench, in Markdown."""
import statistics

from measure import exponent, median, peak_mib, ratio, spread


def seconds(value):
    return f"{value * 1000:.2f} ms" if value < 0.1 else f"{value:.2f} s"


def timed(samples):
    least, most = spread(samples)
    return f"{seconds(median(samples))} ({seconds(least)} to {seconds(most)})"


def header():
    names = ("workload", "ours, median (spread)", "against", "median (spread)", "wall time", "processor time",
             "bar", "peak memory, ours and theirs")
    return "| " + " | ".join(names) + " |\n" + "|---" * len(names) + "|"


def line(row, samples):
    """One line of the table for each program ours is held against."""
    ours, *others = samples
    for bar, theirs in zip(row.bars, others):
        wall = ratio(ours, theirs)
        processor = statistics.median(max(a.processor, 1e-6) / max(b.processor, 1e-6) for a, b in zip(ours, theirs))
        if bar.faster:
            shown = [f"{1 / wall:.1f} × faster", f"1/{1 / processor:.1f}"]
            wanted = f"≥ {bar.faster:g} × faster"
            met = 1 / wall >= bar.faster
        else:
            shown = [f"{wall:.2f} ×", f"{processor:.2f} ×"]
            wanted = f"≤ {bar.times:g} ×"
            met = wall <= bar.times
        memory = f"{peak_mib(ours):.1f} MiB, {peak_mib(theirs):.1f} MiB"
        bars = [f"{wanted}{'' if met else ' **missed**'}"]
        if row.memory_mib:
            kept = peak_mib(ours) <= row.memory_mib
            bars.append(f"{row.memory_mib:g} MiB{'' if kept else ' **missed**'}")
        if row.memory_share:
            kept = peak_mib(ours) <= row.memory_share * peak_mib(theirs)
            bars.append(f"{row.memory_share:g} of the memory{'' if kept else ' **missed**'}")
        yield (f"| {row.name} | {timed(ours)} | {bar.other.name} | {timed(theirs)} | {shown[0]} | {shown[1]} | "
               f"{', '.join(bars)} | {memory} |")


def growth(rows):
    """How time and memory of ours grow over the sizes."""
    out = ["| workload | a hundredth | a tenth | whole | exponent over all, over the last tenfold | peak MiB |", "|---" * 6 + "|"]
    for name, points in rows:
        times = [(size, median(samples)) for size, samples in points]
        all_of_it, last = exponent(times), exponent(times[-2:])
        cells = " | ".join(seconds(value) for _, value in times)
        peaks = ", ".join(f"{peak_mib(samples):.0f}" for _, samples in points)
        out.append(f"| {name} | {cells} | {all_of_it:.2f}, {last:.2f} | {peaks} |")
    return "\n".join(out)

"""Formats the figures as lines, report.md and report.json; measures compile time and library size."""

import json
import os
import pathlib
import platform
import re
import resource
import statistics
import subprocess
import tempfile

import figures


def number(value, unit):
    if value is None:
        return "-"
    if unit == "us" and value >= 1e4:
        return f"{value / 1e3:.4g}ms"
    return f"{value:.4g}{unit}"


def bar_of(figure):
    return "-" if len(figure.bar) == 2 else figure.bar + ("" if figure.other else figure.unit)


def lines(results):
    """Yields one line per figure: NAME ours OTHER ratio bar ok|SHORT."""
    width = max(len(f.name) for f, _, _ in results)
    for figure, result, verdict in results:
        if result is None:
            yield f"{figure.name:{width}} {'-':>10} {'-':>10} {'-':>7} {bar_of(figure):>7} {verdict} (not offered)"
            continue
        ratio = f"{result['ratio']:.3g}" if figure.other else "-"
        yield (f"{figure.name:{width}} {number(result['ours'], figure.unit):>10} "
               f"{number(result.get('other'), figure.unit):>10} {ratio:>7} {bar_of(figure):>7} {verdict}")


def include_time(folder):
    """CPU seconds to compile `#include <wengert/wengert.hpp>` against xtensor's array alone, measured in turn."""
    headers = ("wengert/wengert.hpp", "xtensor/xarray.hpp")
    figure = figures.Figure("include", figures.ours(headers[0]), figures.hand(headers[1]), "<=2.2", "s", "include")
    seconds = {header: [] for header in headers}
    with tempfile.TemporaryDirectory() as work:
        source = pathlib.Path(work, "main.cpp")
        for header in headers * 5:
            source.write_text(f"#include <{header}>\nint main() {{}}\n")
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([os.environ.get("CXX", "g++"), "-std=c++20", "-O2", f"-I{folder}", "-c", source, "-o",
                            source.with_suffix(".o")], check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            seconds[header].append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    ours, other = seconds.values()
    ratios = [a / b for a, b in zip(ours, other)]
    ratio = statistics.median(ratios)
    return figure, {"ours": statistics.median(ours), "rounds": ours, "other": statistics.median(other),
                    "other_rounds": other, "ratio": ratio, "ratios": ratios}, "ok" if ratio <= 2.2 else "SHORT"


def library_sizes(library):
    """Sizes in MB of a stripped program with the whole library, and of the stripped archive."""
    with tempfile.TemporaryDirectory() as work:
        program, stripped = pathlib.Path(work, "program"), pathlib.Path(work, library.name)
        subprocess.run([os.environ.get("CXX", "g++"), "-x", "c++", "-", "-x", "none", "-Wl,--whole-archive", library,
                        "-Wl,--no-whole-archive", "-Wl,--unresolved-symbols=ignore-all", "-s", "-o", program],
                       input=b"int main() {}", check=True)
        subprocess.run(["strip", "--strip-unneeded", "-o", stripped, library], check=True)
        for name, file, bar in (("size", program, "<=15"), ("size/archive", stripped, "<=")):
            size = file.stat().st_size / 1e6
            verdict = "quoted" if bar == "<=" else "ok" if size < 15 else "SHORT"
            yield (figures.Figure(name, figures.ours(name), None, bar, "MB", "size"),
                   {"ours": size, "rounds": [size], "ratio": size, "ratios": [size]}, verdict)


def first_line(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0].strip()
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "unknown"


def cache_value(folder, name):
    for parent in [folder, *folder.parents]:
        cache = parent / "CMakeCache.txt"
        if cache.exists():
            found = re.search(rf"^{name}:\w+=(.*)$", cache.read_text(), re.MULTILINE)
            return found.group(1) if found else ""
    return ""


def machine(programs, load):
    """Describes the machine, the compiler and the packages of the measurement."""
    cpuinfo = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*:\s*(.*)$", cpuinfo, re.MULTILINE)
    flags = re.search(r"^flags\s*:\s*(.*)$", cpuinfo, re.MULTILINE)
    vectors = [f for f in ("avx2", "fma", "avx512f", "avx512_bf16") if flags and f in flags.group(1).split()]
    caches = [first_line(["getconf", f"LEVEL{level}_SIZE"]) for level in ("1_DCACHE", "2_CACHE", "3_CACHE")]
    packages = {p: first_line(["dpkg-query", "-W", "-f=${Version}", p])
                for p in ("libdnnl2", "libopenblas0", "libtorch1.13", "libsleef3", "libbenchmark1debian")}
    flags = cache_value(programs, "CMAKE_CXX_FLAGS_RELEASE")
    return {
        "cpu": model.group(1) if model else platform.processor(),
        "logical cpus": os.cpu_count(),
        "vector extensions": " ".join(vectors),
        "caches (bytes, L1d L2 L3)": " ".join(caches),
        "kernel": platform.release(),
        "compiler": first_line([cache_value(programs, "CMAKE_CXX_COMPILER") or "g++", "--version"]),
        "flags": f"ours and libtorch's peer {flags}; hand-written {flags} -O3 -march=native -ffast-math "
                 "-mprefer-vector-width=512; libtorch as Debian built it",
        "packages": ", ".join(f"{p} {v}" for p, v in packages.items()),
        "OPENBLAS_CORETYPE": os.environ.get("OPENBLAS_CORETYPE", "not set: OpenBLAS chooses its kernels itself"),
        "WENGERT_ISA": os.environ.get("WENGERT_ISA", "not set"),
        "load average": f"{load[0]:.2f} at the start, {os.getloadavg()[0]:.2f} at the end",
    }


def spread(values):
    """The interquartile range of the rounds, relative to their median."""
    if len(values) < 2 or statistics.median(values) == 0:
        return "-"
    low, _, high = statistics.quantiles(values, n=4)
    return f"{(high - low) / statistics.median(values):.1%}"


def write(out, bench, results, times, options, load):
    about = machine(options.programs, load)
    about["method"] = (f"{options.rounds} rounds of {options.seconds} s each, the programs of a model in turn; medians "
                       "over the rounds, ratios within a round; one thread, its CPU time, unless said otherwise")
    text = ["# Benchmarks", ""]
    text += [f"- {key}: {value}" for key, value in about.items()]
    text += ["", "A ratio under a bar with ≤ is ours / other, under one with ≥ other / ours. Spread: the middle half of the "
             "rounds' ratios, relative to the median.", "",
             "| figure | ours | other | ratio | spread | bar | | |", "|---|---|---|---|---|---|---|---|"]
    for figure, result, verdict in results:
        if result is None:
            text.append(f"| {figure.name} | not offered | | | | {bar_of(figure)} | {verdict} | |")
            continue
        note = "; ".join(filter(None, (figure.note, result.get("note", ""))))
        bar = bar_of(figure).replace("<=", "≤ ").replace(">=", "≥ ")
        text.append(f"| {figure.name} | {number(result['ours'], figure.unit)} | "
                    f"{number(result.get('other'), figure.unit)} | "
                    f"{format(result['ratio'], '.3g') if figure.other else ''} | {spread(result['ratios'])} | "
                    f"{bar} | {verdict} | {note} |")
    text += ["", "| work | CPU time a step | spread | by the clock |", "|---|---|---|---|"]
    for series, rounds in times.items():
        cpu = [t["cpu"] / 1e3 for t in rounds]
        wall = [t["wall"] / 1e3 for t in rounds]
        text.append(f"| {series} | {number(statistics.median(cpu), 'us')} | {spread(cpu)} | "
                    f"{number(statistics.median(wall), 'us')} |")
    (out / "report.md").write_text("\n".join(text) + "\n")
    record = {"about": about,
              "figures": [{"name": f.name, "bar": f.bar, "unit": f.unit, "verdict": v, **(r or {})}
                          for f, r, v in results],
              "times": {str(s): r for s, r in times.items()}}
    (out / "report.json").write_text(json.dumps(record, indent=1) + "\n")

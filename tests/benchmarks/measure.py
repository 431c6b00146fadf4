#!/usr/bin/env python3
"""Runs the benchmark programs against one another and reports every figure with its bar.

usage: measure.py --programs FOLDER --out FOLDER [--rounds N] [--seconds S] [--only REGEX] [--brief]

First, every program does one step of each model; the run ends if their results differ. Then the workloads of each model
are timed in turn, in short runs, over several rounds. A figure is the median over the rounds; a ratio is the median of
the ratios within the rounds. --brief checks the results and times each workload only for an instant.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import resource
import statistics
import subprocess
import sys

import figures
import report

PROGRAMS = ("ours", "hand", "torch")


class Bench:
    """The benchmark programs that exist in a folder."""

    def __init__(self, folder):
        self.paths = {p: folder / f"{p}_benchmark" for p in PROGRAMS if (folder / f"{p}_benchmark").exists()}
        self.offered = {p: set(self.run(figures.Series(p, ""), "--benchmark_list_tests").split()) for p in self.paths}

    def run(self, series, *arguments, stack_kb=None):
        environment = dict(os.environ, BENCHMARK_THREADS=str(series.threads), OMP_NUM_THREADS=str(series.threads))
        for variable, value in series.environment:
            environment.pop(variable, None)
            if value is not None:
                environment[variable] = value

        def limit_stack():
            resource.setrlimit(resource.RLIMIT_STACK, (stack_kb * 1024, stack_kb * 1024))

        done = subprocess.run([self.paths[series.program], *arguments], env=environment, capture_output=True, text=True,
                              preexec_fn=limit_stack if stack_kb else None)
        if done.returncode != 0:
            raise RuntimeError(f"{series.program} {' '.join(arguments)} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def has(self, series):
        return series is None or series.name in self.offered.get(series.program, ())

    def time(self, series, seconds, stack_kb):
        """Returns CPU and wall time of a step in ns, and the number of items per step."""
        output = self.run(series, f"--benchmark_filter=^{series.name}$", f"--benchmark_min_time={seconds}",
                          "--benchmark_format=json", stack_kb=stack_kb)
        result = json.loads(output)["benchmarks"][0]
        return {"cpu": result["cpu_time"], "wall": result["real_time"], "items": result["items"]}


def check(bench, only):
    """Compares the results of the first step of all variants of each model; returns the differences as lines."""
    found = collections.defaultdict(list)
    for program in bench.paths:
        for line in bench.run(figures.Series(program, ""), "--check", only).splitlines():
            digest = json.loads(line)
            found[digest["name"].split("/")[0]].append(digest)
    mistakes = []
    for model, digests in sorted(found.items()):
        reference = max(digests, key=lambda d: len(d["arrays"]))  # the first variant with all arrays
        tolerance = figures.tolerance(model)
        for digest in digests:
            scale = abs(reference["value"])
            if not abs(digest["value"] - reference["value"]) <= tolerance * scale:
                mistakes.append(f"{digest['name']}: the value {digest['value']} is {reference['value']} "
                                f"in {reference['name']}")
            for array, (size, norm, projection) in digest["arrays"].items():
                _, other_norm, other_projection = reference["arrays"][array]
                if size != reference["arrays"][array][0] or not (
                        abs(norm - other_norm) <= tolerance * other_norm and
                        abs(projection - other_projection) <= tolerance * other_norm):
                    mistakes.append(f"{digest['name']}: {array} differs from {reference['name']}: norm {norm} and "
                                    f"{other_norm}, projection {projection} and {other_projection}")
        if digests:
            print(f"  {model}: {', '.join(d['name'].split('/')[1] for d in digests)} agree"
                  if not any(m.startswith(f"{model}/") for m in mistakes) else f"  {model}: DIFFERS")
    return mistakes


def time_all(bench, chosen, rounds, seconds):
    """Returns the times of every series by round; the series of a model take turns."""
    groups = collections.OrderedDict()
    stacks = {}
    for figure in chosen:
        for series in filter(None, (figure.ours, figure.other) if figure.quantity == "time" else ()):
            groups.setdefault(figure.name.split("/")[0], {})[series] = None
            stacks[series] = figure.extra.get("stack_kb")
    times = collections.defaultdict(list)
    for model, group in groups.items():
        print(f"  {model}: {', '.join(map(str, group))}", flush=True)
        for _ in range(rounds):
            for series in group:
                times[series].append(bench.time(series, seconds, stacks[series]))
    return times


def evaluate(figure, bench, times, rounds):
    """Returns a figure's result (ours, other, ratio, rounds), or None if a program does not offer the workload."""
    if not (bench.has(figure.ours) and bench.has(figure.other)):
        return None
    if figure.quantity == "memory":
        def values(series):  # in MiB, the unit of the bars
            peak = figure.extra.get("peak", "peak_kb")
            return [json.loads(bench.run(series, "--memory", series.name))[peak] / 1024 for _ in range(3)]
    elif figure.quantity == "allocations":
        counts = json.loads(bench.run(figure.ours, "--allocations", figure.ours.name))
        return {"ours": counts["own"], "rounds": [counts["own"]], "ratio": counts["own"], "ratios": [counts["own"]],
                "note": f"in libraries it calls: {counts['libraries']:g}" if counts["libraries"] else ""}
    else:
        clock = "wall" if "by the clock" in figure.note else "cpu"

        def values(series):
            unit = 1e3 if figure.unit == "us" else 1
            return [t[clock] / (t["items"] if figure.unit == "ns" else 1) / unit for t in times[series]]

    mine = values(figure.ours)
    result = {"ours": statistics.median(mine), "rounds": mine}
    if figure.other is None:
        result["ratio"], result["ratios"] = result["ours"], mine
    else:
        others = values(figure.other)
        upper = figure.bar.startswith("<=")
        result["other"], result["other_rounds"] = statistics.median(others), others
        result["ratios"] = [m / o if upper else o / m for m, o in zip(mine, others)]
        result["ratio"] = statistics.median(result["ratios"])
    return result


def verdict(figure, result):
    if len(figure.bar) == 2:
        return "quoted"
    if result is None:
        return "SHORT"
    limit = float(figure.bar[2:])
    return "ok" if (result["ratio"] <= limit if figure.bar[0] == "<" else result["ratio"] >= limit) else "SHORT"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.2, help="how long a work is timed in a round")
    parser.add_argument("--only", default="", help="figures whose name matches")
    parser.add_argument("--brief", action="store_true", help="check, and time for an instant")
    parser.add_argument("--library", type=pathlib.Path, help="libwengert.a, for its size")
    parser.add_argument("--include", type=pathlib.Path, help="include/, for the compile time")
    o = parser.parse_args()
    if o.brief:
        o.rounds, o.seconds = 1, 0.001

    bench = Bench(o.programs)
    if not {"ours", "hand"} <= bench.paths.keys():
        parser.error(f"{o.programs} needs ours_benchmark and hand_benchmark, has {', '.join(bench.paths) or 'neither'}")
    chosen = [f for f in figures.all_figures(lambda name: bench.has(figures.ours(name))) if re.search(o.only, f.name)]
    if "OPENBLAS_CORETYPE" not in os.environ:
        chosen = [f for f in chosen if "unpinned" not in f.name]
    if not chosen:
        parser.error(f"no figure matches {o.only}")
    models = {s.name.split("/")[0] for f in chosen for s in (f.ours, f.other) if s is not None}

    print("== do all programs compute the same?")
    mistakes = check(bench, f"^({'|'.join(sorted(models))})/")
    if mistakes:
        print("\n".join(mistakes), file=sys.stderr)
        return 1

    print(f"== timing: {o.rounds} rounds of {o.seconds} s")
    load = os.getloadavg()
    times = time_all(bench, [f for f in chosen if bench.has(f.ours) and bench.has(f.other)], o.rounds, o.seconds)
    results = []
    for figure in chosen:
        result = evaluate(figure, bench, times, o.rounds)
        results.append((figure, result, verdict(figure, result)))
    if o.include and re.search(o.only, "include"):
        results.append(report.include_time(o.include))
    if o.library and re.search(o.only, "size"):
        results.extend(report.library_sizes(o.library))

    print("== figures")
    for line in report.lines(results):
        print(line)
    o.out.mkdir(parents=True, exist_ok=True)
    report.write(o.out, bench, results, times, o, load)
    print(f"== {o.out}/report.md, {o.out}/report.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Times ONNX files in a Predictor and in ONNX Runtime, in turns, on one thread each.

usage: measure_onnx.py --programs FOLDER --runtime FOLDER --out FOLDER [--rounds N] [--seconds S] [--only REGEX]

First, both compute the output of every network for the same input; the run ends if they differ. Then they take turns
over several rounds, for each network and batch. ONNX Runtime is called through Node, which reads inputs in place and
copies outputs. What a call costs is measured in the same process by an identity model of the output, and subtracted. A
figure is the median over the rounds; a ratio is the median of the ratios within the rounds.
"""

import argparse
import array
import json
import math
import os
import pathlib
import re
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import report  # noqa: E402

RUN_MODELS = HERE.parents[1] / "onnx" / "runtime" / "run_models.mjs"
BATCHES = (1, 32)
BAR = 1.0  # our time relative to ONNX Runtime's without the call
TOLERANCE = 1e-4  # the largest difference of outputs, relative to the largest element


class Case:
    """A network and a batch, with a folder of its own."""

    def __init__(self, options, name, batch):
        self.options, self.network, self.batch, self.name = options, name, batch, f"{name}-{batch}"
        self.folder = options.out / self.name
        self.folder.mkdir(parents=True, exist_ok=True)

    def ours(self, *arguments):
        model = self.options.out / f"{self.network}.onnx"
        return run([self.options.programs / "onnx_inference", model, str(self.batch), *arguments])

    def theirs(self, calls, *models):
        """Runs models in one process; returns their results. A model: name, name of the input, its shape and file."""
        models = [{"name": name, "model": f"../{name}.onnx", "time": calls,
                   "inputs": [{"name": port, "dtype": "float", "shape": shape, "file": file}]}
                  for name, port, shape, file in models]
        (self.folder / "manifest.json").write_text(json.dumps({"models": models}))
        run(["node", RUN_MODELS, self.folder, self.options.runtime], (0, 1))  # 1: the results tell what failed
        results = json.loads((self.folder / "results.json").read_text())
        for model in results["models"]:
            if "error" in model:
                raise RuntimeError(f"ONNX Runtime cannot run {model['name']} of {self.name}: {model['error']}")
        self.runtime = results["runtime"]
        return results["models"]

    def check(self):
        """Returns the largest difference of the outputs, relative to their largest element."""
        first = json.loads(self.ours("--seconds", "0", "--files", str(self.folder / "ours")))
        self.seconds = first["median_seconds"]
        self.model = (self.network, first["input"], first["shape"], "ours.input.bin")
        output = self.theirs(0, self.model)[0]["outputs"][0]
        self.identity = (f"{self.network}.identity", "input", output["shape"], "ours.output.bin")
        ours, theirs = (floats(self.folder / file) for file in ("ours.output.bin", output["file"]))
        if len(ours) != len(theirs) or not ours:
            return math.inf
        differences = [abs(a - b) for a, b in zip(ours, theirs)]
        return math.inf if any(map(math.isnan, differences)) else max(differences) / max(map(abs, theirs))

    def time(self):
        """Times both once; returns seconds per call of ours, of ONNX Runtime's, and of the identity model."""
        ours = json.loads(self.ours("--seconds", str(self.options.seconds)))["median_seconds"]
        calls = min(max(5, int(self.options.seconds / self.seconds)), 10000)
        network, identity = (model["median_seconds"] for model in self.theirs(calls, self.model, self.identity))
        return ours, network, identity


def run(command, accepted=(0,)):
    environment = dict(os.environ, OMP_NUM_THREADS="1")
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode not in accepted:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stderr or done.stdout}")
    return done.stdout


def floats(path):
    result = array.array("f")
    result.frombytes(path.read_bytes())
    return result


def evaluate(rounds):
    """Medians over the rounds, and the median ratio; a round whose two calls take equally long has none."""
    ours, call, identity = (statistics.median(column) for column in zip(*rounds))
    ratios = [o / (c - i) for o, c, i in rounds if c > i]
    return {"ours": ours, "call": call, "identity": identity, "ratios": ratios, "rounds": rounds,
            "net": statistics.median(c - i for _, c, i in rounds),
            "ratio": statistics.median(ratios) if ratios else math.inf}


def microseconds(seconds):
    return report.number(seconds * 1e6, "us")


def table(results):
    yield "| network | batch | ours | ONNX Runtime | its call | call of an identity | ratio | spread | bar | |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for case, r in results:
        verdict = "ok" if r["ratio"] <= BAR else "SHORT"
        yield (f"| {case.network} | {case.batch} | {microseconds(r['ours'])} | {microseconds(r['net'])} | "
               f"{microseconds(r['call'])} | {microseconds(r['identity'])} | {r['ratio']:.3g} | "
               f"{report.spread(r['ratios'])} | ≤ {BAR:g} | {verdict} |")


def write(options, results, load):
    about = report.machine(options.programs, load)
    about["flags"] = report.cache_value(options.programs, "CMAKE_CXX_FLAGS_RELEASE")
    node = run(["node", "--version"]).strip()
    about["ONNX Runtime"] = f"{results[0][0].runtime}, from npm's onnxruntime-node; Node {node}"
    about["method"] = (f"{options.rounds} rounds of {options.seconds} s for each of both, in turns; medians of the "
                       "times of a call by the clock, then over the rounds; ratios within a round; one thread each")
    lines = ["# Inference of ONNX files", ""] + [f"- {key}: {value}" for key, value in about.items()]
    lines += ["", "ONNX Runtime: the time of its call through Node minus that of an identity model of the "
              "output, in the same process. Ratio: ours / ONNX Runtime. Spread: the middle half of the rounds' "
              "ratios, relative to the median.", ""]
    lines += table(results)
    (options.out / "report.md").write_text("\n".join(lines) + "\n")
    record = {"about": about, "figures": [{"name": case.name, "bar": BAR, **r} for case, r in results]}
    (options.out / "report.json").write_text(json.dumps(record, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--runtime", type=pathlib.Path, required=True, help="what tests/onnx/runtime/fetch.sh fetched")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1, help="how long each is timed in a round")
    parser.add_argument("--only", default="", help="networks whose NAME-BATCH matches")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    names = run([options.programs / "onnx_models", options.out]).split()
    cases = [Case(options, name, batch) for name in names for batch in BATCHES
             if re.search(options.only, f"{name}-{batch}")]
    if not cases:
        parser.error(f"no network matches {options.only}")

    print("== do both compute the same?")
    different = False
    for case in cases:
        difference = case.check()
        different = different or not difference <= TOLERANCE
        print(f"  {case.name}: {'agree' if difference <= TOLERANCE else 'DIFFER'} ({difference:.1e})", flush=True)
    if different:
        return 1

    print(f"== timing: {options.rounds} rounds of {options.seconds} s")
    load = os.getloadavg()
    results = []
    for case in cases:
        results.append((case, evaluate([case.time() for _ in range(options.rounds)])))
        print(f"  {case.name}: {results[-1][1]['ratio']:.3g}", flush=True)
    for case, result in results:
        if result["ratio"] > BAR:
            (case.folder / "profile.txt").write_text(case.ours("--profile"))

    print("== figures")
    print("\n".join(table(results)))
    write(options, results, load)
    print(f"== {options.out}/report.md, {options.out}/report.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())

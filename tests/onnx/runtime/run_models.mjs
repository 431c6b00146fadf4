// Runs ONNX models with ONNX Runtime on one thread: node run_models.mjs FOLDER [RUNTIME]
//
// RUNTIME is the folder that fetch.sh filled, build/onnxruntime by default. FOLDER holds manifest.json:
//
//   {"models": [{"name": "conv", "model": "conv.onnx", "time": 100,
//                "inputs": [{"name": "x", "dtype": "float", "shape": [1, 3], "file": "x.bin"}]}]}
//
// Paths are relative to FOLDER. Types have ONNX's names (float, double, float16, int64, bool …), and files hold the
// elements in row-major order, little-endian, one byte for a bool. With `time`, so many calls are measured, after a
// tenth as many (at least three) that are not. FOLDER/results.json then has an entry for each model, in the same order:
//
//   {"runtime": "1.30.0",
//    "models": [{"name": "conv", "median_seconds": 1e-5,
//                "outputs": [{"name": "y", "dtype": "float", "shape": [1, 4], "file": "results/0.0.bin"}]},
//               {"name": "broken", "error": "…"}]}
//
// Exit status: 0 all models ran, 1 some did not, 2 wrong usage, or the manifest or the runtime cannot be read.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createSession, readInput, readManifest, startRuntime, writeOutput } from "./runtime.mjs";

async function medianSeconds(calls, call) {
  for (let i = 0; i < Math.max(3, calls / 10); ++i) await call();
  const seconds = [];
  for (let i = 0; i < calls; ++i) {
    const start = process.hrtime.bigint();
    await call();
    seconds.push(Number(process.hrtime.bigint() - start) * 1e-9);
  }
  seconds.sort((a, b) => a - b);
  const middle = Math.floor(calls / 2);
  return calls % 2 === 1 ? seconds[middle] : (seconds[middle - 1] + seconds[middle]) / 2;
}

async function runModel(ort, folder, { name, model, inputs, time = 0 }, number) {
  const session = await createSession(ort, join(folder, model));
  try {
    const feeds = Object.fromEntries(inputs.map((input) => [input.name, readInput(ort, folder, input)]));
    const results = await session.run(feeds);
    const outputs = session.outputNames.map((output, i) =>
      writeOutput(folder, `results/${number}.${i}.bin`, output, results[output]));
    const result = { name, outputs };
    if (time > 0) result.median_seconds = await medianSeconds(time, () => session.run(feeds));
    return result;
  } finally {
    await session.release();
  }
}

const { folder, ort } = startRuntime();
const manifest = readManifest(join(folder, "manifest.json"), "models");
rmSync(join(folder, "results"), { recursive: true, force: true });
mkdirSync(join(folder, "results"));
const models = [];
for (const [number, entry] of manifest.entries()) {
  try {
    models.push(await runModel(ort, folder, entry, number));
  } catch (error) {
    models.push({ name: entry.name, error: error.message });
    process.exitCode = 1;
  }
}
const lines = models.map((model) => JSON.stringify(model)).join(",\n ");
writeFileSync(join(folder, "results.json"), `{"runtime": "${ort.env.versions.node}", "models": [\n ${lines}\n]}\n`);
const failed = models.filter((model) => "error" in model).length;
console.log(`ONNX Runtime ${ort.env.versions.node}: ${models.length - failed} of ${models.length} models ran`);

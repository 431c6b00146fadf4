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
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { endianness } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

// The names in ONNX Runtime of types that ONNX calls otherwise.
const runtimeNames = { float: "float32", double: "float64" };
const onnxNames = Object.fromEntries(Object.entries(runtimeNames).map(([onnx, runtime]) => [runtime, onnx]));
const arrays = {
  float32: Float32Array, float64: Float64Array, float16: globalThis.Float16Array ?? Uint16Array,
  int8: Int8Array, int16: Int16Array, int32: Int32Array, int64: BigInt64Array,
  uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, uint64: BigUint64Array, bool: Uint8Array,
};

function fail(message) {
  console.error(`error: ${message}`);
  process.exit(2);
}

function loadRuntime(folder) {
  try {
    return createRequire(join(resolve(folder), "package.json"))("onnxruntime-node");
  } catch (error) {
    fail(`ONNX Runtime cannot be loaded from ${folder}: ${error.message.split("\n")[0]}; fetch.sh fetches it`);
  }
}

function readManifest(path) {
  try {
    const { models } = JSON.parse(readFileSync(path, "utf8"));
    if (!Array.isArray(models)) throw new Error("it has no list `models`");
    return models;
  } catch (error) {
    fail(`${path} cannot be read: ${error.message}`);
  }
}

function readInput(ort, folder, { name, dtype, shape, file }) {
  const type = runtimeNames[dtype] ?? dtype;
  if (!(type in arrays)) throw new Error(`input ${name}: type ${dtype} is not supported`);
  const bytes = Uint8Array.from(readFileSync(join(folder, file)));  // a copy, whose buffer starts at its first element
  const size = shape.reduce((product, extent) => product * extent, 1) * arrays[type].BYTES_PER_ELEMENT;
  if (bytes.length !== size) throw new Error(`input ${name}: ${file} has ${bytes.length} bytes instead of ${size}`);
  return new ort.Tensor(type, new arrays[type](bytes.buffer), shape);
}

function writeOutput(folder, file, name, { type, dims, data }) {
  if (!(type in arrays)) throw new Error(`output ${name}: type ${type} is not supported`);
  writeFileSync(join(folder, file), Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  return { name, dtype: onnxNames[type] ?? type, shape: [...dims], file };
}

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
  const session = await ort.InferenceSession.create(join(folder, model), {
    executionProviders: ["cpu"], intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3,
  });
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

const [folder, given] = process.argv.slice(2);
if (folder === undefined || process.argv.length > 4) fail("expected FOLDER [RUNTIME]");
if (endianness() !== "LE") fail("this machine is not little-endian");
const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const ort = loadRuntime(given ?? join(root, "build/onnxruntime"));
ort.env.logLevel = "error";

const manifest = readManifest(join(folder, "manifest.json"));
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

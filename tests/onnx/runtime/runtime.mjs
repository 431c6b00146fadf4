// What run_models.mjs and run_steps.mjs share: the runtime, its sessions, and tensors in files.
import { readFileSync, writeFileSync } from "node:fs";
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

export function readManifest(path, list) {
  try {
    const entries = JSON.parse(readFileSync(path, "utf8"))[list];
    if (!Array.isArray(entries)) throw new Error(`it has no list \`${list}\``);
    return entries;
  } catch (error) {
    fail(`${path} cannot be read: ${error.message}`);
  }
}

// The `count` tensors of this shape that a file holds one after the other.
export function readInputs(ort, folder, { name, dtype, shape, file }, count) {
  const type = runtimeNames[dtype] ?? dtype;
  if (!(type in arrays)) throw new Error(`input ${name}: type ${dtype} is not supported`);
  const bytes = Uint8Array.from(readFileSync(join(folder, file)));  // a copy, whose buffer starts at its first element
  const size = shape.reduce((product, extent) => product * extent, 1);
  const expected = count * size * arrays[type].BYTES_PER_ELEMENT;
  if (bytes.length !== expected)
    throw new Error(`input ${name}: ${file} has ${bytes.length} bytes instead of ${expected}`);
  const elements = new arrays[type](bytes.buffer);
  return Array.from({ length: count }, (_, k) =>
    new ort.Tensor(type, elements.subarray(k * size, (k + 1) * size), shape));
}

export function readInput(ort, folder, input) {
  return readInputs(ort, folder, input, 1)[0];
}

export function writeOutput(folder, file, name, { type, dims, data }) {
  if (!(type in arrays)) throw new Error(`output ${name}: type ${type} is not supported`);
  writeFileSync(join(folder, file), Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  return { name, dtype: onnxNames[type] ?? type, shape: [...dims], file };
}

// A session on one thread.
export function createSession(ort, path) {
  return ort.InferenceSession.create(path, {
    executionProviders: ["cpu"], intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3,
  });
}

// The arguments FOLDER [RUNTIME] of a program, and the runtime.
export function startRuntime() {
  const [folder, given] = process.argv.slice(2);
  if (folder === undefined || process.argv.length > 4) fail("expected FOLDER [RUNTIME]");
  if (endianness() !== "LE") fail("this machine is not little-endian");
  const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");
  const ort = loadRuntime(given ?? join(root, "build/onnxruntime"));
  ort.env.logLevel = "error";
  return { folder, ort };
}

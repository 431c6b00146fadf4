// Runs the exported network in ONNX Runtime and compares its probabilities with those of TensorFlow.js:
// node run_onnx.mjs NETWORK.onnx FOLDER-OF-ONNXRUNTIME
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { picture, side } from "./picture.mjs";

const [network, runtime] = process.argv.slice(2);
const ort = createRequire(resolve(runtime, "package.json"))("onnxruntime-node");
const file = readFileSync(join(dirname(fileURLToPath(import.meta.url)), "mini_xception.npy"));
const expected = (k, i) => file.readFloatLE(128 + 4 * (14 * k + 7 + i));

const session = await ort.InferenceSession.create(network);
let worst = 0;
for (const [first, count] of [[0, 1], [1, 19], [20, 80]]) {
  const pixels = Array.from({ length: count }, (_, k) => picture(first + k)).flat().map((v) => (v / 255 - 0.5) * 2);
  const faces = new ort.Tensor("float32", Float32Array.from(pixels), [count, 1, side, side]);
  const { probabilities } = await session.run({ faces });
  if (probabilities.dims.join() !== `${count},7`) throw new Error(`the output has the shape ${probabilities.dims}`);
  probabilities.data.forEach((p, i) => (worst = Math.max(worst, Math.abs(p - expected(first + Math.floor(i / 7), i % 7)))));
}
console.log(`ONNX Runtime: the largest difference is ${worst}`);
process.exit(worst < 1e-4 ? 0 : 1);

// Computes the figures that MiniXception must equal, with TensorFlow.js, from the graph and weights as they are published:
//   bash samples/fetch_data.sh expression_weights astronaut
//   npm install --prefix build/tfjs --ignore-scripts @tensorflow/tfjs@4.22.0
//   node tests/samples/expressions/mini_xception.mjs build/tfjs
//
// Writes mini_xception.npy beside itself: for each of a hundred pictures made by `picture`, and then for the face of the
// photograph, seven logits and seven probabilities.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { inflateSync } from "node:zlib";
import { picture, side } from "./picture.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const data = join(here, "../../../build/data");
const tf = createRequire(resolve(process.argv[2] ?? "build/tfjs", "package.json"))("@tensorflow/tfjs");
await tf.setBackend("cpu");

// The pixels of a PNG file of eight bits a channel without interlacing: [width, height, channels, bytes].
function readPng(path) {
  const file = readFileSync(path), parts = [];
  let width, height, channels;
  for (let at = 8; at < file.length; at += 12 + file.readUInt32BE(at)) {
    const kind = file.toString("latin1", at + 4, at + 8), body = file.subarray(at + 8, at + 8 + file.readUInt32BE(at));
    if (kind === "IDAT") parts.push(body);
    if (kind !== "IHDR") continue;
    [width, height, channels] = [body.readUInt32BE(0), body.readUInt32BE(4), { 0: 1, 2: 3, 6: 4 }[body[9]]];
    if (body[8] !== 8 || !channels || body[12] !== 0) throw new Error(`${path}: not 8 bits a channel, not interlaced`);
  }
  const lines = inflateSync(Buffer.concat(parts)), row = width * channels, bytes = new Uint8Array(height * row);
  for (let y = 0; y < height; ++y) {
    for (let i = 0; i < row; ++i) {
      const left = i < channels ? 0 : bytes[y * row + i - channels], up = y === 0 ? 0 : bytes[(y - 1) * row + i];
      const corner = y === 0 || i < channels ? 0 : bytes[(y - 1) * row + i - channels], sum = left + up - corner;
      const [a, b, c] = [left, up, corner].map((value) => Math.abs(sum - value));
      const guess = [0, left, up, (left + up) >> 1, a <= b && a <= c ? left : b <= c ? up : corner];
      bytes[y * row + i] = lines[y * (row + 1) + 1 + i] + guess[lines[y * (row + 1)]];
    }
  }
  return [width, height, channels, bytes];
}

// The face of the photograph: the square of 2·64 pixels at (left, top) in grey, and half as large. The values beside
// the centre of an output weigh 1, 3, 3 and 1: linear interpolation with antialiasing.
function face(path, left, top) {
  const [width, , channels, bytes] = readPng(path);
  const grey = Array.from({ length: 4 * side * side }, (_, i) => {
    const at = channels * (width * (top + Math.floor(i / (2 * side))) + left + (i % (2 * side)));
    return Math.round((299 * bytes[at] + 587 * bytes[at + 1] + 114 * bytes[at + 2]) / 1000);
  });
  const halved = (get) => Array.from({ length: side }, (_, i) => {
    let sum = 0, weights = 0;
    [1, 3, 3, 1].forEach((weight, k) => {
      const j = 2 * i - 1 + k;
      if (j < 0 || j >= 2 * side) return;
      sum += weight * get(j);
      weights += weight;
    });
    return sum / weights;
  });
  const rows = Array.from({ length: 2 * side }, (_, y) => halved((x) => grey[2 * side * y + x]));
  const columns = Array.from({ length: side }, (_, x) => halved((y) => rows[y][x]));
  return Array.from({ length: side * side }, (_, i) => columns[i % side][Math.floor(i / side)]);
}

const { modelTopology, weightsManifest } = JSON.parse(readFileSync(join(data, "expression_weights/emotion.json")));
const bytes = readFileSync(join(data, "expression_weights/emotion.bin"));
const model = await tf.loadGraphModel(tf.io.fromMemory({
  modelTopology, weightSpecs: weightsManifest.flatMap((group) => group.weights), weightData: new Uint8Array(bytes).buffer,
}));
const figures = [];
const mean = "StatefulPartitionedCall/model_1/global_average_pooling2d_1/Mean";
const pictures = [...Array.from({ length: 100 }, (_, k) => picture(k)), face(join(data, "astronaut/astronaut.png"), 160, 64)];
for (const pixels of pictures) {
  const input = tf.tensor(pixels.map((v) => (v / 255 - 0.5) * 2), [1, side, side, 1], "float32");
  const outputs = model.execute(input, [mean, "Identity"]);
  figures.push(...outputs.flatMap((output) => [...output.dataSync()]));
}

const values = Buffer.from(new Float32Array(figures).buffer);
const shape = `{'descr': '<f4', 'fortran_order': False, 'shape': (${pictures.length}, 14), }`;
const header = Buffer.from(`\x93NUMPY\x01\x00\0\0${shape}`.padEnd(127) + "\n", "latin1");
header.writeUInt16LE(118, 8);
writeFileSync(join(here, "mini_xception.npy"), Buffer.concat([header, values]));
const last = figures.slice(-7).map((p) => p.toFixed(4));
console.log(`${pictures.length} pictures; probabilities of the face: ${last.join(", ")}`);

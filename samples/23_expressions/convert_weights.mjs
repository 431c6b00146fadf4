// Converts the emotion network of the npm package @vladmandic/human, a graph model of TensorFlow.js, to safetensors:
//   node convert_weights.mjs emotion.json mini_xception.safetensors
//
// The parameters get the names that MiniXception (samples/common/expressions/mini_xception.hpp) has for them, and
// weights of convolutions the order of axes (out, in / groups, height, width). The graph is checked node by node: it
// must compute what MiniXception computes. Its batch normalisations are already folded into the convolutions.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const [source, target] = process.argv.slice(2);
if (!source || !target) {
  console.error("usage: node convert_weights.mjs emotion.json mini_xception.safetensors");
  process.exit(2);
}
const fail = (message) => {
  console.error(`error: ${source}: ${message}`);
  process.exit(1);
};

// The file, its nodes by name, and its weights as arrays of doubles, dequantised if they are quantised.
const model = JSON.parse(readFileSync(source, "utf8"));
const nodes = new Map(model.modelTopology.node.map((node) => [node.name, node]));
const weights = new Map();
for (const group of model.weightsManifest) {
  const bytes = Buffer.concat(group.paths.map((path) => readFileSync(join(dirname(source), path))));
  let offset = 0;
  for (const { name, shape, dtype, quantization } of group.weights) {
    const stored = quantization?.dtype ?? dtype;
    const read = {
      float32: [4, (at) => bytes.readFloatLE(at)], int32: [4, (at) => bytes.readInt32LE(at)],
      uint8: [1, (at) => bytes.readUInt8(at)], uint16: [2, (at) => bytes.readUInt16LE(at)],
    }[stored] ?? fail(`${name} is stored as ${stored}: expected float32, int32, uint8 or uint16`);
    const values = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => {
      const value = read[1](offset + i * read[0]);
      return quantization ? value * quantization.scale + quantization.min : value;
    });
    offset += values.length * read[0];
    weights.set(name, { shape, values });
  }
  if (offset !== bytes.length) fail(`the weights have ${bytes.length} bytes: expected ${offset}`);
}

// Attributes of nodes: text is in base64, and numbers are text.
const text = (value) => Buffer.from(value, "base64").toString();
const numbers = (attribute) => attribute.list.i.map(Number).join();
const prefix = "StatefulPartitionedCall/model_1/";
// `check(name, op, inputs, attributes)` checks a node. Names are those of the file without the prefix.
const full = (name) => (nodes.has(prefix + name) ? prefix + name : name);
function check(name, op, inputs, attributes = {}) {
  const node = nodes.get(full(name)) ?? fail(`there is no node ${name}`);
  const has = (what, got, expected) => {
    if (got !== expected) fail(`${name} has the ${what} ${got}: expected ${expected}`);
  };
  has("op", node.op, op);
  has("inputs", node.input.join(), inputs.map(full).join());
  if (attributes.strides) has("format", text(node.attr.data_format.s), "NHWC");
  if (attributes.fused) has("fused ops", node.attr.fused_ops.list.s.map(text).join(), attributes.fused);
  if (attributes.strides) has("strides", numbers(node.attr.strides), attributes.strides);
  if (attributes.strides && !attributes.kernel) has("dilations", numbers(node.attr.dilations), "1,1,1,1");
  if (attributes.kernel) has("kernel", numbers(node.attr.ksize), attributes.kernel);
  if (attributes.padding) has("padding", text(node.attr.padding.s), attributes.padding);
  used.add(full(name));
}
const used = new Set();
const tensors = [];
function add(name, weight, shape, axes) {
  const { shape: from, values } = weights.get(full(weight)) ?? fail(`there are no weights ${weight}`);
  if (String(from) !== String(shape)) fail(`${weight} has the shape ${from}: expected ${shape}`);
  const to = axes.map((axis) => from[axis]);
  const strides = from.map((_, axis) => from.slice(axis + 1).reduce((a, b) => a * b, 1));
  const floats = new Float32Array(values.length);
  const index = to.map(() => 0);
  for (let i = 0; i < floats.length; ++i) {
    floats[i] = values[index.reduce((at, k, axis) => at + k * strides[axes[axis]], 0)];
    for (let axis = to.length - 1; axis >= 0 && ++index[axis] === to[axis]; --axis) index[axis] = 0;
  }
  tensors.push({ name, shape: to, floats });
  used.add(full(weight));
}

// A convolution with a bias: its node, its input, its weights in the file, and its name here.
function convolution(node, input, weight, bias, name, shape, stride, padding, activation = "") {
  check(node, "_FusedConv2D", [input, weight, bias],
          { strides: `1,${stride},${stride},1`, padding, fused: `BiasAdd${activation && `,${activation}`}` });
  add(`${name}.weight`, weight, shape, [3, 2, 0, 1]);
  add(`${name}.bias`, bias, [shape[3]], [0]);
}
// A depthwise convolution, one group per channel, and a convolution of 1×1.
function separable(number, unknown, node, input, name, [channels, filters], activation) {
  const depthwise = `separable_conv2d_${number}/separable_conv2d/depthwise`;
  check(depthwise, "DepthwiseConv2dNative", [input, unknown], { strides: "1,1,1,1", padding: "SAME" });
  add(`${name}.depthwise.weight`, unknown, [3, 3, channels, 1], [2, 3, 0, 1]);
  const weight = `separable_conv2d_${number}/separable_conv2d`;
  convolution(node, depthwise, `${weight}_weights`, `${weight}_bn_offset`, `${name}.pointwise`,
              [1, 1, channels, filters], 1, "VALID", activation);
}
// A block: two separable convolutions and a maximum over windows of 3×3, beside a convolution of 1×1. On 29×29 and
// 15×15, the padding "SAME" of these windows is 1 on every side.
function block(number, input, activated, shortcut, separables, channels, filters) {
  const first = `block${number + 1}_sepconv2_act/Relu`;
  const second = `block${number + 1}_sepconv2_bn/FusedBatchNormV3`;
  const name = `block${number}`;
  separable(2 * number - 1, separables[0], first, activated, `${name}.first`, [channels, filters], "Relu");
  separable(2 * number, separables[1], second, first, `${name}.second`, [filters, filters], "");
  const pooled = `max_pooling2d_${number}/MaxPool`;
  check(pooled, "MaxPool", [second], { strides: "1,2,2,1", kernel: "1,3,3,1", padding: "SAME" });
  const beside = `batch_normalization_${number}/FusedBatchNormV3`;
  convolution(beside, input, `${shortcut}/Conv2D_weights`, `${shortcut}/Conv2D_bn_offset`, `${name}.shortcut`,
              [1, 1, channels, filters], 2, "SAME");
  check(`add_${number}/add`, "AddV2", [pooled, beside]);
  return `add_${number}/add`;
}

const size = nodes.get("input_1")?.attr.shape.shape.dim.map((dim) => dim.size).join();
if (size !== "-1,64,64,1") fail(`the input is ${size}: expected -1,64,64,1`);
used.add("input_1");
const [stem1, stem2] = ["block1_conv1_act/Relu", "block1_conv2_act/Relu"];
convolution(stem1, "input_1", "conv2d_1/Conv2D_weights", "conv2d_1/Conv2D_bn_offset", "conv1", [3, 3, 1, 32], 2,
            "VALID", "Relu");
convolution(stem2, stem1, "conv2d_2/Conv2D_weights", "conv2d_2/Conv2D_bn_offset", "conv2", [3, 3, 32, 64], 1, "VALID",
            "Relu");
const sum1 = block(1, stem2, stem2, "conv2d_3", ["unknown_9", "unknown_15"], 64, 128);
const activated = "block3_sepconv1_act/Relu";
check(activated, "Relu", [sum1]);
const sum2 = block(2, sum1, activated, "conv2d_4", ["unknown_26", "unknown_32"], 128, 256);
convolution("conv2d_5/BiasAdd", sum2, "unknown_43", "unknown_44", "head", [3, 3, 256, 7], 1, "SAME");
const axes = "global_average_pooling2d_1/Mean/reduction_indices";
check("global_average_pooling2d_1/Mean", "Mean", ["conv2d_5/BiasAdd", axes]);
if (weights.get(full(axes)).values.join() !== "1,2") fail("the mean is not over height and width");
used.add(full(axes));
check("predictions/Softmax", "Softmax", ["global_average_pooling2d_1/Mean"]);
check("Identity", "Identity", ["predictions/Softmax"]);
const rest = [...nodes.keys(), ...weights.keys()].filter((name) => !used.has(name));
if (rest.length > 0) fail(`the graph has further nodes: ${rest.join(", ")}`);

const header = {
  __metadata__: {
    format: "pt",
    source: "models/emotion.json of the npm package @vladmandic/human 3.3.6, MIT licence; from O. Arriaga, " +
            "face_classification, MIT licence; trained on FER2013",
  },
};
let offset = 0;
for (const { name, shape, floats } of tensors) {
  header[name] = { dtype: "F32", shape, data_offsets: [offset, offset + 4 * floats.length] };
  offset += 4 * floats.length;
}
let json = Buffer.from(JSON.stringify(header));
json = Buffer.concat([json, Buffer.alloc((8 - (json.length % 8)) % 8, " ")]);
const length = Buffer.alloc(8);
length.writeBigUInt64LE(BigInt(json.length));
const data = Buffer.alloc(offset);
let at = 0;
for (const { floats } of tensors) for (const value of floats) at = data.writeFloatLE(value, at);
writeFileSync(`${target}.partial`, Buffer.concat([length, json, data]));
renameSync(`${target}.partial`, target);
console.log(`${target}: ${tensors.length} parameters with ${offset / 4} elements`);

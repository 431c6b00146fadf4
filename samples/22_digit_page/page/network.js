// The network, run by ONNX Runtime: digits.onnx reads pictures, step.onnx takes one step of training.
import * as ort from "./onnxruntime/ort.wasm.bundle.min.mjs";
import { side } from "./centre.js";
import { findWeights } from "./weights.js";

ort.env.wasm.numThreads = 1;  // threads need HTTP headers that a plain server does not send
ort.env.logLevel = "error";
const create = (bytes) => ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });

async function download(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} cannot be loaded: ${answer.status} ${answer.statusText}`);
  return new Uint8Array(await answer.arrayBuffer());
}

export class Network {
  #bytes;  // of digits.onnx, with the present weights once `use` has been called
  #places;  // where the weights are in it
  #state;  // the present weights, and what the optimiser keeps: tensors by name
  #original;
  #reader;
  #stepper;
  #last = Promise.resolve();  // sessions run one at a time

  static async load() {
    const network = new Network();
    const [bytes, step] = await Promise.all([download("digits.onnx"), download("step.onnx")]);
    network.#bytes = bytes;
    network.#places = findWeights(bytes);
    network.#reader = await create(bytes);
    network.#stepper = await create(step);
    const { inputNames, outputNames } = network.#stepper;
    const names = outputNames.filter((name) => name.endsWith(".next")).map((name) => name.slice(0, -5));
    for (const name of names)
      if (!inputNames.includes(name)) throw new Error(`step.onnx has no input ${name} without a default`);
    network.#original = new Map(names.map((name) => {
      const place = network.#places.get(name);
      return [name, network.#input(name, place && new Float32Array(bytes.slice(place.begin, place.end).buffer))];
    }));
    network.#state = network.#original;
    return network;
  }

  /** The number of pictures of a step. */
  get batchSize() {
    return this.#shape("x")[0];
  }

  /** The present network as an ONNX file. */
  get file() {
    return new Blob([this.#bytes], { type: "application/octet-stream" });
  }

  /** The probabilities of the ten digits. */
  read(pixels) {
    return this.#inTurn(async () => {
      const [input] = this.#reader.inputNames, [output] = this.#reader.outputNames;
      const result = await this.#reader.run({ [input]: new ort.Tensor("float32", pixels, [1, 1, side, side]) });
      return result[output].data;
    });
  }

  /** Takes one step on `batchSize` examples {pixels, label}; returns the loss before it. */
  step(examples, rate) {
    return this.#inTurn(async () => {
      const x = new Float32Array(examples.length * side * side);
      examples.forEach(({ pixels }, i) => x.set(pixels, i * side * side));
      const y = BigInt64Array.from(examples, ({ label }) => BigInt(label));
      const result = await this.#stepper.run({ ...Object.fromEntries(this.#state), x: this.#input("x", x),
                                               y: new ort.Tensor("int64", y, this.#shape("y")),
                                               rate: this.#input("rate", new Float32Array([rate])) });
      this.#state = new Map([...this.#state.keys()].map((name) => [name, result[`${name}.next`]]));
      return result.loss.data[0];
    });
  }

  /** Lets `read` and `file` have the weights that the steps led to. */
  use() {
    return this.#inTurn(async () => {
      for (const [name, { data }] of this.#state) {
        const place = this.#places.get(name);
        if (place) this.#bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), place.begin);
      }
      await this.#reader.release();
      this.#reader = await create(this.#bytes);
    });
  }

  /** Goes back to the weights of digits.onnx. */
  restore() {
    this.#state = this.#original;
    return this.use();
  }

  /** Draws new weights, uniform by Glorot's rule, and sets biases and what the optimiser keeps to 0. */
  forget() {
    this.#state = new Map([...this.#state].map(([name, { dims, size }]) => {
      if (dims.length < 2 || !this.#places.has(name)) return [name, this.#input(name)];
      const [outputs, inputs, ...window] = dims;
      const bound = Math.sqrt(6 / window.reduce((a, b) => a * b, outputs + inputs));
      return [name, this.#input(name, Float32Array.from({ length: size }, () => bound * (2 * Math.random() - 1)))];
    }));
    return this.use();
  }

  #shape(input) {
    return this.#stepper.inputMetadata.find(({ name }) => name === input).shape;
  }

  // An input of the step; without values, zeros.
  #input(name, values) {
    const shape = this.#shape(name);
    return new ort.Tensor("float32", values ?? new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);
  }

  #inTurn(task) {
    const result = this.#last.then(task);
    this.#last = result.catch(() => {});
    return result;
  }
}

// The network, run by ONNX Runtime: expressions.onnx gives a grey picture seven probabilities.
import * as ort from "./onnxruntime/ort.wasm.bundle.min.mjs";
import { classes } from "./answer.js";
import { side } from "./face.js";

ort.env.wasm.numThreads = 1;  // threads need HTTP headers that a plain server does not send
ort.env.logLevel = "error";

export class Network {
  #session;

  /** Loads everything that the network needs: reading asks the server for nothing. */
  static async load() {
    const answer = await fetch("expressions.onnx");
    if (!answer.ok) throw new Error(`expressions.onnx cannot be loaded: ${answer.status} ${answer.statusText}`);
    const network = new Network();
    network.#session =
      await ort.InferenceSession.create(new Uint8Array(await answer.arrayBuffer()), { executionProviders: ["wasm"] });
    const probabilities = await network.read(new Float32Array(side * side));
    if (probabilities.length !== classes.length)
      throw new Error(`expressions.onnx has ${probabilities.length} classes instead of ${classes.length}`);
    return network;
  }

  /** The probabilities of the seven classes of an input of `side` × `side` values; one call at a time. */
  async read(values) {
    const [input] = this.#session.inputNames, [output] = this.#session.outputNames;
    const result = await this.#session.run({ [input]: new ort.Tensor("float32", values, [1, 1, side, side]) });
    return result[output].data;
  }
}

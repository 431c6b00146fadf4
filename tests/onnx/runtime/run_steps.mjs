// Takes exported steps of training with ONNX Runtime on one thread: node run_steps.mjs FOLDER [RUNTIME]
//
// RUNTIME is as for run_models.mjs. FOLDER holds steps.json:
//
//   {"steps": [{"name": "mlp", "step": "mlp.step.onnx", "initial": "mlp.initial.onnx", "count": 100,
//               "state": {"0.weight": "0.weight.next"},
//               "batch": [{"name": "x", "dtype": "float", "shape": [8, 4], "file": "mlp.x.bin"}]}]}
//
// `initial` is a graph without inputs that computes the first values of all inputs of `step` besides the batch. After
// each of `count` calls, the outputs that `state` names, the entry of this name in the metadata of `step`, replace its
// inputs. The files of `batch` hold `count` tensors of this shape. FOLDER/step_results.json then has an entry for each
// step, in the same order, or its error:
//
//   {"runtime": "1.30.0", "steps": [{"name": "mlp", "losses": [0.5, 0.25]}, {"name": "broken", "error": "…"}]}
//
// Exit status: as that of run_models.mjs.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createSession, readInputs, readManifest, startRuntime } from "./runtime.mjs";

async function takeSteps(ort, folder, { name, step, initial, count, state, batch }) {
  const first = await createSession(ort, join(folder, initial));
  const session = await createSession(ort, join(folder, step));
  try {
    for (const output of session.outputNames)
      if (output !== "loss" && !Object.values(state).includes(output))
        throw new Error(`the metadata of ${step} do not list its output ${output}`);
    const values = { ...(await first.run({})) };
    const batches = batch.map((input) => readInputs(ort, folder, input, count));
    const losses = [];
    for (let k = 0; k < count; ++k) {
      batch.forEach((input, i) => (values[input.name] = batches[i][k]));
      const results = await session.run(values);
      losses.push(Number(results.loss.data[0]));
      for (const [input, next] of Object.entries(state)) values[input] = results[next];
    }
    return { name, losses };
  } finally {
    await session.release();
    await first.release();
  }
}

const { folder, ort } = startRuntime();
const steps = [];
for (const entry of readManifest(join(folder, "steps.json"), "steps")) {
  try {
    steps.push(await takeSteps(ort, folder, entry));
  } catch (error) {
    steps.push({ name: entry.name, error: error.message });
    process.exitCode = 1;
  }
}
const lines = steps.map((step) => JSON.stringify(step)).join(",\n ");
writeFileSync(join(folder, "step_results.json"), `{"runtime": "${ort.env.versions.node}", "steps": [\n ${lines}\n]}\n`);
const failed = steps.filter((step) => "error" in step).length;
console.log(`ONNX Runtime ${ort.env.versions.node}: ${steps.length - failed} of ${steps.length} steps ran`);

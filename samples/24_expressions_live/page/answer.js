// The answers over time: probabilities that do not flicker, and words for them.

export const classes = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"];

const timeConstant = 300;  // ms after which a change has come through by 63 %
const sure = 0.5;  // a probability from which one label is enough
const quiet = 4000;  // ms between two labels read out
const settled = 1000;  // ms that a label lasts before it is read out

/** Exponential smoothing over time: an answer counts for as long as it lasted. */
export class Smoother {
  #value = null;
  #time;

  /** The smoothed probabilities after new ones at a time in ms; the first ones count at once. */
  add(probabilities, time) {
    const share = this.#value ? 1 - Math.exp((this.#time - time) / timeConstant) : 1;
    this.#value = Float64Array.from(probabilities, (p, i) => share * p + (1 - share) * (this.#value?.[i] ?? 0));
    this.#time = time;
    return this.#value;
  }

  forget() {
    this.#value = null;
  }
}

/** The index of the highest probability, and the label in words. */
export function describe(probabilities) {
  const [first, second] = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
  const text = probabilities[first] >= sure ? `The label is ${classes[first]}.`
                                            : `The label is ${classes[first]}, or ${classes[second]}.`;
  return { first, text };
}

/** Decides which labels are read out: those that last, and not more often than one can listen to. */
export class Speaker {
  #label;
  #since;
  #spoken = null;
  #spokenAt = -Infinity;

  /** The text to read out for the label shown at a time in ms, or null. */
  hear(label, text, time) {
    if (label !== this.#label) {
      this.#label = label;
      this.#since = time;
    }
    if (label === this.#spoken || time - this.#since < settled || time - this.#spokenAt < quiet) return null;
    this.#spoken = label;
    this.#spokenAt = time;
    return text;
  }

  forget() {
    this.#label = undefined;
    this.#spoken = null;
  }
}

// The weights within an ONNX file, which is a message of protobuf.

// The numbers of the fields, from onnx.proto.
const model = { graph: 7 }, graph = { initializer: 5 }, tensor = { dataType: 2, name: 8, rawData: 9 };
const float = 1;
const text = new TextDecoder();

// Reads a number of variable length at `at.position`, and moves on. Wider ones than 2⁵³ lose digits; none is needed.
function readNumber(bytes, at) {
  let value = 0;
  for (let factor = 1;; factor *= 128) {
    if (at.position >= bytes.length) throw new Error("the ONNX file ends within a number");
    const byte = bytes[at.position++];
    value += (byte & 127) * factor;
    if (byte < 128) return value;
  }
}

// The fields of a message: {number, value} for a number, {number, begin, end} for bytes.
function* fields(bytes, begin, end) {
  const at = { position: begin };
  while (at.position < end) {
    const tag = readNumber(bytes, at), number = Math.floor(tag / 8), type = tag % 8;
    if (type === 0) {
      yield { number, value: readNumber(bytes, at) };
    } else if (type === 2) {
      const length = readNumber(bytes, at), first = at.position;
      at.position += length;
      if (at.position > end) throw new Error("the ONNX file ends within a field");
      yield { number, begin: first, end: at.position };
    } else if (type === 1 || type === 5) {
      at.position += type === 1 ? 8 : 4;
    } else {
      throw new Error(`the ONNX file has a field of the unknown type ${type}`);
    }
  }
}

function readTensor(bytes, { begin, end }) {
  const result = {};
  for (const field of fields(bytes, begin, end)) {
    if (field.number === tensor.dataType) result.type = field.value;
    else if (field.number === tensor.name) result.name = text.decode(bytes.subarray(field.begin, field.end));
    else if (field.number === tensor.rawData) [result.begin, result.end] = [field.begin, field.end];
  }
  return result;
}

/** Where an ONNX file has the bytes of its initialisers of type float: a map of {begin, end} by name. */
export function findWeights(bytes) {
  const found = new Map();
  for (const part of fields(bytes, 0, bytes.length)) {
    if (part.number !== model.graph) continue;
    for (const field of fields(bytes, part.begin, part.end)) {
      if (field.number !== graph.initializer) continue;
      const { name, type, begin, end } = readTensor(bytes, field);
      if (type === float && begin !== undefined) found.set(name, { begin, end });
    }
  }
  return found;
}

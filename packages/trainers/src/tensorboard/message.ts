/** A field of a protobuf message: its number, and its bytes as the wire has them. */
export type Field = Uint8Array;

/** A message of fields, in their order (protobuf.dev/programming-guides/encoding). */
export const message = (...fields: readonly Field[]): Uint8Array => Buffer.concat(fields);

/** Kinds of a field on the wire. */
const [asVarint, asDouble, asBytes, asFloat] = [0, 1, 2, 5];

const key = (number: number, wire: number): Uint8Array => varint(number * 8 + wire);

/** Seven bits a byte, the lowest first; whole numbers in [0, 2⁵³). */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Uint8Array.from([...bytes, rest]);
}

export const whole = (number: number, value: number): Field => Buffer.concat([key(number, asVarint), varint(value)]);

export function double(number: number, value: number): Field {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([key(number, asDouble), bytes]);
}

export function float(number: number, value: number): Field {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([key(number, asFloat), bytes]);
}

/** A text, bytes, or a message within the message. */
export function bytes(number: number, value: string | Uint8Array): Field {
  const content = Buffer.from(value);
  return Buffer.concat([key(number, asBytes), varint(content.length), content]);
}

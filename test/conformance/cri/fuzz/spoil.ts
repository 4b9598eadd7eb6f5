import { ScalarType, type DescField, type DescMessage } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Random } from "#test/support/random.ts";
import { badUtf8, hostileIntegers, hostileStrings } from "./hostile-values.ts";

const maxDepth = 6;
/** Mostly one: with more the first that is refused hides the others. */
const fieldCounts = [1, 1, 1, 2, 3];
const manyElements = 5_000;
const maxListBytes = 1 << 20;

/**
 * A message of a few hostile fields, as bytes to be put behind those of a good message: a reader merges the two, and the later
 * scalar wins. Lists get more elements. Source: protobuf.dev/programming-guides/encoding, "Last One Wins".
 */
export function spoil(message: DescMessage, random: Random, depth = 0): Uint8Array {
  const writer = new BinaryWriter();
  if (message.fields.length === 0) return writeUnknown(writer, random).finish();
  for (let count = random.pick(fieldCounts); count > 0; count--) spoilField(writer, message, random, depth);
  return writer.finish();
}

function spoilField(writer: BinaryWriter, message: DescMessage, random: Random, depth: number): void {
  if (random.next() < 0.03) return void writeUnknown(writer, random);
  const field = random.pick(message.fields);
  if (random.next() < 0.04) return void writeWrongType(writer, field);
  const times = isList(field) && random.next() < 0.02 ? manyElements : 1;
  if (times === 1) return void writeField(writer, field, random, depth);
  const one = writeField(new BinaryWriter(), field, random, maxDepth).finish();
  // Within what a message may weigh.
  for (let count = Math.min(times, maxListBytes / one.length); count > 0; count--) writer.raw(one);
}

function isList({ fieldKind }: DescField): boolean {
  return fieldKind === "list" || fieldKind === "map";
}

function writeField(writer: BinaryWriter, field: DescField, random: Random, depth: number): BinaryWriter {
  if (field.fieldKind === "map") {
    const entry = new BinaryWriter();
    entry.tag(1, WireType.LengthDelimited).bytes(hostileText(random));
    entry.tag(2, WireType.LengthDelimited).bytes(hostileText(random));
    writer.tag(field.number, WireType.LengthDelimited).bytes(entry.finish());
  } else if (field.message !== undefined) {
    const inner = depth >= maxDepth ? new Uint8Array() : spoil(field.message, random, depth + 1);
    writer.tag(field.number, WireType.LengthDelimited).bytes(inner);
  } else if (field.scalar === ScalarType.STRING || field.scalar === ScalarType.BYTES) {
    writer.tag(field.number, WireType.LengthDelimited).bytes(hostileText(random));
  } else if (field.scalar === ScalarType.DOUBLE) {
    writer.tag(field.number, WireType.Bit64).double(random.pick([NaN, Infinity, -1, 1e308]));
  } else {
    // Enums too: numbers that they do not have.
    writer.tag(field.number, WireType.Varint).int64(random.pick(hostileIntegers));
  }
  return writer;
}

function hostileText(random: Random): Uint8Array {
  return random.next() < 0.1 ? random.pick(badUtf8) : new TextEncoder().encode(random.pick(hostileStrings));
}

function writeUnknown(writer: BinaryWriter, random: Random): BinaryWriter {
  const number = random.pick([999, 19_999, 536_870_911]);
  return writer.tag(number, WireType.LengthDelimited).bytes(hostileText(random));
}

/** As if the field were of another type: a number for a text, a text for a number. */
function writeWrongType(writer: BinaryWriter, { number, message, scalar }: DescField): BinaryWriter {
  const isText = message !== undefined || scalar === ScalarType.STRING || scalar === ScalarType.BYTES;
  if (isText) return writer.tag(number, WireType.Varint).int32(7);
  return writer.tag(number, WireType.LengthDelimited).bytes(new TextEncoder().encode("seven"));
}

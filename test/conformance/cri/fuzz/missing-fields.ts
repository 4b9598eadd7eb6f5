import { clone, fromBinary, toBinary, type DescField, type DescMessage } from "@bufbuild/protobuf";
import { reflect, type ReflectMessage } from "@bufbuild/protobuf/reflect";

/** The message as often as it has fields, those of inner messages too: each time without another one of them. */
export function* withoutEachField(message: DescMessage, bytes: Uint8Array): Generator<Uint8Array> {
  const whole = fromBinary(message, bytes);
  for (const path of setFields(reflect(message, whole))) {
    const partial = clone(message, whole);
    clearAt(reflect(message, partial), path);
    yield toBinary(message, partial);
  }
}

type Path = readonly DescField[];

function* setFields(message: ReflectMessage): Generator<Path> {
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    yield [field];
    if (field.fieldKind !== "message") continue;
    for (const inner of setFields(message.get(field))) yield [field, ...inner];
  }
}

function clearAt(message: ReflectMessage, [field, ...rest]: Path): void {
  if (field === undefined) return;
  if (rest.length > 0 && field.fieldKind === "message") clearAt(message.get(field), rest);
  else message.clear(field);
}

/** Where a member of a JSON text stands. */
export type JsonPlace = {
  /** Names from the root: `["log-opts", "max-size"]`; members of lists are left out. */
  readonly path: readonly string[];
  /** Of the name, from 1. */
  readonly line: number;
};

/** Deeper members have no place: nothing of Docker's is, and a hostile text shall not cost more than its length. */
const maxDepth = 8;

/**
 * Every named member of a JSON text in the order of the text, a name that is there twice twice.
 *
 * For showing where something stands: the text must be JSON already, and what is read from it comes from `JSON.parse`.
 */
export function jsonPlaces(text: string): JsonPlace[] {
  const places: JsonPlace[] = [];
  /** Name that the open object or list is the value of; lists have no names below. */
  const open: { readonly isObject: boolean; name: string | undefined }[] = [];
  let line = 1;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"(?:\s*:)?|[{}[\],\n]/gs)) {
    const here = open.at(-1);
    if (token === "\n") line++;
    else if (token === "{" || token === "[") open.push({ isObject: token === "{", name: undefined });
    else if (token === "}" || token === "]") open.pop();
    else if (token.endsWith(":") && here?.isObject === true) {
      here.name = nameOf(token);
      if (open.length <= maxDepth) places.push({ path: open.flatMap(({ name }) => name ?? []), line });
      line += token.split("\n").length - 1;
    }
  }
  return places;
}

function nameOf(token: string): string {
  const name: unknown = JSON.parse(token.replace(/\s*:$/, ""));
  return String(name);
}

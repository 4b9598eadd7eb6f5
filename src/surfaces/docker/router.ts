import { EngineError } from "#base/errors.ts";
import type { RouteEntry } from "./route.ts";

export type FoundRoute = {
  readonly entry: RouteEntry;
  /** What stands where the route's path says `:name`, decoded; empty where it says no such thing. */
  readonly name: string;
};

/**
 * Finds the route of a method and a path.
 *
 * Paths are as in {@link RouteEntry}: `:word` stands for one segment that is not empty; words win over names
 * (`/images/json` is not an image called `json`).
 */
export class Router {
  readonly #byShape = new Map<string, Pattern[]>();

  constructor(entries: readonly RouteEntry[]) {
    for (const entry of entries) {
      const segments = entry.path.split("/");
      const shape = shapeOf(entry.method, segments);
      const patterns = this.#byShape.get(shape) ?? [];
      patterns.push({ entry, segments, names: segments.filter(isName).length });
      this.#byShape.set(
        shape,
        patterns.sort((a, b) => a.names - b.names),
      );
    }
  }

  /**
   * `path` without version and query.
   *
   * @throws invalidArgument for a name that is not well encoded
   */
  find(method: string, path: string): FoundRoute | undefined {
    const segments = path.split("/");
    const pattern = this.#byShape.get(shapeOf(method, segments))?.find((candidate) => fits(candidate, segments));
    if (pattern === undefined) return undefined;
    return { entry: pattern.entry, name: decode(segments[pattern.segments.indexOf(":name")] ?? "") };
  }
}

type Pattern = { readonly entry: RouteEntry; readonly segments: readonly string[]; readonly names: number };

function shapeOf(method: string, segments: readonly string[]): string {
  return `${method} ${segments.length}`;
}

function fits({ segments }: Pattern, given: readonly string[]): boolean {
  return segments.every((segment, index) => (isName(segment) ? given[index] !== "" : given[index] === segment));
}

function isName(segment: string): boolean {
  return segment.startsWith(":");
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (error) {
    throw new EngineError("invalidArgument", `path: ${segment} is not well encoded`, { cause: error });
  }
}

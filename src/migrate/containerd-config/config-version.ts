import { EngineError } from "#base/errors.ts";

export type ContainerdVersion = { readonly major: number; readonly minor: number };

/** @throws invalidArgument for a text that is no version */
export function parseContainerdVersion(text: string): ContainerdVersion {
  const [, major, minor] = /(?:^|\s|v)(\d+)\.(\d+)(?:[.~+-]|\s|$)/.exec(text) ?? [];
  if (major === undefined || minor === undefined) {
    throw new EngineError("invalidArgument", `containerd version ${JSON.stringify(text)}: not as 1.7.28`);
  }
  return { major: Number(major), minor: Number(minor) };
}

/**
 * `version` of the configuration that this containerd writes itself; each reads older ones too, none a newer one.
 * Source: containerd `version/version.go` by tag.
 *
 * @throws failedPrecondition for containerd before 1.3, which knows no version 2
 */
export function containerdConfigVersion({ major, minor }: ContainerdVersion): 2 | 3 | 4 {
  if (major > 2 || (major === 2 && minor >= 3)) return 4;
  if (major === 2) return 3;
  if (minor >= 3) return 2;
  throw new EngineError("failedPrecondition", `containerd ${major}.${minor}: too old for a node, install 1.6 or later`);
}

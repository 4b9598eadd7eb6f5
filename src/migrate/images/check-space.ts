import { stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { EngineError, errnoOf } from "#base/errors.ts";
import { sizeText } from "#base/size-text.ts";
import type { DiskNeed } from "./image-target.ts";

/** A filesystem, what will come onto it, what it has left. */
export type SpaceForecast = DiskNeed & { readonly freeBytes: number; readonly freeInodes: number };

/** Left free beside what is needed: other processes write too. */
export const reserveBytes = 64 * 1024 * 1024;

/** Needs added up by filesystem, with what is free there. */
export async function forecastSpace(needs: readonly DiskNeed[]): Promise<SpaceForecast[]> {
  const byDevice = new Map<number, SpaceForecast>();
  for (const { path, bytes, inodes, notes = [] } of needs) {
    const existing = await existingParent(path);
    const { dev } = await stat(existing);
    const known = byDevice.get(dev);
    if (known !== undefined) {
      const all = [...(known.notes ?? []), ...notes];
      byDevice.set(dev, { ...known, bytes: known.bytes + bytes, inodes: known.inodes + inodes, notes: all });
      continue;
    }
    const { bavail, bsize, ffree, files } = await statfs(existing);
    // A filesystem that makes inodes as it goes counts none.
    const freeInodes = files === 0 ? Number.MAX_SAFE_INTEGER : ffree;
    byDevice.set(dev, { path, bytes, inodes, notes, freeBytes: bavail * bsize, freeInodes });
  }
  return [...byDevice.values()];
}

/** @throws resourceExhausted when one does not have what it needs */
export function checkSpace(forecasts: readonly SpaceForecast[]): void {
  for (const { path, bytes, inodes, freeBytes, freeInodes } of forecasts) {
    if (bytes > 0 && bytes + reserveBytes > freeBytes) {
      throw new EngineError(
        "resourceExhausted",
        `${path}: ${sizeText(bytes)} will be needed, ${sizeText(freeBytes)} are free`,
      );
    }
    if (inodes > freeInodes) {
      throw new EngineError("resourceExhausted", `${path}: ${inodes} inodes will be needed, ${freeInodes} are free`);
    }
  }
}

async function existingParent(path: string): Promise<string> {
  for (let at = path; ; at = dirname(at)) {
    try {
      await stat(at);
      return at;
    } catch (error) {
      if (errnoOf(error) !== "ENOENT" || at === dirname(at)) throw error;
    }
  }
}

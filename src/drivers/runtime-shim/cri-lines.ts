import { formatRfc3339, type UnixNs } from "#base/clock.ts";

const newline = 0x0a;

/**
 * What of `bytes` can be logged now in CRI's format, and how much of it that is: whole lines (`F`), and pieces (`P`) of
 * one that is longer than `maxLineBytes`; with `ended` the rest too. Pure.
 *
 * Source: kubernetes/design-proposals-archive node/kubelet-cri-logging.md.
 */
export function formatCriLines(
  bytes: Buffer,
  options: { stream: "stdout" | "stderr"; atNs: UnixNs; ended: boolean; maxLineBytes: number },
): { text: Buffer; consumed: number } {
  const { maxLineBytes } = options;
  const head = `${formatRfc3339(options.atNs)} ${options.stream}`;
  const [full, partial, end] = [Buffer.from(`${head} F `), Buffer.from(`${head} P `), Buffer.from("\n")];
  const parts: Buffer[] = [];
  let at = 0;
  while (at < bytes.length) {
    const found = bytes.indexOf(newline, at);
    const lineEnd = found < 0 ? bytes.length : found;
    if (lineEnd - at > maxLineBytes) {
      parts.push(partial, bytes.subarray(at, at + maxLineBytes), end);
      at += maxLineBytes;
    } else if (found >= 0) {
      parts.push(full, bytes.subarray(at, found), end);
      at = found + 1;
    } else if (options.ended) {
      parts.push(partial, bytes.subarray(at), end);
      at = bytes.length;
    } else break;
  }
  return { text: Buffer.concat(parts), consumed: at };
}

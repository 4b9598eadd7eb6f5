import { readFile } from "node:fs/promises";

/** The mount that `path`, absolute and without links, is seen through: the deepest one above it. Source: proc_pid_mountinfo(5). */
export async function findMountPoint(path: string): Promise<string> {
  const lines = (await readFile("/proc/self/mountinfo", "utf8")).split("\n");
  const points = lines.map((line) => unescaped(line.split(" ")[4] ?? ""));
  const above = points.filter((point) => point === "/" || path === point || path.startsWith(`${point}/`));
  return above.reduce((deepest, point) => (point.length >= deepest.length ? point : deepest), "/");
}

/** Spaces and such are written in octal. */
function unescaped(field: string): string {
  return field.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** Mount points of a /proc/<pid>/mountinfo in its order. Source: proc_pid_mountinfo(5). */
export function parseMountPoints(mountinfo: string): string[] {
  const points: string[] = [];
  for (const line of mountinfo.split("\n")) {
    const point = line.split(" ")[4];
    if (point !== undefined) points.push(unescapeOctal(point));
  }
  return points;
}

/** The kernel writes space, tab, newline and backslash as `\040` and the like; bytes above 127 stand as they are. */
function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

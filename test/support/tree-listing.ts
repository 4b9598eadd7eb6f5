import { execFile } from "node:child_process";
import { promisify } from "node:util";

const execute = promisify(execFile);
const options = { maxBuffer: 1 << 28, encoding: "latin1" } as const;

/**
 * Every file of a tree, one line each: name, type, mode, owner, size, time in nanoseconds, link target, link count,
 * device, then lines of xattrs (of the namespaces `xattrs`) and of all contents. By find, getfattr and sha256sum, not by our own code.
 */
export async function treeListing(root: string, xattrs = "user|security"): Promise<string[]> {
  const attributes = String.raw`%p|%y|%m|%U:%G|%T@|%l|%n`;
  const notDirectories = [".", "!", "-type", "d", "-printf", String.raw`${attributes}|%s\n`];
  const directories = [".", "-type", "d", "-printf", String.raw`%p|%y|%m|%U:%G|%T@\n`];
  const files = await execute("find", notDirectories, { ...options, cwd: root });
  const dirs = await execute("find", directories, { ...options, cwd: root });
  const devices = await execute(
    "find",
    [".", "(", "-type", "c", "-o", "-type", "b", ")", "-exec", "stat", "-c", "%n %t:%T", "{}", "+"],
    { ...options, cwd: root },
  );
  const attributeLines = await execute(
    "getfattr",
    ["-R", "-P", "-h", "-d", "-m", `^(${xattrs})\\.`, "--absolute-names", "."],
    { ...options, cwd: root },
  );
  const contents = await execute("sh", ["-c", "find . -type f -print0 | sort -z | xargs -0 -r sha256sum"], {
    ...options,
    cwd: root,
  });
  const lines = [files, dirs, devices, contents].flatMap(({ stdout }) => stdout.split("\n").sort());
  const blocks = attributeLines.stdout.split("\n\n").sort();
  return [...lines, ...blocks].filter((line) => line !== "");
}

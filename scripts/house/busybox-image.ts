import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { tarDirectory, tarFile, tarSymlink, writeTar, type TarItem } from "#base/tar/write-tar.ts";

const execute = promisify(execFile);

/** Makes `image` from this machine's busybox: one layer with its applets, nothing from the internet. */
export async function importBusybox(ferry: string, image: string): Promise<void> {
  const busybox = ["/bin/busybox", "/usr/bin/busybox"].find(existsSync);
  if (busybox === undefined) throw new Error("there is no busybox: apt-get install busybox-static");
  const child = spawn(ferry, ["import", "--change", 'CMD ["sh"]', "-", image], {
    stdio: ["pipe", "ignore", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const { promise: ended, resolve } = Promise.withResolvers<number | null>();
  child.once("close", resolve);
  await pipeline(Readable.from(writeTar(busyboxTree(busybox))), child.stdin).catch(() => {});
  if ((await ended) !== 0) throw new Error(`ferry import failed: ${errors.trim()}`);
}

async function* busyboxTree(busybox: string): AsyncGenerator<TarItem> {
  for (const name of ["bin", "dev", "etc", "home", "lib", "lib64", "proc", "root", "sys", "usr", "var"])
    yield { entry: tarDirectory(name) };
  yield { entry: tarDirectory("tmp", { mode: 0o1777 }) };
  yield file("bin/busybox", await readFile(busybox), 0o755);
  const { stdout } = await execute(busybox, ["--list"]);
  for (const applet of stdout.split("\n").filter((name) => name !== "" && name !== "busybox"))
    yield { entry: tarSymlink(`bin/${applet}`, "busybox") };
  yield file("etc/passwd", Buffer.from("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"));
  yield file("etc/group", Buffer.from("root:x:0:\nnogroup:x:65534:\n"));
  for (const library of await sharedLibraries(busybox))
    yield file(library.replace(/^\/(usr\/)?/, ""), await readFile(library), 0o755);
}

function file(name: string, body: Uint8Array, mode = 0o644): TarItem {
  return { entry: tarFile(name, body.length, { mode }), body };
}

/** What a dynamic busybox loads; nothing for a static one, of which ldd says so by failing. */
async function sharedLibraries(program: string): Promise<string[]> {
  const listed = await execute("ldd", [program]).catch(() => ({ stdout: "" }));
  return [...listed.stdout.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map((match) => match[1] ?? "");
}

/**
 * From a fresh clone to a running container.
 *
 *   npm run quickstart              install what is missing, start ferryd, make an image, run it
 *   npm run quickstart -- --down    take away all that it started
 */
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { busyboxPackages, installPackages, runtimePackages } from "./house/debian-packages.ts";
import { importBusybox } from "./house/busybox-image.ts";
import { prepareMachine } from "./house/prepare-machine.ts";
import { isServing, runFerry, startInBackground, stopDaemon } from "./house/quickstart-daemon.ts";
import { clearState } from "./house/clear-state.ts";

const root = "/var/lib/ferry";
const state = "/run/ferry";
/** Says that the daemon and its root are the quickstart's own, so that `--down` may take them away. */
const mark = join(root, "quickstart.json");
const image = "quickstart/busybox:latest";
const ferry = resolve("bin/ferry");

try {
  const { values } = parseArgs({ options: { down: { type: "boolean", default: false } } });
  if (process.getuid?.() !== 0) throw new Error("containers need root: run it with sudo");
  await (values.down ? down() : up());
} catch (error) {
  console.error(`quickstart: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

async function up(): Promise<void> {
  installPackages([...runtimePackages, ...busyboxPackages]);
  prepareMachine();
  if (await isServing(state)) console.log("ferryd is running already");
  else {
    const fresh = !existsSync(root);
    await mkdir(root, { recursive: true, mode: 0o710 });
    if (fresh) await writeFile(mark, "{}\n");
    console.log(`starting ferryd (root ${root}, state ${state}, log ${root}/ferryd.log)`);
    await startDaemon();
  }
  const images = await runFerry(ferry, ["images", "-q", image]);
  if (images.trim() === "") {
    console.log(`making the image ${image} from this machine's busybox`);
    await importBusybox(ferry, image);
  }
  console.log(`$ ferry run --rm ${image} echo 'hello from a container'`);
  process.stdout.write(await runFerry(ferry, ["run", "--rm", image, "echo", "hello from a container"]));
  console.log(`
Try these:
  ${ferry} run --rm -it ${image} sh
  ${ferry} run -d --name web -p 8080:80 ${image} sh -c 'echo hello from ferry > /index.html; exec httpd -f -h /' && sleep 1 && curl 127.0.0.1:8080
  DOCKER_HOST=unix://${state}/docker.sock docker ps
Take it all away again: npm run quickstart -- --down`);
}

async function down(): Promise<void> {
  if (!existsSync(mark)) {
    console.log(
      existsSync(root)
        ? `${root} was not made by the quickstart; nothing was changed`
        : "nothing to take away: the quickstart is not up",
    );
    return;
  }
  if (!(await isServing(state))) await startDaemon();
  const containers = (await runFerry(ferry, ["ps", "-aq"])).split("\n").filter((id) => id !== "");
  if (containers.length > 0) await runFerry(ferry, ["rm", "-f", "-v", ...containers]);
  await runFerry(ferry, ["network", "prune", "-f"]);
  const { pid } = JSON.parse(await readFile(mark, "utf8")) as { pid: number };
  await stopDaemon(pid);
  await clearState(state);
  await rm(root, { recursive: true, force: true });
  console.log(`stopped ferryd and removed its ${containers.length} containers, ${root} and ${state}`);
  console.log("Debian packages that were installed stay; remove them with apt-get if nothing else uses them");
}

async function startDaemon(): Promise<void> {
  const pid = await startInBackground(resolve("bin/ferryd"), join(root, "ferryd.log"), state);
  if (existsSync(mark)) await writeFile(mark, `${JSON.stringify({ pid })}\n`);
}

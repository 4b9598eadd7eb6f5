import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { cp, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { clearCgroups } from "../../crash/clear-machine.ts";
import { runToEnd, type Output } from "../ferry-bed.ts";
import { containerdBinary } from "../containerd.ts";
import { otherDockerd } from "../docker-engine.ts";
import { command, unmountBelow } from "../processes.ts";
import { temporaryDirectory } from "../temporary-directory.ts";
import { claimSubnet } from "./claim-subnet.ts";

/** Directories that a node has of its own; the rest of its files are this machine's. */
const ownDirectories = ["etc", "run", "var/lib", "var/log", "usr/local/bin", "opt"];
/** Of this machine's /etc, what programs cannot do without. */
const sharedEtc =
  "passwd group nsswitch.conf hosts ld.so.cache ld.so.conf ld.so.conf.d alternatives/iptables alternatives/ip6tables alternatives/iptables-save alternatives/iptables-restore alternatives/ip6tables-save alternatives/ip6tables-restore ssl protocols services iproute2 os-release debian_version apparmor.d".split(
    " ",
  );
const init = new URL("init/main.ts", import.meta.url).pathname;
export const nodeCommand = [process.execPath, "--conditions=source", "--disable-warning=ExperimentalWarning"];

type Parts = { readonly directory: string; readonly number: number; readonly undo: AsyncDisposableStack };

/**
 * A machine within this one: its own processes, mounts, network and host name, and an init that runs units. Commands run
 * in it see its `/etc`, `/run`, `/var/lib`; disposing it ends every process and leaves nothing.
 */
export class TestNode implements AsyncDisposable {
  readonly directory: string;
  readonly name: string;
  /** `198.18.x`: this machine is `.1` there, the node `.2`. */
  readonly subnet: string;
  /** Where its containers' cgroups go. */
  readonly cgroupParent: string;
  /** This machine's end of its network. */
  readonly #link: string;
  readonly #undo: AsyncDisposableStack;
  #unshare: ChildProcess | undefined;
  #pid = 0;

  private constructor(name: string, { directory, number, undo }: Parts) {
    this.directory = directory;
    this.name = name;
    this.subnet = `198.18.${number}`;
    this.#link = linkOf(number);
    this.cgroupParent = `/${directory.split("/").at(-1)}`;
    this.#undo = undo;
  }

  /** Makes its directories; it does not run yet. */
  static async create(name: string): Promise<TestNode> {
    await using undo = new AsyncDisposableStack();
    const { path } = undo.use(await temporaryDirectory("node"));
    const { number } = undo.use(await claimSubnet(linkOf));
    const node = new TestNode(name, { directory: path, number, undo: undo.move() });
    for (const directory of ownDirectories) await mkdir(node.at(directory), { recursive: true });
    for (const directory of ["var/lib/dpkg", "run/lock", "etc/systemd/system"])
      await mkdir(node.at(directory), { recursive: true });
    for (const each of sharedEtc) {
      await mkdir(dirname(node.at(`etc/${each}`)), { recursive: true });
      await cp(`/etc/${each}`, node.at(`etc/${each}`), { recursive: true, verbatimSymlinks: true }).catch(() => {});
    }
    await mkdir(node.at("opt/cni"));
    await symlink("/usr/lib/cni", node.at("opt/cni/bin"));
    await node.write("/usr/local/bin/runc", runcScript, 0o755);
    await node.write("/etc/resolv.conf", "nameserver 127.0.0.1\n");
    for (const tool of ["systemctl", "journalctl", "systemd-run"])
      await node.write(`/usr/local/bin/${tool}`, controlScript(node.#socket), 0o755);
    return node;
  }

  /** The address that the node sees this machine at. */
  get gateway(): string {
    return `${this.subnet}.1`;
  }

  get address(): string {
    return `${this.subnet}.2`;
  }

  /** Where its Node processes keep compiled code: they start in half the time. */
  get compileCache(): string {
    return this.at("compile-cache");
  }

  /** Where a path of the node lies on this machine, for its own directories. */
  at(path: string): string {
    return join(this.directory, path);
  }

  async write(path: string, text: string, mode = 0o644): Promise<void> {
    await mkdir(dirname(this.at(path)), { recursive: true });
    await writeFile(this.at(path), text, { mode });
  }

  async read(path: string): Promise<string> {
    return await readFile(this.at(path), "utf8");
  }

  /** What `systemctl enable` does, for a node that does not run yet. */
  async enable(unit: string, fragment: string, target = "multi-user.target"): Promise<void> {
    const directory = this.at(`etc/systemd/system/${target}.wants`);
    await mkdir(directory, { recursive: true });
    await symlink(fragment, join(directory, unit));
  }

  /** Starts it and what is enabled on it; this machine has its end of the network then. */
  async boot(): Promise<void> {
    const log = openSync(this.at("console.log"), "w");
    const spaces = ["--mount", "--net", "--pid", "--uts", "--fork", "--kill-child", "--mount-proc"];
    const otherContainerd = containerdBinary.includes("/") ? dirname(containerdBinary) : "";
    const here = [this.directory, this.name, otherContainerd, otherDockerd ?? ""];
    const argv = [...spaces, "sh", "-ec", setUp, "sh", ...here, ...nodeCommand, init, this.#socket];
    this.#unshare = spawn("unshare", argv, { stdio: ["ignore", log, log] });
    this.#pid = await this.#firstProcess();
    await this.#connect();
    await writeFile(this.at("run/network-is-up"), "");
    for (let tries = 0; (await this.console()).split("\n").at(-2) !== "booted"; tries++) {
      if (this.#unshare.exitCode !== null || tries > 4800) throw new Error(`${this.name}: ${await this.console()}`);
      await sleep(50);
    }
  }

  async console(): Promise<string> {
    return await readFile(this.at("console.log"), "utf8").catch(() => "");
  }

  /** Runs a command on the node to its end. */
  async try(argv: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Output> {
    const own = { PATH: path, NODE_COMPILE_CACHE: this.compileCache };
    return await runToEnd([...this.enter, ...argv], { env: { ...own, ...env }, timeoutMs: 300_000 });
  }

  /** As {@link try}. @throws Error with what it wrote when it fails */
  async run(...argv: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.try(argv);
    if (code !== 0) throw new Error(`${argv.join(" ")}: ${code}: ${stderr}${stdout}`);
    return stdout;
  }

  /** What a command line begins with to run on the node. */
  get enter(): readonly string[] {
    return ["nsenter", "--target", String(this.#pid), "--mount", "--net", "--pid", "--uts", "--"];
  }

  /** Ends every process at once, as a power failure does. */
  async powerOff(): Promise<void> {
    const unshare = this.#unshare;
    this.#unshare = undefined;
    if (unshare === undefined || unshare.exitCode !== null) return;
    const ended = once(unshare, "exit");
    unshare.kill("SIGKILL");
    await ended;
    // The kernel takes a network that nobody is in away when it finds the time; its other end need not wait.
    await command(["ip", "link", "delete", this.#link]).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.powerOff();
    await clearCgroups(this.cgroupParent);
    await unmountBelow(this.directory);
    await this.#undo.disposeAsync();
  }

  get #socket(): string {
    return join(this.directory, "init.sock");
  }

  async #firstProcess(): Promise<number> {
    const pid = this.#unshare?.pid ?? 0;
    for (let tries = 0; tries < 6000; tries++) {
      const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
      if (children.trim() !== "") return Number(children.trim().split(" ")[0]);
      await sleep(10);
    }
    throw new Error(`${this.name}: no process: ${await this.console()}`);
  }

  /** A pair of interfaces between this machine and the node; it goes with the node's network. */
  async #connect(): Promise<void> {
    const name = this.#link;
    const peer = ["type", "veth", "peer", "name", "eth0", "netns", String(this.#pid)];
    await command(["ip", "link", "add", name, ...peer]);
    await command(["ip", "address", "add", `${this.gateway}/30`, "dev", name]);
    await command(["ip", "link", "set", name, "up"]);
    const inside = ["nsenter", "--target", String(this.#pid), "--net", "ip"];
    await command([...inside, "address", "add", `${this.address}/30`, "dev", "eth0"]);
    for (const device of ["lo", "eth0"]) await command([...inside, "link", "set", device, "up"]);
    await command([...inside, "route", "add", "default", "via", this.gateway]);
  }
}

function linkOf(number: number): string {
  return `ferry${number}`;
}

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * $1 directory, $2 name, $3 where another containerd is, $4 another dockerd, then the init. Its first process must take orphans in: tini does.
 * Those are the package's, for whoever is on the node.
 */
const setUp = `
directory=$1; hostname "$2"; containerd=$3; dockerd=$4; shift 4
mount --make-rprivate /
mount --bind /var/lib/dpkg "$directory/var/lib/dpkg"
mount -o remount,bind,ro "$directory/var/lib/dpkg"
[ -z "$containerd" ] || for program in containerd containerd-shim-runc-v2; do
  mount --bind "$containerd/$program" "/usr/bin/$program"
done
[ -z "$dockerd" ] || mount --bind "$dockerd" /usr/sbin/dockerd
for own in ${ownDirectories.join(" ")}; do mount --rbind "$directory/$own" "/$own"; done
until [ -e /run/network-is-up ]; do sleep 0.05; done
rm /run/network-is-up
exec tini -- "$@"
`;

/**
 * runc, for a machine whose root has no CAP_SYS_RESOURCE: it may not make processes harder to kill, and not give that right to
 * privileged containers.
 */
const runcScript = `#!/bin/sh
grep -q '^CapEff:.*[13579bdf]......$' /proc/self/status || for word; do
  if [ "$bundle" = next ]; then
    sed -i 's/"oomScoreAdj":-[0-9]*/"oomScoreAdj":0/; s/"CAP_SYS_RESOURCE",//g' "$word/config.json"
  fi
  bundle=; [ "$word" = --bundle ] && bundle=next
done
exec /usr/sbin/runc "$@"
`;

/** Sends what it was called with to the init, and tells what that says. */
function controlScript(socket: string): string {
  return `#!/bin/sh
{ for word in "\${0##*/}" "$@"; do printf '%s\\n' "$word"; done; echo; } | socat -t 600 - UNIX-CONNECT:${socket} | {
  code=1
  while IFS= read -r line; do
    case $line in
      1*) printf '%s\\n' "\${line#1}" ;;
      2*) printf '%s\\n' "\${line#2}" >&2 ;;
      =*) code=\${line#=} ;;
    esac
  done
  exit $code
}
`;
}

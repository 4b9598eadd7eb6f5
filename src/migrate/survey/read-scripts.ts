import type { Call } from "../call.ts";
import type { HostRoot } from "../host/host-root.ts";
import type { HostText } from "../host/read-unit.ts";

/** Where administrators leave what runs by itself, and how deep to look. */
const places: readonly (readonly [directory: string, depth: number])[] = [
  ["/etc/cron.d", 0],
  ["/etc/cron.hourly", 0],
  ["/etc/cron.daily", 0],
  ["/etc/cron.weekly", 0],
  ["/etc/cron.monthly", 0],
  ["/var/spool/cron", 1],
  ["/etc/systemd/system", 2],
  ["/lib/systemd/system", 0],
  ["/usr/lib/systemd/system", 0],
  ["/etc/init.d", 0],
  ["/etc/logrotate.d", 0],
  ["/etc/profile.d", 0],
  ["/usr/local/bin", 1],
  ["/usr/local/sbin", 1],
  ["/opt", 3],
  ["/root", 2],
  ["/var/lib/cloud/scripts", 2],
];
const files = ["/etc/crontab", "/etc/rc.local", "/var/lib/cloud/instance/user-data.txt"];

/** Docker's own files, and the runtimes'. */
const own =
  /\/(?:docker|containerd|cri-docker|cri-dockerd|ferryd)(?:\.(?:service|socket)(?:\.d\/.*)?)?$|\/docker-(?:ce|proxy|init)/;
const aboutDocker = /\bdocker\b|docker\.sock|docker-compose|dockershim/;
/** Documents, and what tools keep for themselves. */
const passedOver = /\.(?:md|rst|txt|html?|adoc|1)$|^(?:README|CHANGELOG|LICENSE)/i;
const passedDirectories = /^(?:\..*|node_modules|cni|containerd|docs?|tests?)$/;
const maxFileBytes = 256 << 10;
const maxFiles = 20_000;
const maxTexts = 500;

/** Texts that say anything of Docker; programs and large files are not looked into. */
export async function readScripts(call: Call, root: HostRoot): Promise<HostText[]> {
  const found = new Map<string, HostText>();
  let seen = 0;
  const look = async (path: string) => {
    if (
      own.test(path) ||
      passedOver.test(path.slice(path.lastIndexOf("/") + 1)) ||
      ++seen > maxFiles ||
      found.size >= maxTexts
    )
      return;
    const stat = await root.find(path);
    if (stat?.kind !== "file" || stat.sizeBytes > maxFileBytes) return;
    const real = (await root.findRealPath(path)) ?? path;
    const text = await root.findText(path);
    if (text !== undefined && !text.includes("\0") && aboutDocker.test(text) && !own.test(real))
      found.set(real, { path: real, text });
  };
  const walk = async (directory: string, depth: number): Promise<void> => {
    for (const name of await root.list(directory)) {
      call.signal.throwIfAborted();
      const path = `${directory}/${name}`;
      const kind = (await root.find(path, { follow: false }))?.kind;
      if (kind === "directory" && depth > 0 && !passedDirectories.test(name)) await walk(path, depth - 1);
      else if (kind === "file" || kind === "link") await look(path);
    }
  };
  for (const path of files) await look(path);
  for (const [directory, depth] of places) await walk(directory, depth);
  return [...found.values()];
}

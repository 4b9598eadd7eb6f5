import { access, chmod, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A CNI plugin that does nothing, and takes long over it when armed: time to end the daemon that waits for it. */
export type SlowPlugin = {
  /** Its name, for a network's list. */
  readonly type: string;
  /** The next calls take a few seconds. */
  arm(): Promise<void>;
  /** Settles when it is called; later calls are quick again. */
  reached(): Promise<void>;
};

/** Writes it into `directory`, where plugins are to be looked for. */
export async function writeSlowPlugin(directory: string): Promise<SlowPlugin> {
  const type = "frslow";
  const [program, armed, reached] = [type, "armed", "reached"].map((name) => join(directory, name));
  if (program === undefined || armed === undefined || reached === undefined)
    throw new Error("three names, three paths");
  const script = `#!/bin/sh
if [ "$CNI_COMMAND" != VERSION ] && [ -e ${armed} ]; then
  touch ${reached}
  sleep 3
fi
exec /usr/lib/cni/tuning
`;
  await writeFile(program, script);
  await chmod(program, 0o755);
  return {
    type,
    async arm() {
      await rm(reached, { force: true });
      await writeFile(armed, "");
    },
    async reached() {
      for (let tries = 0; !(await exists(reached)); tries++) {
        if (tries > 500) throw new Error("the plugin was not called in 10 s");
        await sleep(20);
      }
      await rm(armed);
    },
  };
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

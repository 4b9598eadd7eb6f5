import { rm } from "node:fs/promises";
import { join } from "node:path";
import { debianImage } from "./debian-image.ts";
import { command } from "./processes.ts";

/**
 * What the long form of the tests (`FERRY_TEST_LONG=1`) has beside the small images: a Debian of 13,000 files, one that has
 * its `/usr` twice (500 MB), and four more on top of each other.
 */
export async function makeLargeDockerImages(host: string, directory: string): Promise<readonly string[]> {
  const docker = async (...args: string[]) => await command(["docker", "--host", host, ...args]);
  const { layout, tag } = await debianImage();
  const archive = join(directory, "debian.tar");
  await command(["skopeo", "copy", "-q", `oci:${layout}:${tag}`, `docker-archive:${archive}:ferry.test/loaded:1`]);
  await docker("load", "-q", "-i", archive);
  await rm(archive);
  const changes = [
    ["debian", "echo debian > /etc/says"],
    ["twice", "cp -a /usr /usr2 && echo twice > /etc/says"],
    ["without", "rm -rf /usr2/share && echo without > /etc/says"],
    ["renewed", "rm -rf /usr2/lib && mkdir /usr2/lib && echo renewed > /etc/says"],
    ["linked", "cp -al /usr2/bin /usr2/bin-too && echo linked > /etc/says"],
    ["owned", "chown -R 1000:1000 /usr2/bin && echo owned > /etc/says"],
  ] as const;
  const names: string[] = [];
  for (const [word, script] of changes) {
    const name = `ferry.test/${word}:1`;
    await docker(
      "run",
      "--name",
      word,
      "--network=none",
      names.at(-1) ?? "ferry.test/loaded:1",
      "/bin/sh",
      "-c",
      script,
    );
    await docker("commit", word, name);
    await docker("rm", word);
    names.push(name);
  }
  await docker("rmi", "ferry.test/loaded:1");
  return names;
}

import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { makeReport } from "#migrate/assess/report.ts";
import { HostRoot } from "#migrate/host/host-root.ts";
import { surveyHost } from "#migrate/survey/survey-host.ts";
import { openDockerEngine } from "#test/support/docker-engine.ts";
import { layerTar } from "#test/support/image-fixture.ts";
import { command } from "#test/support/processes.ts";
import { requireBinary, requireRoot } from "#test/support/require.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";

const call = { signal: new AbortController().signal };

test("what a real Docker left behind is found in a copy of its host", async (t) => {
  if (!requireRoot(t) || !requireBinary(t, "dockerd", "docker")) return;
  await using directory = await temporaryDirectory("assess-docker");
  const inRoot = (path: string) => join(directory.path, path);
  for (const path of ["usr/bin", "lib/systemd/system", "var/lib/docker"])
    await mkdir(inRoot(path), { recursive: true });
  await writeFile(inRoot("usr/bin/dockerd"), "");
  await writeFile(inRoot("lib/systemd/system/docker.service"), "[Service]\nExecStart=/usr/bin/dockerd\n");
  const opened = await openDockerEngine({ root: inRoot("var/lib/docker") });
  if (opened.host === undefined) {
    t.skip(opened.why);
    return;
  }
  await using engine = opened;
  const docker = async (...words: string[]) => await command(["docker", "--host", engine.host, ...words]);
  await writeFile(inRoot("layer.tar"), await layerTar({ "etc/motd": "hello\n" }));
  await docker("import", inRoot("layer.tar"), "built-here:1");
  const labels = ["--label", "io.kubernetes.pod.uid=u", "--label", "io.kubernetes.docker.type=container"];
  await docker("create", "--name", "k8s_app_web_default_u_0", "--network", "none", ...labels, "built-here:1", "/none");
  await docker(
    "create",
    "--name",
    "registry",
    "--restart",
    "always",
    "--volume",
    "data:/data",
    "--network",
    "none",
    "built-here:1",
    "/none",
  );
  await writeFile(inRoot("var/lib/docker/volumes/data/_data/file"), "12345");
  await engine.stop();

  const host = await surveyHost(call, { root: new HostRoot(directory.path), progress() {} });
  const { findings } = makeReport({ clusters: [], host, aim: { targetMinor: undefined }, toolVersion: "", madeAt: "" });
  const titles = findings.map(({ check, title }) => `${check}: ${title.replace(/^node this host: /, "")}`);
  const wanted = [
    "docker-volumes: volume data holds 4KiB",
    "local-images: image built-here:1 came from no registry",
    "orphaned-containers: Docker has 1 containers of pods, 0 running",
    "other-containers: 1 containers run outside of Kubernetes: registry",
  ];
  assert.deepEqual(titles.filter((title) => wanted.includes(title)).toSorted(), wanted);
  assert.deepEqual(host.missing, []);
  assert.deepEqual(
    host.containers.map(({ image }) => image),
    ["built-here:1", "built-here:1"],
  );
});

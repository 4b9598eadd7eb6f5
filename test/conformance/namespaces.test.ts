import assert from "node:assert/strict";
import test from "node:test";
import { FerryBed } from "#test/support/ferry-bed.ts";
import { requireBinary, requireRoot } from "#test/support/require.ts";
import { openTestImages } from "#test/support/test-images.ts";

/** Everything that a namespace lists, ids and names. */
async function listed(ferry: FerryBed, ...namespace: string[]): Promise<Record<string, string>> {
  return {
    containers: await ferry.run(...namespace, "ps", "-a", "--format", "{{.Names}}"),
    images: await ferry.run(...namespace, "images", "--format", "{{.Repository}}"),
    networks: await ferry.run(...namespace, "network", "ls", "--filter", "type=custom", "--format", "{{.Name}}"),
    volumes: await ferry.run(...namespace, "volume", "ls", "-q"),
  };
}

test("a namespace shows nothing of another one; blobs are shared", { timeout: 1_000_000 }, async (t) => {
  if (!requireRoot(t) || !requireBinary(t, "docker-registry", "skopeo", "umoci", "conmon")) return;
  await using images = await openTestImages();
  await using ferry = await FerryBed.open();
  const other = ["--namespace", "k8s.io"];
  const nothing = { containers: "", images: "", networks: "", volumes: "" };
  await ferry.run("pull", "-q", images.small);
  await ferry.run("run", "-d", "--name", "web", images.small, "sh", "-c", "echo mine; exec sleep 1000");
  await ferry.run("network", "create", "front");
  await ferry.run("volume", "create", "data");
  assert.deepEqual(await listed(ferry, ...other), nothing);
  for (const words of [
    ["inspect", "web"],
    ["logs", "web"],
    ["stop", "web"],
    ["exec", "web", "true"],
    ["rm", "web"],
  ]) {
    const { code, stderr } = await ferry.ferry([...other, ...words]);
    assert.notEqual(code, 0, words.join(" "));
    assert.match(stderr, /no such (?:container|object)/i);
  }
  const id = await ferry.run("inspect", "-f", "{{.Id}}", "web");
  assert.equal((await ferry.ferry([...other, "stop", id])).code, 1, "nor by its id");
  assert.equal((await ferry.ferry([...other, "run", "--rm", "--network", "front", images.small, "true"])).code, 125);

  const pulled = await ferry.run(...other, "pull", images.small);
  assert.match(pulled, /Already exists/, "the blobs are there");
  // The same names are free.
  await ferry.run(
    ...other,
    "run",
    "-d",
    "--name",
    "web",
    "-v",
    "data:/d",
    images.small,
    "sh",
    "-c",
    "echo theirs; exec sleep 1000",
  );
  assert.equal(await ferry.run(...other, "logs", "web"), "theirs");
  assert.equal(await ferry.run("logs", "web"), "mine");
  await ferry.run(...other, "rm", "-f", "web");
  await ferry.run(...other, "volume", "rm", "data");
  await ferry.run(...other, "rmi", images.small);
  assert.deepEqual(await listed(ferry, ...other), nothing);
  // What is shared is still there for those who have it.
  assert.equal(await ferry.run("run", "--rm", images.small, "echo", "still"), "still");
  assert.equal(await ferry.run("inspect", "-f", "{{.State.Status}}", "web"), "running");
  await ferry.run("rm", "-f", "web");
});

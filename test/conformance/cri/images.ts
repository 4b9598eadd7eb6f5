import assert from "node:assert/strict";
import { Code } from "@connectrpc/connect";
import { fixtureImage } from "#test/support/image-fixture.ts";
import { TestRegistry } from "#test/support/registry.ts";
import { refused, type Case } from "./kubelet.ts";

const auth = { t: "bearer", username: "sailor", password: "ahoy" } as const;
const { username, password } = auth;

export const images: readonly Case[] = [
  {
    title: "by tag and by digest are one image, with its size and names",
    run: async ({ images, bed }) => {
      const tagged = { image: bed.images.layered };
      const { imageRef } = await images.pullImage({ image: tagged });
      const { image } = await images.imageStatus({ image: tagged });
      assert.deepEqual([image?.id, image?.repoTags], [imageRef, [bed.images.layered]]);
      assert.ok((image?.size ?? 0n) > 100_000n);
      const [byDigest = ""] = image?.repoDigests ?? [];
      assert.match(byDigest, /^127\.0\.0\.1:\d+\/layered@sha256:[0-9a-f]{64}$/);
      assert.equal((await images.pullImage({ image: { image: byDigest } })).imageRef, imageRef);
      for (const name of [imageRef, byDigest])
        assert.equal((await images.imageStatus({ image: { image: name } })).image?.id, imageRef);
      const { images: found } = await images.listImages({ filter: { image: tagged } });
      assert.deepEqual(
        found.map(({ id }) => id),
        [imageRef],
      );
      for (const _ of [1, 2]) await images.removeImage({ image: { image: imageRef } });
      assert.equal((await images.imageStatus({ image: tagged })).image, undefined);
    },
  },
  {
    title: "that are asked for twice at once are pulled once",
    run: async ({ images }) => {
      await using registry = await TestRegistry.start();
      const image = {
        image: registry.add("shared", "1", await fixtureImage({ layers: [{ "etc/file": Buffer.alloc(100_000, 1) }] })),
      };
      const pulled = await Promise.all([1, 2, 3, 4].map(async () => await images.pullImage({ image })));
      assert.equal(new Set(pulled.map(({ imageRef }) => imageRef)).size, 1);
      const blobs = registry.requests.filter((line) => line.startsWith("GET") && line.includes("/blobs/"));
      assert.equal(new Set(blobs).size, blobs.length);
      await images.removeImage({ image });
    },
  },
  {
    title: "behind a password: by the request's credentials in each of their forms, and not without",
    run: async ({ images }) => {
      await using registry = await TestRegistry.start({ auth });
      const image = { image: registry.add("secret", "1", await fixtureImage({ layers: [{ "etc/secret": "kept" }] })) };
      const basic = Buffer.from(`${username}:${password}`).toString("base64");
      for (const given of [
        { username, password },
        { auth: basic },
        { username, password, serverAddress: `http://${registry.host}` },
      ]) {
        await images.pullImage({ image, auth: given });
        await images.removeImage({ image });
      }
      await refused(images.pullImage({ image }), Code.Unauthenticated, Code.PermissionDenied);
      await refused(
        images.pullImage({ image, auth: { username, password: "wrong" } }),
        Code.Unauthenticated,
        Code.PermissionDenied,
      );
      await refused(
        images.pullImage({ image, auth: { auth: "no base64" } }),
        Code.InvalidArgument,
        Code.Unauthenticated,
      );
    },
  },
  {
    title: "that are not there, or no names, are told as such",
    run: async ({ images, bed }) => {
      await refused(images.pullImage({ image: { image: `${bed.images.host}/no/such:1` } }), Code.NotFound);
      await refused(images.pullImage({ image: { image: "127.0.0.1:1/nobody/listens:1" } }), Code.Unavailable);
      await refused(images.pullImage({ image: { image: "No:Such:Name" } }), Code.InvalidArgument);
      await images.removeImage({ image: { image: `${bed.images.host}/no/such:1` } });
      assert.equal((await images.imageStatus({ image: { image: "sha256:0123" } })).image, undefined);
    },
  },
  {
    title: "tell their filesystem and their user",
    run: async ({ images, bed }) => {
      const { imageFilesystems } = await images.imageFsInfo({});
      assert.equal(imageFilesystems.length, 1);
      assert.ok((imageFilesystems[0]?.usedBytes?.value ?? 0n) > 0n);
      assert.ok(imageFilesystems[0]?.fsId?.mountpoint.startsWith("/"));
      const { image, info } = await images.imageStatus({ image: { image: bed.image }, verbose: true });
      assert.deepEqual([image?.uid?.value, image?.username], [0n, ""]);
      assert.ok(Object.keys(info).length > 0);
    },
  },
];

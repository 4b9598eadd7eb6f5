import assert from "node:assert/strict";
import { Protocol } from "#gen/runtime/v1/sandboxes_pb.ts";
import { eventuallyPasses } from "#test/support/eventually.ts";
import { freePort } from "#test/support/test-images.ts";
import type { Case, Kubelet } from "./kubelet.ts";

/** Serves one file over HTTP. */
const webServer = [
  "sh",
  "-c",
  "mkdir /www && echo hello from $(hostname) > /www/index.html && exec busybox httpd -f -p 8080 -h /www",
];

async function addressOf(kubelet: Kubelet, podSandboxId: string): Promise<string> {
  return (await kubelet.runtime.podSandboxStatus({ podSandboxId })).status?.network?.ip ?? "";
}

/** The page of a server that may not listen yet. */
async function page(url: string): Promise<string> {
  let text = "";
  await eventuallyPasses(async () => {
    text = (await (await fetch(url, { signal: AbortSignal.timeout(20_000) })).text()).trim();
  });
  return text;
}

export const network: readonly Case[] = [
  {
    title: "pods have addresses, and reach each other by them",
    run: async (kubelet) => {
      const [server, client] = [await kubelet.networkedPod({ hostname: "server" }), await kubelet.networkedPod()];
      await kubelet.start(server, { command: webServer });
      const [address, other] = [await addressOf(kubelet, server), await addressOf(kubelet, client)];
      assert.notEqual(address, other);
      assert.equal(await page(`http://${address}:8080/`), "hello from server");
      const visitor = await kubelet.start(client);
      assert.equal(await kubelet.shell(visitor, `wget -qO- http://${address}:8080/`), "hello from server");
      assert.match(await kubelet.shell(visitor, "ip -o -4 addr show eth0"), new RegExp(` ${other}/`));
    },
  },
  {
    title: "a pod of the host's network has no address of its own, and its containers the host's ports",
    run: async (kubelet) => {
      const pod = await kubelet.pod();
      assert.equal(await addressOf(kubelet, pod), "");
      const port = await freePort();
      await kubelet.start(pod, {
        command: ["sh", "-c", `mkdir /www; echo hi > /www/index.html; exec busybox httpd -f -p ${port} -h /www`],
      });
      assert.equal(await page(`http://127.0.0.1:${port}/`), "hi");
    },
  },
  {
    title: "a port of the host leads to the pod, until it is stopped",
    run: async (kubelet) => {
      const hostPort = await freePort();
      const portMappings = [{ protocol: Protocol.TCP, containerPort: 8080, hostPort }];
      const podSandboxId = await kubelet.networkedPod({ hostname: "mapped", portMappings });
      await kubelet.start(podSandboxId, { command: webServer });
      assert.equal(await page(`http://127.0.0.1:${hostPort}/`), "hello from mapped");
      await kubelet.runtime.stopPodSandbox({ podSandboxId });
      await assert.rejects(fetch(`http://127.0.0.1:${hostPort}/`, { signal: AbortSignal.timeout(2_000) }));
    },
  },
  {
    title: "names are looked for where the pod says",
    run: async (kubelet) => {
      const dnsConfig = { servers: ["10.9.8.7", "10.9.8.6"], searches: ["a.local", "b.local"], options: ["ndots:5"] };
      const id = await kubelet.start(await kubelet.networkedPod({ dnsConfig }));
      const lines = ["search a.local b.local", "nameserver 10.9.8.7", "nameserver 10.9.8.6", "options ndots:5"];
      assert.equal(await kubelet.shell(id, "cat /etc/resolv.conf"), lines.join("\n"));
    },
  },
  {
    title: "a low port and a ping need no privilege",
    run: async (kubelet) => {
      const id = await kubelet.start(await kubelet.networkedPod(), {
        linux: { securityContext: { namespaceOptions: { pid: 1 }, runAsUser: { value: 1000n } } },
      });
      const read = "cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ping_group_range";
      assert.equal(await kubelet.shell(id, read), "0\n0\t2147483647");
    },
  },
];

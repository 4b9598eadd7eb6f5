import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import test from "node:test";
import dnsPacket, { type RecordType } from "dns-packet";
import type { Network, NetworkId } from "#core/networks/network.ts";
import { answerQuery } from "./answer-query.ts";
import { Zones } from "./zones.ts";

function network(name: string, change: Partial<Network> = {}): Network {
  return {
    id: name as NetworkId,
    name,
    driver: "bridge",
    subnets: [],
    internal: false,
    ipv6: false,
    attachable: false,
    labels: {},
    options: {},
    createdAtNs: 0n,
    builtin: false,
    ...change,
  };
}

const blue = network("blue");
const red = network("red", { internal: true });

function zones(): Zones {
  const made = new Zones();
  made.set(blue, { containerId: "w", names: ["web", "0123456789ab", "app"], ipv4: "10.1.0.2", ipv6: "fd00::2" });
  made.set(blue, { containerId: "d", names: ["db", "app"], ipv4: "10.1.0.3" });
  made.set(red, { containerId: "d", names: ["db"], ipv4: "10.2.0.3" });
  made.set(red, { containerId: "s", names: ["secret"], ipv4: "10.2.0.9" });
  return made;
}

function query(name: string, type: RecordType = "A"): Buffer {
  return dnsPacket.encode({ type: "query", id: 7, flags: dnsPacket.RECURSION_DESIRED, questions: [{ name, type }] });
}

function ask(name: string, type: RecordType = "A", from = "10.1.0.2", on = "blue"): string {
  const verdict = answerQuery(query(name, type), zones().viewFrom(on, from), 4096);
  if (verdict.t !== "reply") return verdict.t;
  const reply = dnsPacket.decode(verdict.bytes);
  assert.deepEqual([reply.id, reply.flag_aa, reply.flag_rd, reply.questions?.length], [7, true, true, 1]);
  return (reply.answers ?? [])
    .map((answer) => ("data" in answer && typeof answer.data === "string" ? answer.data : ""))
    .sort()
    .join(" ");
}

test("names, short ids, aliases, in any case, with the network's name too", () => {
  assert.equal(ask("web"), "10.1.0.2");
  assert.equal(ask("WEB"), "10.1.0.2");
  assert.equal(ask("0123456789ab"), "10.1.0.2");
  assert.equal(ask("web.blue"), "10.1.0.2");
  assert.equal(ask("app"), "10.1.0.2 10.1.0.3");
});

test("a name without an address of the family is empty, an unknown one goes on", () => {
  assert.equal(ask("web", "AAAA"), "fd00::2");
  assert.equal(ask("db", "AAAA"), "");
  assert.equal(ask("web", "MX"), "");
  assert.equal(ask("example.com"), "forward");
  assert.equal(ask("web.example.com"), "forward");
});

test("each sees the networks it is on, no other", () => {
  assert.equal(ask("secret"), "forward");
  assert.equal(ask("secret", "A", "10.1.0.3"), "10.2.0.9");
  assert.equal(ask("db", "A", "10.1.0.3"), "10.1.0.3 10.2.0.3");
  assert.equal(ask("web", "A", "10.2.0.9", "red"), "forward");
});

test("reverse look-ups of both families", () => {
  assert.equal(ask("3.0.1.10.in-addr.arpa", "PTR"), "db.blue");
  assert.equal(ask(`2${".0".repeat(29)}.d.f.ip6.arpa`, "PTR"), "web.blue");
  assert.equal(ask("9.9.9.10.in-addr.arpa", "PTR"), "forward");
});

test("only internal networks lead nowhere", () => {
  const all = zones();
  assert.equal(all.viewFrom("red", "10.2.0.9").reachesOutside, false);
  assert.equal(all.viewFrom("red", "10.2.0.3").reachesOutside, true);
});

test("more addresses than fit are truncated and say so", () => {
  const many = new Zones();
  for (let index = 0; index < 200; index++) {
    many.set(blue, { containerId: `c${index}`, names: ["all"], ipv4: `10.1.1.${index}` });
  }
  const verdict = answerQuery(query("all"), many.viewFrom("blue", "10.1.1.1"), 512);
  assert.equal(verdict.t, "reply");
  if (verdict.t !== "reply") return;
  const reply = dnsPacket.decode(verdict.bytes);
  assert.ok(verdict.bytes.length <= 512 && reply.flag_tc && (reply.answers?.length ?? 0) > 20);
});

test("nothing that comes in makes it throw, and no response is answered", () => {
  const view = zones().viewFrom("blue", "10.1.0.2");
  const good = query("web");
  const inputs = Array.from({ length: 2000 }, (_, index) => {
    const bytes = index % 2 === 0 ? randomBytes(index % 300) : Buffer.from(good);
    if (index % 2 === 1) bytes[index % bytes.length] = index & 0xff;
    return bytes;
  });
  // A name that points at itself, and counts that promise more than there is.
  inputs.push(
    Buffer.from("000701000001000000000000c00c00010001", "hex"),
    Buffer.from("00070100ffffffffffffffff", "hex"),
  );
  inputs.push(Buffer.alloc(65_000, 0x3f));
  for (const input of inputs) {
    const verdict = answerQuery(input, view, 512);
    const response = input.length >= 12 && (input.readUInt8(2) & 0x80) !== 0;
    if (response || input.length < 12) assert.equal(verdict.t, "ignore");
  }
  assert.equal(answerQuery(Buffer.alloc(65_000), view, 512).t, "reply");
});

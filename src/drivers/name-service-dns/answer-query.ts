import dnsPacket, { type Answer, type DecodedPacket, type Packet, type Question } from "dns-packet";
import type { View } from "./zones.ts";

/** What to do with a query: say `reply`, say nothing, or pass it on as it came. */
export type Verdict =
  | { readonly t: "reply"; readonly bytes: Buffer }
  | { readonly t: "ignore" }
  | { readonly t: "forward" };

/** Docker's. */
const ttlSeconds = 600;

/** A query of a stub resolver is some dozen bytes; what is longer is not worth the work of decoding. */
const maxQueryBytes = 4096;

const rcodes = { noError: 0, formatError: 1, serverFailure: 2, notImplemented: 4 } as const;

/**
 * Answers a query from what `view` has; never throws, whatever `query` is.
 *
 * A name that exists without an address of the wanted family gets an empty answer, not "no such name": resolvers ask
 * for both families and would believe the latter for both.
 */
export function answerQuery(query: Buffer, view: View, maxReplyBytes: number): Verdict {
  if (query.length < 12 || isResponse(query)) return { t: "ignore" };
  if (query.length > maxQueryBytes) return refusal(query, rcodes.formatError);
  if (opcodeOf(query) !== 0) return refusal(query, rcodes.notImplemented);
  let packet: DecodedPacket;
  try {
    packet = dnsPacket.decode(query);
  } catch {
    return refusal(query, rcodes.formatError);
  }
  const [question, ...more] = packet.questions ?? [];
  if (question === undefined || more.length > 0) return refusal(query, rcodes.formatError);
  const answers = question.class === "IN" ? answersTo(question, view) : undefined;
  if (answers === undefined) return { t: "forward" };
  const limit = Math.max(512, Math.min(maxReplyBytes, ednsLimit(packet)));
  return { t: "reply", bytes: encodeReply(packet, question, shuffled(answers), limit) };
}

/** "Server failure" for a query that could not be passed on. */
export function failureReply(query: Buffer): Buffer {
  return emptyReply(query, rcodes.serverFailure);
}

function answersTo(question: Question, view: View): Answer[] | undefined {
  const { name, type } = question;
  if (type === "PTR") {
    const data = view.findReverse(name);
    return data === undefined ? undefined : [{ type, name, ttl: ttlSeconds, data }];
  }
  const found = view.find(name);
  if (found === undefined) return undefined;
  // dns-packet calls 255 ANY; its types do not list it.
  const asked: string = type;
  const answers = (kind: "A" | "AAAA", addresses: readonly string[]): Answer[] =>
    asked === "ANY" || asked === kind ? addresses.map((data) => ({ type: kind, name, ttl: ttlSeconds, data })) : [];
  return [...answers("A", found.ipv4), ...answers("AAAA", found.ipv6)];
}

function encodeReply(packet: DecodedPacket, question: Question, answers: readonly Answer[], limit: number): Buffer {
  const reply = (kept: readonly Answer[], flags: number): Packet => ({
    type: "response",
    id: packet.id ?? 0,
    flags: flags | dnsPacket.AUTHORITATIVE_ANSWER | dnsPacket.RECURSION_AVAILABLE | recursionDesired(packet),
    questions: [question],
    answers: [...kept],
  });
  const whole = dnsPacket.encode(reply(answers, 0));
  if (whole.length <= limit) return whole;
  const overhead = dnsPacket.encodingLength(reply([], 0));
  const each = (whole.length - overhead) / answers.length;
  const kept = answers.slice(0, Math.max(0, Math.floor((limit - overhead) / each)));
  return dnsPacket.encode(reply(kept, dnsPacket.TRUNCATED_RESPONSE));
}

function recursionDesired(packet: DecodedPacket): number {
  return packet.flag_rd ? dnsPacket.RECURSION_DESIRED : 0;
}

function ednsLimit(packet: DecodedPacket): number {
  const option = packet.additionals?.find((record) => record.type === "OPT");
  return option?.type === "OPT" ? option.udpPayloadSize : 65_535;
}

/** Those who take the first address spread over all of them. */
function shuffled(answers: readonly Answer[]): Answer[] {
  const start = Math.floor(Math.random() * Math.max(1, answers.length));
  return [...answers.slice(start), ...answers.slice(0, start)];
}

function refusal(query: Buffer, rcode: number): Verdict {
  return { t: "reply", bytes: emptyReply(query, rcode) };
}

/** The query's header alone, turned into a response: needs nothing of it to be decodable. */
function emptyReply(query: Buffer, rcode: number): Buffer {
  const reply = Buffer.alloc(12);
  query.copy(reply, 0, 0, 2);
  const opcodeAndRecursion = query.readUInt16BE(2) & 0x7900;
  reply.writeUInt16BE(0x8080 | opcodeAndRecursion | rcode, 2);
  return reply;
}

function isResponse(query: Buffer): boolean {
  return (query.readUInt8(2) & 0x80) !== 0;
}

function opcodeOf(query: Buffer): number {
  return (query.readUInt8(2) >> 3) & 0xf;
}

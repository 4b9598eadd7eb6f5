import { EngineError } from "#base/errors.ts";

/** An address as a number, so that ranges are arithmetic. */
export type IpAddress = { readonly family: 4 | 6; readonly value: bigint };

/** A block of addresses: `first` is its network address. */
export type IpBlock = { readonly family: 4 | 6; readonly first: bigint; readonly prefixLength: number };

/** An IPv4 or IPv6 address (without zone); undefined when `text` is neither. */
export function findIpAddress(text: string): IpAddress | undefined {
  const value = text.includes(":") ? ipv6Value(text) : ipv4Value(text);
  return value === undefined ? undefined : { family: text.includes(":") ? 6 : 4, value };
}

/** @throws invalidArgument when `text` is no address */
export function parseIpAddress(text: string): IpAddress {
  const address = findIpAddress(text);
  if (address === undefined) throw new EngineError("invalidArgument", `invalid IP address: ${text}`);
  return address;
}

/** Dotted quad, or RFC 5952's short form. */
export function formatIpAddress(address: IpAddress): string {
  return address.family === 4 ? formatIpv4(address.value) : formatIpv6(address.value);
}

/** `10.1.0.0/16`, host bits kept out of `first`. @throws invalidArgument */
export function parseIpBlock(text: string): IpBlock {
  const [head = "", tail = "", ...more] = text.split("/");
  const address = findIpAddress(head);
  const prefixLength = /^\d{1,3}$/.test(tail) ? Number(tail) : -1;
  if (address === undefined || more.length > 0 || prefixLength < 0 || prefixLength > bitsOf(address.family)) {
    throw new EngineError("invalidArgument", `invalid CIDR address: ${text}`);
  }
  const hostBits = BigInt(bitsOf(address.family) - prefixLength);
  return { family: address.family, first: (address.value >> hostBits) << hostBits, prefixLength };
}

export function formatIpBlock(block: IpBlock): string {
  return `${formatIpAddress({ family: block.family, value: block.first })}/${block.prefixLength}`;
}

/** The highest address of a block. */
export function lastOf(block: IpBlock): bigint {
  return block.first + (1n << BigInt(bitsOf(block.family) - block.prefixLength)) - 1n;
}

export function blockContains(block: IpBlock, address: IpAddress): boolean {
  return block.family === address.family && address.value >= block.first && address.value <= lastOf(block);
}

export function blocksOverlap(a: IpBlock, b: IpBlock): boolean {
  return a.family === b.family && a.first <= lastOf(b) && b.first <= lastOf(a);
}

/** The name a reverse look-up asks for: `1.0.17.172.in-addr.arpa`. */
export function reverseName(address: IpAddress): string {
  if (address.family === 4) return `${formatIpv4(address.value).split(".").reverse().join(".")}.in-addr.arpa`;
  const digits = address.value.toString(16).padStart(32, "0");
  return `${Array.from(digits).reverse().join(".")}.ip6.arpa`;
}

function bitsOf(family: 4 | 6): 32 | 128 {
  return family === 4 ? 32 : 128;
}

function ipv4Value(text: string): bigint | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  const bytes = match.slice(1).map(Number);
  if (bytes.some((byte, index) => byte > 255 || String(byte) !== match[index + 1])) return undefined;
  return bytes.reduce((value, byte) => value * 256n + BigInt(byte), 0n);
}

function ipv6Value(text: string): bigint | undefined {
  const [head = "", tail, ...more] = embeddedIpv4AsHex(text)?.split("::") ?? [":"];
  if (more.length > 0) return undefined;
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const missing = 8 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...before, ...Array<string>(missing).fill("0"), ...after];
  if (groups.some((group) => !/^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return groups.reduce((value, group) => value * 65_536n + BigInt(`0x${group}`), 0n);
}

function embeddedIpv4AsHex(text: string): string | undefined {
  const at = text.lastIndexOf(":");
  if (!text.includes(".")) return text;
  const value = ipv4Value(text.slice(at + 1));
  if (value === undefined) return undefined;
  return `${text.slice(0, at + 1)}${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
}

function formatIpv4(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => ((value >> shift) & 255n).toString()).join(".");
}

function formatIpv6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - index * 16)) & 0xffffn).toString(16));
  const text = groups.join(":");
  const zeros = text.match(/(?:^|(?<=:))0(?::0)+(?=:|$)/g) ?? [];
  const longest = zeros.reduce((best, run) => (run.length > best.length ? run : best), "");
  if (longest === "") return text;
  const at = text.search(new RegExp(`(?:^|(?<=:))${longest}(?=:|$)`));
  return `${text.slice(0, at).replace(/:$/, "")}::${text.slice(at + longest.length).replace(/^:/, "")}`;
}

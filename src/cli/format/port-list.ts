import type { PortSummary } from "#clients/docker/wire-types.ts";

/** `0.0.0.0:8080->80/tcp, 443/tcp`: ports as Docker's table shows them, neighbours gathered into ranges. */
export function formatPortList(ports: readonly PortSummary[]): string {
  const sorted = ports.toSorted(
    (a, b) =>
      a.PrivatePort - b.PrivatePort ||
      compareText(a.IP ?? "", b.IP ?? "") ||
      (a.PublicPort ?? 0) - (b.PublicPort ?? 0) ||
      compareText(a.Type, b.Type),
  );
  const ranges: { first: PortSummary; count: number }[] = [];
  const mapped: string[] = [];
  for (const port of sorted) {
    if (port.PublicPort !== undefined && port.PublicPort !== port.PrivatePort) {
      mapped.push(`${hostOf(port)}${port.PublicPort}->${port.PrivatePort}/${port.Type}`);
      continue;
    }
    const open = ranges.find(({ first, count }) => isNext(first, count, port));
    if (open === undefined) ranges.push({ first: port, count: 1 });
    else open.count++;
  }
  return [...ranges.map(formatRange), ...mapped].join(", ");
}

function isNext(first: PortSummary, count: number, port: PortSummary): boolean {
  const sameKind =
    first.IP === port.IP &&
    first.Type === port.Type &&
    ((first.PublicPort ?? 0) !== 0) === ((port.PublicPort ?? 0) !== 0);
  return sameKind && port.PrivatePort === first.PrivatePort + count;
}

function formatRange({ first, count }: { first: PortSummary; count: number }): string {
  const range = count === 1 ? `${first.PrivatePort}` : `${first.PrivatePort}-${first.PrivatePort + count - 1}`;
  return (first.PublicPort ?? 0) === 0 ? `${range}/${first.Type}` : `${hostOf(first)}${range}->${range}/${first.Type}`;
}

function hostOf({ IP: address = "" }: PortSummary): string {
  if (address === "") return "";
  return address.includes(":") ? `[${address}]:` : `${address}:`;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

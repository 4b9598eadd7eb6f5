import type { Source } from "../host/source.ts";

/** `/etc/docker/daemon.json:3: "live-restore": true` in one line. */
export function formatSource(source: Source): string {
  const excerpt = source.excerpt === undefined ? "" : `  ${source.excerpt}`;
  switch (source.t) {
    case "file":
      return `${source.path}${source.line === undefined ? "" : `:${source.line}`}${excerpt}`;
    case "api":
      return `${source.path}${source.field === undefined ? "" : ` ${source.field}`}${excerpt}`;
    case "system":
      return `${source.what}${excerpt}`;
    default:
      return source satisfies never;
  }
}

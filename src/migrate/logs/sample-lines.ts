/** A line as it stands in a container's log file, and what a collector must make of it. */
export type SampleLine = {
  readonly format: "json-file" | "cri";
  readonly about: string;
  readonly line: string;
};

/** What every node's logs have: both formats, both streams, parts of long lines, times with an offset, awkward text. */
export const sampleLines: readonly SampleLine[] = [
  {
    format: "json-file",
    about: "Docker's line",
    line: '{"log":"ready\\n","stream":"stdout","time":"2026-01-02T03:04:05.678901234Z"}',
  },
  { format: "cri", about: "a line", line: "2026-01-02T03:04:05.678901234Z stdout F ready" },
  { format: "cri", about: "a part of a long line", line: "2026-01-02T03:04:05.678901234Z stderr P 0123456789" },
  { format: "cri", about: "a time with an offset", line: "2026-01-02T05:04:05.678901234+02:00 stdout F ready" },
  { format: "cri", about: "an empty line", line: "2026-01-02T03:04:05.678901234Z stdout F " },
  { format: "cri", about: "JSON as text", line: '2026-01-02T03:04:05.6Z stdout F {"level":"info","msg":"a b"}' },
];

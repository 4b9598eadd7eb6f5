/** A collector's settings for logs in CRI format, and for Docker's as long as both are on a node where it can. */
export type CollectorSettings = {
  readonly collector: string;
  /** File the fragment belongs to, and where in it. */
  readonly place: string;
  readonly settings: string;
  /** What to know beside it. */
  readonly note: string;
};

/** Groups of one line: time, stream, tag, text. The time's zone is an offset as often as `Z`. */
const criLine = String.raw`^(?<time>[^ ]+) (?<stream>stdout|stderr) (?<logtag>[^ ]*) (?<message>.*)$`;

/** Sources: the collectors' own manuals, each named beside its entry. */
export const collectorSettings: readonly CollectorSettings[] = [
  {
    // https://docs.fluentd.org/parser/regexp, github.com/fluent-plugins-nursery/fluent-plugin-concat
    collector: "fluentd",
    place: "the <source> with @type tail that reads /var/log/containers/*.log",
    settings: `<parse>
  @type regexp
  expression /${criLine}/
  time_format %Y-%m-%dT%H:%M:%S.%N%:z
</parse>

<filter kubernetes.**>
  @type concat
  key message
  use_partial_cri_logtag true
  partial_cri_logtag_key logtag
  partial_cri_stream_key stream
</filter>
`,
    note: "The filter joins the parts of long lines and needs the plugin fluent-plugin-concat.",
  },
  {
    // https://docs.fluentbit.io/manual/pipeline/inputs/tail (multiline.parser)
    collector: "fluent-bit",
    place: "the [INPUT] with Name tail that reads /var/log/containers/*.log, in the place of Parser and Docker_Mode",
    settings: `[INPUT]
    Name              tail
    Path              /var/log/containers/*.log
    Tag               kube.*
    multiline.parser  docker, cri
`,
    note: "Both formats are read, line by line, and parts joined; from Fluent Bit 1.8 on.",
  },
  {
    // https://www.elastic.co/docs/reference/beats/filebeat/filebeat-input-filestream (parsers: container)
    collector: "filebeat",
    place: "filebeat.inputs, in the place of inputs of type docker or log",
    settings: `- type: filestream
  id: kubernetes-containers
  paths: ["/var/log/containers/*.log"]
  prospector.scanner.symlinks: true
  parsers:
    - container:
        stream: all
        format: auto
`,
    note: "format: auto reads both formats; from Filebeat 7.14 on. Older ones: type: container, format: auto.",
  },
  {
    // https://grafana.com/docs/loki/latest/send-data/promtail/stages/cri/
    collector: "promtail",
    place: "pipeline_stages of the scrape config for pods, in the place of docker: {}",
    settings: `pipeline_stages:
  - cri: {}
`,
    note: "Reads CRI lines only: change it when the node changes.",
  },
  {
    // https://vector.dev/docs/reference/configuration/sources/kubernetes_logs/
    collector: "vector",
    place: "sources, in the place of a source of type docker_logs",
    settings: `kubernetes:
  type: kubernetes_logs
`,
    note: "Tells the formats apart by itself and joins parts.",
  },
];

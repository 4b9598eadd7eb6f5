/** Where a fact was read; what a report shows as evidence. */
export type Source =
  | {
      readonly t: "file";
      /** As on the host, not below the copied root: `/etc/docker/daemon.json`. */
      readonly path: string;
      /** From 1. */
      readonly line?: number;
      /** The line or value that says it, cut to some 200 characters and free of credentials. */
      readonly excerpt?: string;
    }
  | {
      readonly t: "api";
      /** `/apis/apps/v1/namespaces/kube-system/daemonsets/fluentd` */
      readonly path: string;
      /** Within the object, as `kubectl -o jsonpath` writes it: `.spec.template.spec.volumes[2].hostPath.path` */
      readonly field?: string;
      readonly excerpt?: string;
    }
  /** A running system's answer: `/proc/1234/cmdline`, `docker info`. */
  | { readonly t: "system"; readonly what: string; readonly excerpt?: string };

/** A value with the place that says so. */
export type Fact<T> = { readonly value: T; readonly source: Source };

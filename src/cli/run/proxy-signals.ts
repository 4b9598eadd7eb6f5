import type { DockerClient } from "#clients/docker/docker-client.ts";

const proxied = [
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGTERM",
  "SIGUSR1",
  "SIGUSR2",
  "SIGALRM",
  "SIGCONT",
  "SIGTSTP",
  "SIGTTIN",
  "SIGTTOU",
] as const;

/** Sends every signal we get on to a container, until disposed. One that does not reach it (it has ended) is dropped. */
export function proxySignals(client: DockerClient, containerId: string): Disposable {
  const forward = (signal: string) => {
    const request = { method: "POST", path: `/containers/${containerId}/kill`, query: { signal } } as const;
    client.text(request).catch(() => undefined);
  };
  for (const signal of proxied) process.on(signal, forward);
  return {
    [Symbol.dispose]() {
      for (const signal of proxied) process.off(signal, forward);
    },
  };
}

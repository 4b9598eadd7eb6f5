import { DockerApiError } from "#clients/docker/api-error.ts";
import type { Session } from "../session.ts";
import { startExitCode } from "./start-exit-code.ts";

/** Starts it; 0, or the exit code that says why it could not, which is reported. @throws what is no answer of the daemon */
export async function startContainer(session: Session, containerId: string, command: string): Promise<number> {
  try {
    await session.client.text({ method: "POST", path: `/containers/${containerId}/start` });
    return 0;
  } catch (error) {
    if (!(error instanceof DockerApiError)) throw error;
    const { reportError } = await import("../report-error.ts");
    const code = reportError(error, command);
    return command === "run" ? startExitCode(error.message) : code;
  }
}

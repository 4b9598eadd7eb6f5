import { sizeText } from "#base/size-text.ts";
import type { JsonValue } from "#base/json.ts";
import { textOf } from "./error-answer.ts";

/** One line of a progress stream. Source: moby api/types/jsonstream, pkg/jsonmessage. */
export type Message = Readonly<Record<string, JsonValue>>;

export type MessageDetails = { readonly id?: string; readonly current?: number; readonly total?: number };

/** `{"status": …}`; with an `id` it has a line of its own on the terminal, with `total` a bar too. */
export function message(status: string, { id, current, total }: MessageDetails = {}): Message {
  if (id === undefined) return { status };
  if (current === undefined) return { status, progressDetail: {}, id };
  const known = total !== undefined && total > 0;
  return {
    status,
    progressDetail: known ? { current, total } : { current },
    progress: known ? progressBar(current, total) : sizeText(current, 4),
    id,
  };
}

export function auxMessage(aux: JsonValue): Message {
  return { progressDetail: {}, aux };
}

/** An error after the stream began: its status has been sent. */
export function errorMessage(error: unknown): Message {
  const text = textOf(error);
  return { errorDetail: { message: text }, error: text };
}

/** As it goes over the wire. */
export function encodeMessage(line: Message): string {
  return `${JSON.stringify(line)}\r\n`;
}

/** `[=====>      ]  1.2MB/3.4MB`, fifty wide. */
function progressBar(current: number, total: number): string {
  const done = Math.min(50, Math.trunc((current / total) * 50));
  const head = done < 50 ? `${"=".repeat(done)}>${" ".repeat(50 - done)}` : "=".repeat(50);
  return `[${head}]  ${sizeText(current, 4).padStart(8)}/${sizeText(total, 4)}`;
}

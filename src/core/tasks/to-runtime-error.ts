import { EngineError } from "#base/errors.ts";

/**
 * What a runtime wrote to stderr, as an error whose kind tells a missing command (notFound, exit code 127) from one that
 * cannot be executed (permissionDenied, 126). Pure. Texts that clients look for are runc's, whoever the runtime is.
 *
 * `command` is the program that was to run, `doing` what the runtime was asked for.
 */
export function toRuntimeError(stderr: string, doing: string, command?: string): EngineError {
  const text = messageIn(stderr);
  const start = "unable to start container process: exec:";
  const name = command ?? commandIn(text);
  const quoted = JSON.stringify(name ?? "");
  if (
    /executable file .* not found in \$PATH|exec: "[^"]*": stat .*no such file|exec: "[^"]*": .*not found/.test(text)
  ) {
    const why =
      name?.includes("/") === true ? `stat ${name}: no such file or directory` : "executable file not found in $PATH";
    return new EngineError("notFound", `${start} ${quoted}: ${why}`);
  }
  if (/open executable:|exec: "[^"]*": (permission denied|is a directory)|^exec: Permission denied/m.test(text))
    return new EngineError("permissionDenied", `${start} ${quoted}: permission denied`);
  if (/not a directory/i.test(text) && /mount/.test(text))
    return new EngineError(
      "invalidArgument",
      `${text}: are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type`,
    );
  if (/does not exist|No such container|error opening file `[^`]*\/status`/i.test(text))
    return new EngineError("notFound", `${doing}: ${text}`);
  if (/device or resource busy/i.test(text)) return new EngineError("failedPrecondition", `${doing}: ${text}`);
  return new EngineError(refusesRequest.test(text) ? "invalidArgument" : "internal", `${doing}: ${text}`);
}

/** What the kernel says of a value that was asked for: a limit, a cpuset, an image for another machine. */
const refusesRequest =
  /exec format error|invalid argument|invalid configuration|numerical result out of range|value too large|file name too long|argument list too long|memory limit|(maximum|minimum) allowed/i;

/** The last error of runc's log lines (`time=… level=error msg="…"`), or the text as it stands. */
function messageIn(stderr: string): string {
  const logged = [...stderr.matchAll(/^time=\S+ level=(?:error|fatal) msg=("(?:[^"\\]|\\.)*"|\S+)/gm)];
  const last = logged.at(-1)?.[1];
  if (last === undefined) return stderr.trim() === "" ? "no reason given" : stderr.trim();
  return last.startsWith('"') ? unquote(last) : last;
}

/** Go's quoting is JSON's for what occurs here. */
function unquote(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text.slice(1, -1);
  }
}

function commandIn(text: string): string | undefined {
  return /executable file `([^`]*)`/.exec(text)?.[1] ?? /exec: "([^"]*)"/.exec(text)?.[1];
}

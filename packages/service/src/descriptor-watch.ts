import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";
import { LogLimiter, type Runtime } from "@hawser/runtime";

/** Where descriptors are short, they are so for a while. */
const INTERVAL_MS = 1_000;
/** It may come and go with each connection: a line a minute says as much. */
const LINES = { burst: 1, linesPerSecond: 1 / 60 } as const;

/**
 * Says when this process can open nothing any more, by its own limit (EMFILE) or by the machine's (ENFILE): Node then closes connections that come without telling anybody. One
 * line, and one when it is over; at most one of each a minute.
 *
 * @param open opens and closes something. @default the null device
 */
export function watchDescriptors(
  { clock, logger, timers }: Pick<Runtime, "clock" | "logger" | "timers">,
  open: () => void = () => closeSync(openSync(devNull, "r")),
): void {
  const limiter = new LogLimiter(LINES);
  let isSaid = false;
  const look = (): void => {
    const code = shortageOf(open);
    if (code === undefined && isSaid) {
      isSaid = false;
      logger.info({}, "files can be opened again");
    } else if (code !== undefined && !isSaid && limiter.judge("", clock.now()).write) {
      isSaid = true;
      const whose = code === "EMFILE" ? "this process" : "this machine";
      logger.error(
        { reason: code },
        `${whose} has no file descriptors left: connections that come are closed without a word, and nothing can be opened; raise the limit of open files (${code === "EMFILE" ? "LimitNOFILE=, ulimit -n" : "fs.file-max"})`,
      );
    }
    timers.after(INTERVAL_MS, look);
  };
  look();
}

function shortageOf(open: () => void): "EMFILE" | "ENFILE" | undefined {
  try {
    open();
    return undefined;
  } catch (thrown) {
    const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
    // Whatever else keeps the null device from being opened says nothing of connections.
    return code === "EMFILE" || code === "ENFILE" ? code : undefined;
  }
}

import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";
import { LogLimiter, type Runtime } from "@hawser/runtime";

/** A shortage lasts for a while. */
const INTERVAL_MS = 1_000;
/** It may come and go with each connection; a line a minute suffices. */
const LINES = { burst: 1, linesPerSecond: 1 / 60 } as const;

/**
 * Logs when this process can open no file, by its own limit (EMFILE) or the machine's (ENFILE), and
 * when it can again, at most once a minute each: Node then closes new connections silently.
 * @param open opens and closes a file, by default the null device
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
    // Other errors say nothing about connections.
    return code === "EMFILE" || code === "ENFILE" ? code : undefined;
  }
}

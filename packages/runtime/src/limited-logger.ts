import type { Clock } from "./clock.js";
import { guarded } from "./guarded.js";
import { LogLimiter, type LogLimits } from "./log-limiter.js";
import type { LogFields, Logger } from "./logger.js";

/** Limits of a logger. */
export interface LimitedLoggerOptions {
  readonly clock: Clock;
  /** Per agent and code, and per address and code without a session. */
  readonly perPeer?: LogLimits;
  /** Per code, for all addresses without a session. @default 100 at once, then 10 a second */
  readonly withoutSession?: LogLimits;
  /** Called for each suppressed line, for a metric. */
  readonly onSuppressed?: () => void;
}

const DEFAULT_WITHOUT_SESSION = { burst: 100, linesPerSecond: 10 } as const;

/**
 * A logger that peers cannot flood. Lines that name an agent, an address or a code are limited by
 * these; the next written line counts the suppressed ones in `suppressed`. Lines with an address
 * but no session share a further limit, because anybody may cause them. Lines that name none of the
 * three are the process's own and never suppressed, nor are lines below `info`.
 *
 * The message is never part of the key: a peer may influence it. An exception of the logger loses
 * its line and nothing else.
 */
export function limitedLogger(logger: Logger, options: LimitedLoggerOptions): Logger {
  const { clock, onSuppressed } = options;
  const perPeer = new LogLimiter(options.perPeer);
  const together = new LogLimiter(options.withoutSession ?? DEFAULT_WITHOUT_SESSION);

  function judge({ agent, address, code, sessionId }: Subject): { readonly suppressed: number } | undefined {
    const now = clock.now();
    const isWithoutSession = address !== undefined && sessionId === undefined;
    const verdict = isWithoutSession
      ? perPeer.judge(
          `address ${hostOf(address)} ${code ?? ""}`,
          now,
          () => together.judge(code ?? "", now).write,
        )
      : perPeer.judge(`agent ${agent ?? ""} ${code ?? ""}`, now);
    if (verdict.write) return verdict;
    guarded(() => onSuppressed?.());
    return undefined;
  }

  function limited(inner: Logger, above: Subject): Logger {
    // The caller is in the middle of its work: a failing logger loses only the line.
    function write(level: "debug" | "info" | "warn" | "error", fields: LogFields, message: string): void {
      guarded(() => inner[level](fields, message));
    }
    function line(level: "info" | "warn" | "error", fields: LogFields, message: string): void {
      const subject = subjectOf(fields, above);
      if (subject.agent === undefined && subject.address === undefined && subject.code === undefined)
        return write(level, fields, message);
      const verdict = judge(subject);
      if (verdict === undefined) return;
      const { suppressed } = verdict;
      write(level, suppressed === 0 ? fields : { ...fields, suppressed }, message);
    }
    function childOf(fields: LogFields): Logger {
      try {
        return inner.child(fields);
      } catch {
        return inner;
      }
    }
    return {
      debug: (fields, message) => write("debug", fields, message),
      info: (fields, message) => line("info", fields, message),
      warn: (fields, message) => line("warn", fields, message),
      error: (fields, message) => line("error", fields, message),
      child: (fields) => limited(childOf(fields), subjectOf(fields, above)),
    };
  }

  return limited(logger, {});
}

/** The subject of a line. */
interface Subject {
  readonly agent?: string | undefined;
  readonly address?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly code?: string | undefined;
}

function subjectOf(fields: LogFields, above: Subject): Subject {
  return {
    agent: fields.agent ?? above.agent,
    address: textOf(fields["address"]) ?? above.address,
    sessionId: fields.session_id ?? above.sessionId,
    code: textOf(fields.code) ?? above.code,
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}

/** Without the port, which differs for each connection. */
function hostOf(address: string): string {
  const end = address.lastIndexOf(":");
  return end < 0 ? address : address.slice(0, end);
}

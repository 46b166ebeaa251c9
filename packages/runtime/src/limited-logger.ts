import type { Clock } from "./clock.js";
import { guarded } from "./guarded.js";
import { LogLimiter, type LogLimits } from "./log-limiter.js";
import type { LogFields, Logger } from "./logger.js";

/** What a limited logger counts by, and whom it tells. */
export interface LimitedLoggerOptions {
  readonly clock: Clock;
  /** Of each agent and code, and of each address and code while no agent has a session there. */
  readonly perPeer?: LogLimits;
  /** Of each code, for all addresses without a session together. @default 100 at once, then 10 a second */
  readonly withoutSession?: LogLimits;
  /** Called for each line that is left out; for a metric. */
  readonly onSuppressed?: () => void;
}

const DEFAULT_WITHOUT_SESSION = { burst: 100, linesPerSecond: 10 } as const;

/**
 * A logger that peers cannot flood. A line that names an agent, an address or a code is limited by these; the next one that is written says in `suppressed`
 * how many were left out. Where an address is given and no session, anybody may be behind it: those lines have a limit for all of them as well. Lines that name
 * none of the three are the process's own, and are never left out; neither is anything below `info`, which somebody asked for.
 *
 * The key is never the message: a peer may have a part in that. What the logger throws goes nowhere: a line is lost, and nothing else.
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
    // A line that cannot be written is lost, and nothing else: whoever writes it is in the middle of something.
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

/** Whom a line is about. */
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

/** Without its port, which is another one for each connection. */
function hostOf(address: string): string {
  const end = address.lastIndexOf(":");
  return end < 0 ? address : address.slice(0, end);
}

import {
  CONTROL_TYPE_PREFIX,
  DEFAULT_TIMING,
  encodeControl,
  parseMessage,
  type ControlMessage,
  type Hello,
} from "@hawser/protocol";
import type { Connection } from "@hawser/transport";
import { ADDRESS, type World } from "./world.js";

/** A connection of an agent, as a principal sees it that does only what a test says. */
export interface Caller {
  readonly connection: Connection;
  readonly hello: Hello;
  say(message: ControlMessage): void;
  welcome(): void;
}

/** A principal that hands each hello to a script; for what a well-behaved one would not do. Answers what ends it. */
export function scriptPrincipal(
  world: World,
  onHello: (caller: Caller, count: number) => void,
  onMessage: (caller: Caller, message: ControlMessage) => void = () => {},
): () => void {
  let count = 0;
  return world.network.listen(ADDRESS, world.principalHost, (connection) => {
    let caller: Caller | undefined;
    connection.open({
      message: (event) => {
        if (!event.type.startsWith(CONTROL_TYPE_PREFIX)) return;
        const parsed = parseMessage(event);
        if (parsed.kind !== "control") return;
        if (parsed.message.type === "hello") {
          caller = call(connection, parsed.message);
          onHello(caller, (count += 1));
        } else if (caller !== undefined) onMessage(caller, parsed.message);
      },
      writable: () => {},
      ended: () => {},
    });
  });
}

function call(connection: Connection, hello: Hello): Caller {
  let messages = 0;
  const say = (message: ControlMessage): void => {
    connection.send(encodeControl(message, { id: String((messages += 1)), source: "scripted" }));
  };
  return {
    connection,
    hello,
    say,
    welcome: () =>
      say({
        type: "welcome",
        protocol_version: "1",
        session_id: "scripted",
        epoch: 1,
        store: "scripted-store",
        window: 16,
        settled: "0",
        heartbeat_interval_ms: DEFAULT_TIMING.heartbeatIntervalMs,
        heartbeat_timeout_ms: DEFAULT_TIMING.heartbeatTimeoutMs,
        software: "scripted",
      }),
  };
}

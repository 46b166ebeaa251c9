import { HawserError } from "@hawser/protocol";
import { DEFAULT_DIAL_TIMEOUT_MS, KeepAlive, type Connection, type DialOptions } from "@hawser/transport";
import { Channel, type ChannelSettings } from "./channel.js";
import { ClientConnection } from "./client-connection.js";
import { targetOf } from "./destination.js";

export interface DialSettings extends ChannelSettings {
  readonly authorization: () => string | undefined | Promise<string | undefined>;
}

/** One try to connect: settles once, and leaves nothing open when it fails. */
export function dialGrpc(settings: DialSettings, options: DialOptions): Promise<Connection> {
  const { signal, timeoutMs = DEFAULT_DIAL_TIMEOUT_MS } = options;
  const target = targetOf(settings.to);
  return new Promise((resolve, reject) => {
    let stream: BegunStream | undefined;
    let isSettled = false;

    const settle = (): boolean => {
      if (isSettled) return false;
      isSettled = true;
      deadline.cancel();
      signal?.removeEventListener("abort", onAbort);
      return true;
    };
    const fail = (error: HawserError): void => {
      if (!settle()) return;
      stream?.connection.terminate(error);
      reject(error);
    };
    const onAbort = (): void => {
      fail(new HawserError("aborted", `Dialling ${target} was given up.`, { cause: signal?.reason }));
    };
    const deadline = settings.runtime.timers.after(timeoutMs, () =>
      fail(new HawserError("timeout", `${target} did not answer within ${timeoutMs} ms.`)),
    );

    const begin = (authorization: string | undefined): void => {
      if (isSettled) return;
      const begun = beginStream(settings, authorization, (why) => fail(connectionFailed(target, why)));
      stream = begun;
      // What is said now leaves at once: a proxy may keep the headers of a request back until the
      // client's first message, so who waits for an answer to them waits for ever.
      begun.channel.onReady(() => {
        if (!settle()) return;
        begun.connected();
        resolve(begun.connection);
      });
    };

    if (signal?.aborted === true) return onAbort();
    signal?.addEventListener("abort", onAbort);
    authorize(settings)
      .then(begin)
      .catch((error: unknown) => fail(connectionFailed(target, error)));
  });
}

interface BegunStream {
  readonly channel: Channel;
  readonly connection: ClientConnection;
  connected(): void;
}

/** @param onFail the stream has ended; no news once it is connected */
function beginStream(
  settings: DialSettings,
  authorization: string | undefined,
  onFail: (why: string) => void,
): BegunStream {
  const { stream, runtime } = settings;
  const channel = new Channel(settings);
  const call = channel.call(authorization);
  const keepAlive = new KeepAlive(stream.keepAliveIntervalMs, runtime.timers, {
    bytesRead: () => channel.bytesRead(),
    isPaused: () => false,
    ping: () => {},
    dead: (error) => connection.terminate(error),
  });
  const connection: ClientConnection = new ClientConnection({
    call,
    peer: { address: targetOf(settings.to) },
    settings: stream,
    runtime,
    release: (how) => {
      keepAlive.stop();
      if (how === "finish") return channel.finish();
      // The socket first: a cancelled call ends its stream before it resets it, and half of that looks
      // like a clean end.
      channel.cut();
      call.cancel();
    },
  });
  call.once("status", ({ details }) => onFail(details));
  return {
    channel,
    connection,
    connected() {
      keepAlive.start();
      channel.onRetired(() => connection.retired());
    },
  };
}

async function authorize({ authorization }: DialSettings): Promise<string | undefined> {
  return await authorization();
}

function connectionFailed(target: string, thrown: unknown): HawserError {
  const what = thrown instanceof Error ? thrown.message : String(thrown);
  return new HawserError("connection_failed", `Could not connect to ${target}: ${what}`, { cause: thrown });
}

import { Metadata } from "@grpc/grpc-js";
import { HawserError } from "@hawser/protocol";
import {
  DEFAULT_DIAL_TIMEOUT_MS,
  KeepAlive,
  type Connection,
  type DialOptions,
  type ExtraHeaders,
  type TlsOptions,
} from "@hawser/transport";
import { Channel, type ChannelSettings } from "./channel.js";
import { ClientConnection } from "./client-connection.js";
import { targetOf } from "./destination.js";

export interface DialSettings extends ChannelSettings {
  readonly authorization: () => string | undefined | Promise<string | undefined>;
  readonly headers: () => Promise<ExtraHeaders>;
  /** Absent: plaintext. */
  readonly tls: (() => TlsOptions | Promise<TlsOptions>) | undefined;
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

    const begin = (prepared: Prepared): void => {
      if (isSettled) return;
      const begun = beginStream(settings, prepared, (why) => fail(connectionFailed(settings, why)));
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
    prepare(settings)
      .then(begin)
      .catch((error: unknown) => fail(connectionFailed(settings, error)));
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
  { metadata, tls }: Prepared,
  onFail: (why: string) => void,
): BegunStream {
  const { stream, runtime } = settings;
  const channel = new Channel(settings, tls);
  const call = channel.call(metadata);
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
    sentBytes: () => channel.bytesSent(),
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

/** What is asked for anew for each dial. */
interface Prepared {
  readonly metadata: Metadata;
  /** Absent: plaintext. */
  readonly tls: TlsOptions | undefined;
}

async function prepare({ authorization, headers, tls }: DialSettings): Promise<Prepared> {
  const [shown, extra, options] = await Promise.all([authorization(), headers(), tls?.()]);
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(extra)) metadata.set(name, value);
  if (shown !== undefined) metadata.set("authorization", shown);
  return { metadata, tls: options };
}

function connectionFailed({ to, proxy }: DialSettings, thrown: unknown): HawserError {
  const by = proxy === undefined ? "" : ` through the proxy ${proxy.name}`;
  const what = thrown instanceof Error ? thrown.message : String(thrown);
  return new HawserError("connection_failed", `Could not connect to ${targetOf(to)}${by}: ${what}`, {
    cause: thrown,
  });
}

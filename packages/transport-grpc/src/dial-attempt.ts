import { constants } from "node:http2";
import { HawserError } from "@hawser/protocol";
import { DEFAULT_DIAL_TIMEOUT_MS, type Connection, type DialOptions } from "@hawser/transport";
import { Channel, type ChannelSettings } from "./channel.js";
import { targetOf } from "./destination.js";
import { refusedDial } from "./refused-dial.js";
import { isGrpcContentType } from "./service.js";

export interface DialSettings extends ChannelSettings {
  readonly authorization: () => string | undefined | Promise<string | undefined>;
}

/** One try to connect: settles once, and leaves nothing open when it fails. */
export function dialGrpc(settings: DialSettings, options: DialOptions): Promise<Connection> {
  const { signal, timeoutMs = DEFAULT_DIAL_TIMEOUT_MS } = options;
  const { runtime } = settings;
  const target = targetOf(settings.to);
  return new Promise((resolve, reject) => {
    let channel: Channel | undefined;
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
      channel?.cut();
      reject(error);
    };
    const onAbort = (): void => {
      fail(new HawserError("aborted", `Dialling ${target} was given up.`, { cause: signal?.reason }));
    };
    const deadline = runtime.timers.after(timeoutMs, () =>
      fail(new HawserError("timeout", `${target} did not answer within ${timeoutMs} ms.`)),
    );

    const begin = (authorization: string | undefined): void => {
      if (isSettled) return;
      channel = new Channel(settings);
      const stream = channel.request(authorization, (error) => fail(connectionFailed(target, error)));
      stream.once("response", (headers, flags) => {
        const isOver = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
        if (isOver || headers[":status"] !== 200 || !isGrpcContentType(headers["content-type"])) {
          return fail(refusedDial(target, headers));
        }
        if (channel === undefined || !settle()) return;
        resolve(channel.connection(stream));
      });
    };

    if (signal?.aborted === true) return onAbort();
    signal?.addEventListener("abort", onAbort);
    authorize(settings)
      .then(begin)
      .catch((error: unknown) => fail(connectionFailed(target, error)));
  });
}

async function authorize({ authorization }: DialSettings): Promise<string | undefined> {
  return await authorization();
}

function connectionFailed(target: string, thrown: unknown): HawserError {
  const code = typeof thrown === "object" && thrown !== null && "code" in thrown ? String(thrown.code) : "";
  // Node reports several failed addresses of one name as an error without a message.
  const what = (thrown instanceof Error ? thrown.message : String(thrown)) || code || "unknown error";
  return new HawserError("connection_failed", `Could not connect to ${target}: ${what}`, { cause: thrown });
}

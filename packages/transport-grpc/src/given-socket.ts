import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { CallCredentials, ChannelCredentials, Client, type ChannelOptions } from "@grpc/grpc-js";
import { HawserError } from "@hawser/protocol";
import { identityFilterFactory } from "./identity-encoding.js";
import { readErrorStacks } from "./session-errors.js";

/** The target grpc-js is given: an address, so that it resolves no name. It is never dialled. */
const GIVEN_TARGET = "ipv4:127.0.0.1:1";

/**
 * A client of grpc-js whose only connection is a socket that is open already.
 *
 * By itself, grpc-js opens a proxy tunnel without a timeout or a way to abort, hides the proxy's
 * answer, and knows no TLS to a proxy. It has no option for a socket, so this package replaces the
 * one step that connects. It also appends a filter, which sees the compression that is offered.
 *
 * @param secure the socket is TLS
 * @throws HawserError `internal` where grpc-js is built differently
 */
export function clientOver(socket: Socket, secure: boolean, options: ChannelOptions): Client {
  const client = new Client(GIVEN_TARGET, new GivenSocketCredentials(socket, secure), {
    ...options,
    // The pool belongs to this client, so what is changed in it concerns no other one.
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_http_proxy": 0,
  });
  const { pool, createSubchannel, filters } = underneath(client);
  filters.push(identityFilterFactory());
  Reflect.set(pool, "getOrCreateSubchannel", (...args: unknown[]) => {
    const subchannel: unknown = Reflect.apply(createSubchannel, pool, args);
    const connector = propertyOf(subchannel, "connector");
    if (typeof connector === "object" && connector !== null) {
      Reflect.set(connector, "tcpConnect", takenOnce(socket));
      Reflect.set(connector, "createSession", watchedSessions(connector));
    }
    return subchannel;
  });
  return client;
}

/** grpc-js reconnects when a connection is gone; this client has no other socket. */
function takenOnce(socket: Socket): () => Promise<Socket> {
  let isTaken = false;
  return () => {
    if (isTaken) return Promise.reject(new HawserError("connection_closed", "The connection is gone."));
    isTaken = true;
    return Promise.resolve(socket);
  };
}

/** The step of a connector that begins HTTP/2, whose sessions can be collected when they break. */
function watchedSessions(connector: object): (...args: unknown[]) => Promise<unknown> {
  const createSession = propertyOf(connector, "createSession");
  if (typeof createSession !== "function") throw unknownVersion();
  return async (...args) => {
    const transport: unknown = Reflect.apply(createSession, connector, args);
    watch(propertyOf(connector, "session"));
    const ready = await transport;
    // Again: grpc-js removes all listeners when the server has spoken.
    watch(propertyOf(ready, "session"));
    return ready;
  };
}

function watch(session: unknown): void {
  if (session instanceof EventEmitter) readErrorStacks(session);
}

type SecureConnector = ReturnType<ChannelCredentials["_createSecureConnector"]>;

/** TLS has been spoken already, or is not wanted. */
class GivenSocketCredentials extends ChannelCredentials {
  readonly #socket: Socket;
  readonly #secure: boolean;

  constructor(socket: Socket, secure: boolean) {
    super();
    this.#socket = socket;
    this.#secure = secure;
  }

  override _isSecure(): boolean {
    return this.#secure;
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(): SecureConnector {
    const given = this.#socket;
    const secure = this.#secure;
    const credentials = CallCredentials.createEmpty();
    return {
      connect: (socket) =>
        socket === given ? Promise.resolve({ socket, secure }) : Promise.reject(unknownVersion()),
      waitForReady: () => Promise.resolve(),
      getCallCredentials: () => credentials,
      destroy() {},
    };
  }
}

interface Underneath {
  readonly pool: object;
  readonly createSubchannel: (...args: unknown[]) => unknown;
  readonly filters: unknown[];
}

function underneath(client: Client): Underneath {
  const internal = propertyOf(client.getChannel(), "internalChannel");
  const pool = propertyOf(internal, "subchannelPool");
  const createSubchannel = propertyOf(pool, "getOrCreateSubchannel");
  const filters = propertyOf(propertyOf(internal, "filterStackFactory"), "factories");
  if (
    typeof pool === "object" &&
    pool !== null &&
    typeof createSubchannel === "function" &&
    Array.isArray(filters)
  )
    return { pool, createSubchannel: createSubchannel as Underneath["createSubchannel"], filters };
  client.close();
  throw unknownVersion();
}

function propertyOf(owner: unknown, name: string): unknown {
  return typeof owner === "object" && owner !== null ? Reflect.get(owner, name) : undefined;
}

function unknownVersion(): HawserError {
  return new HawserError("internal", "This version of @grpc/grpc-js is not known to this package.");
}

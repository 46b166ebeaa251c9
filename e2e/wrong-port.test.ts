import { HawserError } from "@hawser/protocol";
import { createGrpcDialer } from "@hawser/transport-grpc";
import { createWebSocketDialer } from "@hawser/transport-ws";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { makeCertificate } from "./support/certificates.js";
import { createWorld, type World } from "./support/world.js";

// A URL with the wrong scheme or the wrong port: what an agent is told says what to try instead, and no word of a library's.

type Scheme = "ws" | "wss" | "grpc" | "grpcs";

/** What becomes of a try to connect. */
async function failure(scheme: Scheme, port: number, ca: string): Promise<HawserError> {
  const tls = scheme === "wss" || scheme === "grpcs" ? { tls: { ca: readFileSync(ca) } } : {};
  const url = `${scheme}://127.0.0.1:${port}`;
  const dialer =
    scheme === "grpc" || scheme === "grpcs"
      ? createGrpcDialer({ url, ...tls })
      : createWebSocketDialer({ url, subprotocol: "cloudevents.json", ...tls });
  return dialer.dial().then(
    () => expect.fail("it connected"),
    (thrown: unknown) => HawserError.from(thrown),
  );
}

const WANTS_TLS =
  /without an answer; if the port wants TLS, use wss:\/\/|before gRPC could begin; if the port wants TLS, use grpcs:\/\//;
const NO_TLS = /does not speak TLS \(wrong version number\); it may be a port without TLS/;
const IS_API = /is the HTTP API of a principal, which answered 401; agents connect to its other port/;

describe.each([
  ["with TLS", true],
  ["without TLS", false],
])("a principal %s", (_how, secured) => {
  async function start(): Promise<{ world: World; cert: string }> {
    const place = await createWorld();
    const { cert, key } = makeCertificate(place.path("tls"));
    const files = ["--tls-cert", cert, "--tls-key", key, "--api-tls-cert", cert, "--api-tls-key", key];
    const world = await createWorld(secured ? files : []);
    await world.startPrincipal();
    return { world, cert };
  }

  it("tells by what it closes or says which scheme or port was meant", async () => {
    const { world, cert } = await start();
    const expected: readonly (readonly [Scheme, number, RegExp])[] = secured
      ? [
          ["ws", world.listen.port, WANTS_TLS],
          ["grpc", world.listen.port, WANTS_TLS],
          ["ws", world.apiListen.port, WANTS_TLS],
          ["wss", world.apiListen.port, IS_API],
          ["grpc", world.apiListen.port, WANTS_TLS],
          ["grpcs", world.apiListen.port, /does not offer h2 .*such as that of the HTTP API/],
        ]
      : [
          ["wss", world.listen.port, NO_TLS],
          ["grpcs", world.listen.port, NO_TLS],
          ["ws", world.apiListen.port, IS_API],
          ["wss", world.apiListen.port, NO_TLS],
          ["grpc", world.apiListen.port, /does not speak HTTP\/2 \(gRPC\); .*such as that of the HTTP API/],
          ["grpcs", world.apiListen.port, NO_TLS],
        ];
    for (const [scheme, port, said] of expected) {
      const { code, message } = await failure(scheme, port, cert);
      expect([scheme, port, code, message]).toEqual([
        scheme,
        port,
        "connection_failed",
        expect.stringMatching(said),
      ]);
      expect(message).not.toMatch(/\n|openssl|Resolution note/i);
    }
  });
});

it("a client that does not trust the principal's certificate, and says so, is in the principal's log", async () => {
  const place = await createWorld();
  const { cert, key } = makeCertificate(place.path("tls"));
  const world = await createWorld(["--tls-cert", cert, "--tls-key", key]);
  await world.startPrincipal();
  const client = ["s_client", "-connect", world.address, "-verify_return_error", "-alpn", "h2"];
  expect(spawnSync("openssl", client, { input: "" }).status).not.toBe(0);
  expect(await world.principal.logged("it", ({ msg }) => msg.includes("TLS"))).toMatchObject({
    level: "warn",
    code: "connection_failed",
    msg: "a TLS handshake failed: tlsv1 alert unknown ca",
  });
});

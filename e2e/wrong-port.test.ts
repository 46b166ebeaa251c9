import { HawserError } from "@hawser/protocol";
import { createGrpcDialer } from "@hawser/transport-grpc";
import { createWebSocketDialer } from "@hawser/transport-ws";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { makeCertificate } from "./support/certificates.js";
import { createTestFleet, type TestFleet } from "./support/test-fleet.js";

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
  async function start(): Promise<{ fleet: TestFleet; cert: string }> {
    const place = await createTestFleet();
    const { cert, key } = makeCertificate(place.path("tls"));
    const files = ["--tls-cert", cert, "--tls-key", key, "--api-tls-cert", cert, "--api-tls-key", key];
    const fleet = await createTestFleet(secured ? files : []);
    await fleet.startPrincipal();
    return { fleet, cert };
  }

  it("tells by what it closes or says which scheme or port was meant", async () => {
    const { fleet, cert } = await start();
    const expected: readonly (readonly [Scheme, number, RegExp])[] = secured
      ? [
          ["ws", fleet.listen.port, WANTS_TLS],
          ["grpc", fleet.listen.port, WANTS_TLS],
          ["ws", fleet.apiListen.port, WANTS_TLS],
          ["wss", fleet.apiListen.port, IS_API],
          ["grpc", fleet.apiListen.port, WANTS_TLS],
          ["grpcs", fleet.apiListen.port, /does not offer h2 .*such as that of the HTTP API/],
        ]
      : [
          ["wss", fleet.listen.port, NO_TLS],
          ["grpcs", fleet.listen.port, NO_TLS],
          ["ws", fleet.apiListen.port, IS_API],
          ["wss", fleet.apiListen.port, NO_TLS],
          ["grpc", fleet.apiListen.port, /does not speak HTTP\/2 \(gRPC\); .*such as that of the HTTP API/],
          ["grpcs", fleet.apiListen.port, NO_TLS],
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
  const place = await createTestFleet();
  const { cert, key } = makeCertificate(place.path("tls"));
  const fleet = await createTestFleet(["--tls-cert", cert, "--tls-key", key]);
  await fleet.startPrincipal();
  const client = ["s_client", "-connect", fleet.address, "-verify_return_error", "-alpn", "h2"];
  expect(spawnSync("openssl", client, { input: "" }).status).not.toBe(0);
  expect(await fleet.principal.logged("it", ({ msg }) => msg.includes("TLS"))).toMatchObject({
    level: "warn",
    code: "connection_failed",
    msg: "a TLS handshake failed: tlsv1 alert unknown ca",
  });
});

import { expect, it } from "vitest";
import { makeCertificate } from "./support/certificates.js";
import { createTestFleet, TRANSPORTS } from "./support/test-fleet.js";

it.each(TRANSPORTS)("NODE_TLS_REJECT_UNAUTHORIZED=0 is said to be ignored, and is: %s", async (transport) => {
  const files = await createTestFleet();
  const shown = makeCertificate(files.path("shown"));
  const trusted = makeCertificate(files.path("trusted"));
  const fleet = await createTestFleet(["--tls-cert", shown.cert, "--tls-key", shown.key]);
  await fleet.startPrincipal();
  const url = `${transport === "grpc" ? "grpcs" : "wss"}://${fleet.address}`;
  const agent = await fleet.agent("edge-1", {
    transport,
    args: ["--url", url, "--tls-ca", trusted.cert],
    env: { NODE_TLS_REJECT_UNAUTHORIZED: "0" },
  });
  await agent.start();
  await agent.logged("that it is ignored", ({ msg }) => msg.includes("certificates are always verified"));
  await agent.logged("why it is not connected", (line) =>
    /self-signed certificate/.test(JSON.stringify(line)),
  );
  expect((await fleet.api.agents()).filter(({ state }) => state === "connected")).toEqual([]);
});

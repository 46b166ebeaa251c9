import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { systemClock } from "@hawser/runtime";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { serve } from "../testing/local-server.js";
import { KubeClient, MAX_TEXT_LENGTH } from "./kube-client.js";

const signal = new AbortController().signal;

/** Certificates of the listener's tests: `server` is for 127.0.0.1 and signed by `ca`; `stranger` signs itself. */
function pem(name: string): Promise<Buffer> {
  return readFile(new URL(`../../../listener/src/testing/certificates/${name}.pem`, import.meta.url));
}

/** What a pod finds in its file system and its environment, read by the client library, for a server of this test. */
async function inCluster(authority: string, ...pieces: readonly Uint8Array[]) {
  const authorizations: (string | undefined)[] = [];
  const tls = { cert: await pem("server"), key: await pem("server.key") };
  const url = await serve((request, response) => {
    authorizations.push(request.headers.authorization);
    const writeNext = (index: number): void => {
      const piece = pieces[index];
      if (piece === undefined) response.end();
      else response.write(piece, () => writeNext(index + 1));
    };
    writeNext(0);
  }, tls);
  const root = await mkdtemp(join(tmpdir(), "hawser-kube-"));
  onTestFinished(() => rm(root, { recursive: true }));
  const account = join(root, "var/run/secrets/kubernetes.io/serviceaccount");
  await mkdir(account, { recursive: true });
  await writeFile(join(account, "ca.crt"), await pem(authority));
  await writeFile(join(account, "token"), "the-token");
  vi.stubEnv("KUBERNETES_SERVICE_HOST", "127.0.0.1");
  vi.stubEnv("KUBERNETES_SERVICE_PORT", new URL(url).port);
  onTestFinished(() => void vi.unstubAllEnvs());
  const config = new KubeConfig();
  config.loadFromCluster(root);
  const server = config.getCurrentCluster()?.server ?? "";
  return { client: new KubeClient(config, server, systemClock), authorizations, server, url };
}

describe("KubeClient", () => {
  it("shows the service account's token to the server that the cluster's authority vouches for", async () => {
    const { client, authorizations, server, url } = await inCluster("ca", Buffer.from('{"kind":"PodList"}'));
    expect(server).toBe(url);
    expect(await client.read("/api/v1/pods", {}, signal)).toEqual({ kind: "PodList" });
    expect(authorizations).toEqual(["Bearer the-token"]);
  });

  it("shows it to nobody else", async () => {
    const { client, authorizations } = await inCluster("stranger", Buffer.from("{}"));
    await expect(client.read("/api/v1/pods", {}, signal)).rejects.toThrow(/certificate|verify/);
    expect(authorizations).toEqual([]);
  });

  it("reads lines wherever the pieces end, and leaves out one that was not finished", async () => {
    const sent = Buffer.from('{"type":"ADDED"}\n\n{"type":"DEL\u00c9TED"}\n{"not": "the end');
    const { client } = await inCluster("ca", ...[...sent].map((byte) => Buffer.of(byte)));
    const read: unknown[] = [];
    for await (const line of await client.lines("/api/v1/pods", {}, signal)) read.push(line);
    expect(read).toEqual([{ type: "ADDED" }, { type: "DEL\u00c9TED" }]);
  });

  it("reads no more than the bound at once", async () => {
    const { client } = await inCluster("ca", Buffer.alloc(MAX_TEXT_LENGTH + 1, "x"));
    await expect(client.read("/api/v1/pods", {}, signal)).rejects.toThrow("more than 4194304");
    const lines = await client.lines("/api/v1/pods", {}, signal);
    await expect(lines[Symbol.asyncIterator]().next()).rejects.toThrow("more than 4194304");

    const string = Buffer.concat([Buffer.of(34), Buffer.alloc(MAX_TEXT_LENGTH - 2, "x"), Buffer.of(34)]);
    const fits = await inCluster("ca", string);
    expect(await fits.client.read("/api/v1/pods", {}, signal)).toHaveLength(MAX_TEXT_LENGTH - 2);
  });
});

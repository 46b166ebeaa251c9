import { spawnSync } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** A call of the cloud's API as its command line made it: which, and with what. */
export interface CloudCall {
  readonly action: string;
  readonly parameters: unknown;
}

/** Why the command line of the cloud cannot run here; undefined when it can. */
export function cloudCommandMissing(): string | undefined {
  const { status } = spawnSync("aws", ["--version"]);
  return status === 0 ? undefined : "there is no aws, which Debian has as awscli";
}

/** Stands for the cloud: says yes to everything, and keeps what it was asked. */
export async function recordCloud(): Promise<{
  /** What a shell has to be told before its `aws` speaks to this one. */
  readonly settings: string;
  readonly calls: readonly CloudCall[];
  stop(): Promise<void>;
}> {
  const calls: CloudCall[] = [];
  const server = createServer((request, response) => {
    const action = String(request.headers["x-amz-target"]);
    text(request).then(
      (body) => {
        calls.push({ action, parameters: JSON.parse(body) });
        response.setHeader("content-type", "application/x-amz-json-1.1").end("{}");
      },
      () => response.destroy(),
    );
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    settings: [
      "export AWS_ACCESS_KEY_ID=nobody AWS_SECRET_ACCESS_KEY=nothing AWS_DEFAULT_REGION=eu-west-1 AWS_PAGER=",
      `aws() { command aws --endpoint-url http://127.0.0.1:${port} "$@"; }`,
    ].join("\n"),
    calls,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

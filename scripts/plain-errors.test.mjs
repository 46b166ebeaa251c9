import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const packages = fileURLToPath(new URL("../packages", import.meta.url));

/** Where an error is made that is no HawserError, and why no caller of the package sees it as it is. */
const PLAIN = {
  "platform/src/elb/own-target.ts": "becomes the cause of a WatchFailure",
  "platform/src/kubernetes/kube-client.ts": "becomes the cause of a WatchFailure",
  "platform/src/kubernetes/kubernetes-source.ts": "becomes the cause of a WatchFailure",
  "service/src/service-manager.ts": "is logged",
  "store-journal/src/record.ts": "becomes the cause of store_corrupt",
  "transport/src/outbound/attempt.ts": "becomes the cause of connection_failed",
};

test("callers of a package get HawserErrors and no others", () => {
  const sources = readdirSync(packages)
    .flatMap((name) =>
      readdirSync(join(packages, name, "src"), { recursive: true, encoding: "utf8" }).map((path) =>
        join(name, "src", path),
      ),
    )
    .filter(
      (path) =>
        path.endsWith(".ts") &&
        !/\.(test|test-support)\.ts$|\/(testing|compliance|simulation|gen)\//.test(path),
    );
  expect(sources.length).toBeGreaterThan(300);
  const plain = sources.filter((path) =>
    /(throw|reject\()\s*new (Error|RangeError|TypeError)\(/.test(readFileSync(join(packages, path), "utf8")),
  );
  expect(plain.filter((path) => !Object.hasOwn(PLAIN, path))).toEqual([]);
});

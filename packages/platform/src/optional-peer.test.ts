import { expect, it } from "vitest";
import { loadPeer } from "./optional-peer.js";

it("says what to install", async () => {
  const name = "@hawser/nobody-has-this";
  // As Node.js reports it: the test runner resolves imports by itself, with an error of its own.
  const missing = Object.assign(new Error(`Cannot find package '${name}'`), { code: "ERR_MODULE_NOT_FOUND" });
  await expect(loadPeer(name, 1, () => Promise.reject(missing))).rejects.toMatchObject({
    code: "invalid_config",
    message: `the package ${name} is not installed: npm install ${name}@1`,
  });
});

it("says why what is installed does not load", async () => {
  const broken = new SyntaxError("Unexpected token 'using'");
  await expect(loadPeer("peer", 3, () => Promise.reject(broken))).rejects.toMatchObject({
    code: "invalid_config",
    message: "the package peer does not load (what works: npm install peer@3): Unexpected token 'using'",
  });
});

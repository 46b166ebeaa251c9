import { describe, expect, it } from "vitest";
import { isLocalAddress } from "./local-address.js";

describe("an address of this machine or its link", () => {
  it.each([
    "127.0.0.1",
    "127.255.1.2",
    "0.0.0.0",
    "0.1.2.3",
    "169.254.169.254",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "0:0:0:0:0:0:0:1",
    "fe80::1",
    "fe80::1%eth0",
    "febf::1",
    "ff02::1",
    "fd00:ec2::254",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:a9fe:a9fe",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::169.254.169.254",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
  ])("is %s", (address) => {
    expect(isLocalAddress(address)).toBe(true);
  });

  it.each([
    "10.0.0.1",
    "192.168.1.1",
    "126.255.255.255",
    "128.0.0.1",
    "169.253.1.1",
    "8.8.8.8",
    "2001:db8::1",
    "fd00::1",
    "::ffff:10.0.0.1",
    "64:ff9b::808:808",
    "2002:808:808::",
    "fec0::1",
    "example.org",
    "",
    "127.0.0.1.example.org",
  ])("is not %s", (address) => {
    expect(isLocalAddress(address)).toBe(false);
  });
});

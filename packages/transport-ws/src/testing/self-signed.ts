import { createPublicKey, generateKeyPairSync, sign } from "node:crypto";

/** A key and the certificate it signed for itself: valid for 127.0.0.1, its own authority, until 2049. */
export interface SelfSigned {
  readonly key: string;
  readonly cert: string;
}

const OID_COMMON_NAME = [0x55, 0x04, 0x03];
const OID_ECDSA_SHA256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const OID_SUBJECT_ALT_NAME = [0x55, 0x1d, 0x11];
const OID_BASIC_CONSTRAINTS = [0x55, 0x1d, 0x13];

const TAGS = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  sequence: 0x30,
  set: 0x31,
};

/** Made anew for each run, so that no private key lies in the repository and none expires. */
export function selfSigned(commonName: string): SelfSigned {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const publicKey = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  const algorithm = der(TAGS.sequence, der(TAGS.oid, OID_ECDSA_SHA256));
  const name = der(
    TAGS.sequence,
    der(
      TAGS.set,
      der(TAGS.sequence, der(TAGS.oid, OID_COMMON_NAME), der(TAGS.utf8, Buffer.from(commonName))),
    ),
  );
  const validity = der(
    TAGS.sequence,
    der(TAGS.utcTime, Buffer.from("200101000000Z")),
    der(TAGS.utcTime, Buffer.from("491231235959Z")),
  );
  const extensions = der(
    0xa3,
    der(
      TAGS.sequence,
      extension(OID_SUBJECT_ALT_NAME, der(TAGS.sequence, der(0x87, [127, 0, 0, 1]))),
      extension(OID_BASIC_CONSTRAINTS, der(TAGS.sequence, der(TAGS.boolean, [0xff]))),
    ),
  );
  const version3 = der(0xa0, der(TAGS.integer, [2]));
  const serial = der(TAGS.integer, [1]);
  const body = der(TAGS.sequence, version3, serial, algorithm, name, validity, name, publicKey, extensions);
  const signature = der(TAGS.bits, [0], sign("sha256", body, privateKey));
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: pem(der(TAGS.sequence, body, algorithm, signature)),
  };
}

function extension(oid: readonly number[], value: Buffer): Buffer {
  return der(TAGS.sequence, der(TAGS.oid, oid), der(TAGS.octets, value));
}

function der(tag: number, ...parts: readonly (Uint8Array | readonly number[])[]): Buffer {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function pem(certificate: Buffer): string {
  const lines = certificate.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

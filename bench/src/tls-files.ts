import { readFileSync } from "node:fs";

function pem(name: string): Buffer {
  return readFileSync(new URL(`../certificates/${name}.pem`, import.meta.url));
}

const CERTIFICATE = pem("server");

/** What a server on loopback shows. */
export const SERVER_TLS = { cert: CERTIFICATE, key: pem("server.key") };

/** Whom its clients trust: the server's certificate signs itself. */
export const CLIENT_TLS = { ca: CERTIFICATE };

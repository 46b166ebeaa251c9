/** A client certificate whose chain was verified against the configured authority. */
export type ClientCertificate =
  | {
      readonly kind: "usable";
      /** Agent names of the certificate, all equally valid (PROTOCOL.md, Names in certificates). */
      readonly names: readonly string[];
    }
  | {
      readonly kind: "unusable";
      /** Why it names no agent, for the refusal: a short key, for instance. */
      readonly problem: string;
    };

/** What a client certificate says that was verified against the configured authority. */
export type ClientCertificate =
  | {
      readonly kind: "usable";
      /** The names it stands for: it vouches for each of them alike (PROTOCOL.md, Names in certificates). */
      readonly names: readonly string[];
    }
  | {
      readonly kind: "unusable";
      /** Why it stands for nobody, for the refusal: a short key, for instance. */
      readonly problem: string;
    };

export { DEFAULT_ADMISSION, type AdmissionSettings } from "./admission/admission-settings.js";
export type { AdmissionStats } from "./admission/admission-queue.js";
export { resolveEndpoint, type Endpoint } from "./endpoint.js";
export { DEFAULT_GATE, Gate, type GateOptions, type GateState, type ReadinessCondition } from "./gate.js";
export { createInternalListener, createListener } from "./create-listener.js";
export type { Listener, ListenerParts } from "./listener.js";
export type {
  BoundAddress,
  ListenerOptions,
  ListenerTls,
  UnixAddress,
  UnixListenerOptions,
  UpgradeListenerOptions,
  UpgradeSource,
} from "./listener-options.js";
export { DEFAULT_LISTEN_HOST } from "./listener-settings.js";
export type { ListenerStats } from "./listener-outcomes.js";
export { notAfterOf, type ServedCertificate } from "./served-certificate.js";
export { checkListenerTls } from "./tls-endpoint.js";
export { tryListen, type ListenPlace } from "./try-listen.js";
export type { AdmissionDecision, AdmissionTimes, Handshake, HandshakeOutcome } from "./pending-socket.js";

export { DEFAULT_ADMISSION, type AdmissionSettings } from "./admission/admission-settings.js";
export type { AdmissionStats } from "./admission/admission-queue.js";
export type { Endpoint } from "./endpoint.js";
export { DEFAULT_GATE, Gate, type GateOptions, type GateState, type ReadinessCondition } from "./gate.js";
export { createInternalListener, createListener, type Listener, type ListenerParts } from "./listener.js";
export type {
  BoundAddress,
  ListenerOptions,
  ListenerTls,
  UnixAddress,
  UnixListenerOptions,
  UpgradeListenerOptions,
  UpgradeSource,
} from "./listener-options.js";
export { DEFAULT_LISTEN_HOST, resolveEndpoint } from "./listener-settings.js";
export type { ListenerStats } from "./listener-stats.js";
export { notAfterOf, type ServedCertificate } from "./served-certificate.js";
export { checkListenerTls } from "./tls-endpoint.js";
export { tryListen, type ListenPlace } from "./try-listen.js";
export type { Arrival, Settlement, Turn } from "./visitor.js";
export type { AdmissionTimes } from "./visitors.js";

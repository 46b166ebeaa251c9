export { authoritiesOf, readAuthorities, SYSTEM_AUTHORITIES } from "./authorities.js";
export { runService, type Inherited, type ServiceProgram } from "./run-service.js";
export type { Service, StopLimit } from "./service-life.js";
export { stateDirectoryProblems, type StateDirectoryProblem } from "./state-directory.js";
export { tryDirectory } from "./try-start.js";
export type { ServiceNotice } from "./notices.js";
export { openFilesLimit } from "./open-files.js";
export { createLogger, type LogFormat, type LoggerOptions } from "./create-logger.js";
export { certificatePairProblems, type NamedContent } from "./certificate-pair.js";
export { everyProblem } from "./every-problem.js";
export {
  CERTIFICATE_WARNING_DAYS,
  certificateNotAfter,
  certificateNotices,
  expiryProblem,
  type CertificateFile,
} from "./certificate-notices.js";
export { http2Safety, type Http2Safety } from "./http2-safety.js";
export { parseSettingsFile } from "./settings-file.js";
export { serviceSettings } from "./service-settings.js";
export { loadSettings, type Loaded, type LoadOptions, type ProgramSettings } from "./load-settings.js";
export {
  duration,
  hostPort,
  hostPortOrUnix,
  integer,
  list,
  oneOf,
  setting,
  text,
  toggle,
  type HostPort,
  type Setting,
  type SettingsOf,
  type SettingsShape,
  type UnixPath,
} from "./setting.js";
export {
  digestOfFiles,
  FileReloader,
  type DirectoryWatch,
  type FileReloaderOptions,
  type ReloadableFiles,
  type ReloadCause,
} from "./file-reloader.js";

/**
 * The number of a socket's descriptor: the system assigns the lowest free one, so the process has at
 * least as many. Node gives it on Unix, by an undocumented property; undefined elsewhere.
 */
export function descriptorOf(socket: object): number | undefined {
  const handle: unknown = "_handle" in socket ? socket._handle : undefined;
  const isObject = typeof handle === "object" && handle !== null;
  return isObject && "fd" in handle && typeof handle.fd === "number" ? handle.fd : undefined;
}

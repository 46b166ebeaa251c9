/**
 * The number of a socket's descriptor. The system gives the lowest one that is free, so the number says how many the process has at least. Undefined where Node does not tell it:
 * on Unix it does, by a property it does not document.
 */
export function descriptorOf(socket: object): number | undefined {
  const handle: unknown = "_handle" in socket ? socket._handle : undefined;
  const isObject = typeof handle === "object" && handle !== null;
  return isObject && "fd" in handle && typeof handle.fd === "number" ? handle.fd : undefined;
}

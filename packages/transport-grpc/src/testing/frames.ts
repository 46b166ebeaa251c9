/** Messages as gRPC frames them: a flag, the length, the bytes. */
export function framed(...messages: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    messages.flatMap((message) => {
      const header = Buffer.alloc(5);
      header.writeUInt32BE(message.length, 1);
      return [header, message];
    }),
  );
}

/** The messages in the bytes of a whole stream, for peers that speak HTTP/2 by hand. */
export function unframed(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let offset = 0; offset + 5 <= bytes.length; ) {
    const end = offset + 5 + bytes.readUInt32BE(offset + 1);
    if (end > bytes.length) break;
    messages.push(bytes.subarray(offset + 5, end));
    offset = end;
  }
  return messages;
}

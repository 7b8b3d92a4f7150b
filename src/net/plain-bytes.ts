/**
 * In Node.js libp2p hands out Buffers, whose `slice` shares memory and makes Buffers again: what is
 * decoded from one would keep its whole packet alive, and would not equal plain bytes.
 */
export const plainBytes = (b: Uint8Array): Uint8Array =>
  new Uint8Array(b.buffer, b.byteOffset, b.byteLength);

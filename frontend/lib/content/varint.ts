const MOST_BYTES = 7 // 2^49: more than a browser can hold

/** A number as CARs and protocol buffers write it, and where what follows it begins. */
export function varint(bytes: Uint8Array, start: number): [value: number, next: number] {
  let value = 0
  for (let at = start; at < start + MOST_BYTES; at++) {
    const byte = bytes[at]
    if (byte === undefined) break
    value += (byte & 0x7f) * 2 ** (7 * (at - start))
    if (byte < 0x80) return [value, at + 1]
  }
  throw new RangeError("It has a number that is none.")
}

/** So many bytes from a place, and where what follows them begins. */
export function slice(bytes: Uint8Array, start: number, size: number): [part: Uint8Array, next: number] {
  const next = start + size
  if (next > bytes.byteLength) throw new RangeError("It ends before a part of it does.")
  return [bytes.subarray(start, next), next]
}

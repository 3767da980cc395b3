import { slice, varint } from "@/lib/content/varint"

const [VARINT, SIXTY_FOUR, BYTES, THIRTY_TWO] = [0, 1, 2, 5]

/** The fields of a protocol buffer's message, in order. Throws a RangeError when it is none. */
export function* fieldsOf(bytes: Uint8Array): Generator<[field: number, value: number | Uint8Array]> {
  for (let at = 0; at < bytes.byteLength; ) {
    const [tag, start] = varint(bytes, at)
    const [field, wire] = [Math.floor(tag / 8), tag % 8]
    let value: number | Uint8Array
    if (wire === VARINT) [value, at] = varint(bytes, start)
    else if (wire === BYTES) [value, at] = sized(bytes, start)
    else if (wire === SIXTY_FOUR) [value, at] = slice(bytes, start, 8)
    else if (wire === THIRTY_TWO) [value, at] = slice(bytes, start, 4)
    else throw new RangeError("It has a field of no type.")
    yield [field, value]
  }
}

function sized(bytes: Uint8Array, at: number): [part: Uint8Array, next: number] {
  const [size, start] = varint(bytes, at)
  return slice(bytes, start, size)
}

/** Numbers one after the other. */
export function packed(bytes: Uint8Array): number[] {
  const found: number[] = []
  for (let at = 0; at < bytes.byteLength; ) {
    const [value, next] = varint(bytes, at)
    found.push(value)
    at = next
  }
  return found
}

import { slice, varint } from "@/lib/content/varint"

/** What a node is, and holds itself, by https://specs.ipfs.tech/unixfs/. */
export interface Entry {
  type: (typeof TYPES)[number]
  data: Uint8Array
  /** Bytes of the file: its own and those of the nodes that it links to. */
  size: number
}

const TYPES = ["raw", "directory", "file", "metadata", "symlink", "hamt-sharded-directory"] as const
const [TYPE, DATA, BLOCK_SIZES] = [1, 2, 4]
const [VARINT, SIXTY_FOUR, BYTES, THIRTY_TWO] = [0, 1, 2, 5]

/** Read a node's data, a protocol buffer. Throws a RangeError when it is none. */
export function entryOf(bytes: Uint8Array): Entry {
  let type: Entry["type"] | undefined
  let data = new Uint8Array()
  let below = 0
  for (const [field, value] of fieldsOf(bytes)) {
    if (field === TYPE && typeof value === "number") type = TYPES[value]
    if (field === DATA && typeof value !== "number") data = Uint8Array.from(value)
    if (field === BLOCK_SIZES) below += typeof value === "number" ? value : sumOf(value)
  }
  if (!type) throw new RangeError("It is of no type.")
  return { type, data, size: data.byteLength + below }
}

function* fieldsOf(bytes: Uint8Array): Generator<[field: number, value: number | Uint8Array]> {
  for (let at = 0; at < bytes.byteLength; ) {
    const [tag, start] = varint(bytes, at)
    const [field, wire] = [Math.floor(tag / 8), tag % 8]
    let value: number | Uint8Array
    if (wire === VARINT) [value, at] = varint(bytes, start)
    else if (wire === BYTES) [value, at] = slice(bytes, ...sized(varint(bytes, start)))
    else if (wire === SIXTY_FOUR) [value, at] = slice(bytes, start, 8)
    else if (wire === THIRTY_TWO) [value, at] = slice(bytes, start, 4)
    else throw new RangeError("It has a field of no type.")
    yield [field, value]
  }
}

function sized([size, start]: [size: number, start: number]): [start: number, size: number] {
  return [start, size]
}

/** Of numbers one after the other. */
function sumOf(packed: Uint8Array): number {
  let sum = 0
  for (let at = 0; at < packed.byteLength; ) {
    const [value, next] = varint(packed, at)
    sum += value
    at = next
  }
  return sum
}

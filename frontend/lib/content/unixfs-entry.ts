import { fieldsOf, packed } from "@/lib/content/protobuf"

/** What a node is, and holds itself, by https://specs.ipfs.tech/unixfs/. */
export interface Entry {
  type: (typeof TYPES)[number]
  data: Uint8Array
  /** Bytes of the file: its own and those of the nodes that it links to. */
  size: number
}

const TYPES = ["raw", "directory", "file", "metadata", "symlink", "hamt-sharded-directory"] as const
const [TYPE, DATA, BLOCK_SIZES] = [1, 2, 4]

/** Read a node's data. Throws a RangeError when it is none. */
export function entryOf(bytes: Uint8Array): Entry {
  let type: Entry["type"] | undefined
  let data = new Uint8Array()
  let below = 0
  for (const [field, value] of fieldsOf(bytes)) {
    const isNumber = typeof value === "number"
    if (field === TYPE && isNumber) type = TYPES[value]
    if (field === DATA && !isNumber) data = Uint8Array.from(value)
    if (field === BLOCK_SIZES) below += isNumber ? value : packed(value).reduce((sum, one) => sum + one, 0)
  }
  if (!type) throw new RangeError("It is of no type.")
  return { type, data, size: data.byteLength + below }
}

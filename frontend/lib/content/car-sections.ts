import type { CID } from "multiformats/cid"

import { slice, varint } from "@/lib/content/varint"

const DAG_PB = 0x70
const SHA2_256 = 0x12

/** The parts of a CAR (version 1), each after its length: the header, and the blocks with their CIDs. */
export function sectionsOf(car: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = []
  for (let at = 0; at < car.byteLength; ) {
    const [size, start] = varint(car, at)
    const [section, next] = slice(car, start, size)
    found.push(section)
    at = next
  }
  return found
}

/** The header of a CAR with this one root. DAG-CBOR writes it in one way only; a root may be of either version. */
export function headersOf(root: CID): Uint8Array[] {
  const isOld = root.code === DAG_PB && root.multihash.code === SHA2_256 && root.multihash.size === 32
  return [root.toV1(), ...(isOld ? [root.toV0()] : [])].map(({ bytes }) =>
    Uint8Array.from([
      ...[0xa2, 0x65, ...ascii("roots"), 0x81], // a map of two; the first is a list of one
      ...[0xd8, 0x2a, 0x58, bytes.byteLength + 1, 0x00, ...bytes], // a CID is bytes with tag 42, after a zero
      ...[0x67, ...ascii("version"), 0x01],
    ]),
  )
}

function ascii(text: string): number[] {
  return Array.from(text, (letter) => letter.charCodeAt(0))
}

export function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.byteLength === other.byteLength && one.every((byte, at) => byte === other[at])
}

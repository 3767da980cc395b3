import { fieldsOf } from "@/lib/content/protobuf"

/** A block that links to others, by https://ipld.io/specs/codecs/dag-pb/spec/. */
export interface Node {
  /** Each with the bytes of its CID. */
  links: { name: string; cid: Uint8Array }[]
  data: Uint8Array
}

const [DATA, LINK] = [1, 2]
const [HASH, NAME, SIZE] = [1, 2, 3]

/** Read a block. Throws a RangeError when it is none, or its parts are out of their order. */
export function nodeOf(block: Uint8Array): Node {
  const links: Node["links"] = []
  let data: Uint8Array | undefined
  let linksBefore = 0
  for (const [field, value] of fieldsOf(block)) {
    if (typeof value === "number") throw new RangeError("It is no node.")
    if (field === DATA && !data) {
      data = value
      linksBefore = links.length
    } else if (field === LINK && linksBefore === 0) {
      links.push(linkOf(value)) // data stand before all links, or after them
    } else {
      throw new RangeError("It is no node.")
    }
  }
  return { links, data: data ?? new Uint8Array() }
}

function linkOf(bytes: Uint8Array): Node["links"][number] {
  let name = ""
  let cid: Uint8Array | undefined
  let last = 0
  for (const [field, value] of fieldsOf(bytes)) {
    const isOfItsType = field === SIZE ? typeof value === "number" : field < SIZE && typeof value !== "number"
    if (field <= last || !isOfItsType) throw new RangeError("It is no link.")
    if (field === HASH) cid = value as Uint8Array
    if (field === NAME) name = new TextDecoder().decode(value as Uint8Array)
    last = field
  }
  if (!cid) throw new RangeError("It links to nothing.")
  return { name, cid }
}

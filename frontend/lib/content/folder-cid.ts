import type { CID } from "multiformats/cid"

import { digest } from "@/lib/content/digest"

/** As `chain.unixfs` cuts files, which is Kubo's way. */
const CHUNK_BYTES = 256 * 1024
const LINKS_PER_NODE = 174
const RAW = 0x55
const DAG_PB = 0x70
const SHA2_256 = 0x12

/** A block, with the bytes of all blocks below and with it (Tsize), and of the file that it is a part of. */
interface Part {
  cid: CID
  total: number
  size: number
}

type Node = Map<string, Node | Uint8Array>

/**
 * The CID that every store gives a folder of these files, computed here: nobody has to be believed about what was stored.
 * As `chain.bundle.bundle_cid`. The libraries for it are loaded when they are first needed.
 */
export async function folderCid(files: readonly { path: string; bytes: Uint8Array }[]): Promise<string> {
  const [{ CID: Cid }, { create }, { encode, prepare }, { UnixFS }] = await Promise.all([
    import("multiformats/cid"),
    import("multiformats/hashes/digest"),
    import("@ipld/dag-pb"),
    import("ipfs-unixfs"),
  ])
  const root = await folderOf(treeOf(files))
  return root.cid.toString()

  async function block(bytes: Uint8Array, codec: number, below: number, size: number): Promise<Part> {
    const cid = Cid.createV1(codec, create(SHA2_256, await digest(bytes)))
    return { cid, total: below + bytes.byteLength, size }
  }

  function node(
    entry: { marshal: () => Uint8Array },
    links: [name: string, part: Part][],
    size: number,
  ): Promise<Part> {
    const Links = links.map(([Name, { cid, total }]) => ({ Name, Hash: cid, Tsize: total }))
    const below = links.reduce((sum, [, part]) => sum + part.total, 0)
    return block(encode(prepare({ Data: entry.marshal(), Links })), DAG_PB, below, size)
  }

  async function folderOf(tree: Node): Promise<Part> {
    const links: [string, Part][] = []
    for (const [name, inner] of tree) {
      links.push([name, await (inner instanceof Uint8Array ? fileOf(inner) : folderOf(inner))])
    }
    return node(new UnixFS({ type: "directory" }), links, 0)
  }

  async function fileOf(bytes: Uint8Array): Promise<Part> {
    let parts: Part[] = []
    for (let at = 0; at === 0 || at < bytes.byteLength; at += CHUNK_BYTES) {
      const chunk = bytes.subarray(at, at + CHUNK_BYTES)
      parts.push(await block(chunk, RAW, 0, chunk.byteLength))
    }
    while (parts.length > 1) parts = await levelAbove(parts)
    return parts[0] as Part
  }

  async function levelAbove(parts: Part[]): Promise<Part[]> {
    const above: Part[] = []
    for (let at = 0; at < parts.length; at += LINKS_PER_NODE) {
      const some = parts.slice(at, at + LINKS_PER_NODE)
      const entry = new UnixFS({ type: "file", blockSizes: some.map((part) => BigInt(part.size)) })
      const size = some.reduce((sum, part) => sum + part.size, 0)
      above.push(await node(entry, some.map((part) => ["", part]), size)) // prettier-ignore
    }
    return above
  }
}

function treeOf(files: readonly { path: string; bytes: Uint8Array }[]): Node {
  const root: Node = new Map()
  for (const { path, bytes } of files) {
    const names = path.split("/")
    const last = names.pop() ?? ""
    let folder = root
    for (const name of names) {
      const inner = folder.get(name)
      const next: Node = inner instanceof Map ? inner : new Map<string, Node | Uint8Array>()
      folder.set(name, next)
      folder = next
    }
    folder.set(last, bytes)
  }
  return root
}

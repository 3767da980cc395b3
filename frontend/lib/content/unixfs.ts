import type { CID } from "multiformats/cid"

import { nodeOf, type Node } from "@/lib/content/node"
import { entryOf, type Entry } from "@/lib/content/unixfs-entry"

/** A file as it lies under a CID: its path from there, "" for the CID itself when that is a file. */
export interface ContentFile {
  path: string
  bytes: Uint8Array<ArrayBuffer>
}

export interface Limits {
  bytes: number
  files: number
  depth: number
  nodes: number
}

/** As `chain.folder.RESULT_LIMITS` where a browser can hold as much. */
export const LIMITS: Limits = { bytes: 256 * 2 ** 20, files: 10_000, depth: 64, nodes: 200_000 }
/** Of what a party brings before the court, which jurors' browsers open. */
export const EVIDENCE_LIMITS: Limits = { bytes: 2 * 2 ** 20, files: 100, depth: 16, nodes: 2_000 }

/** What came is not what its CID names, or is nothing that can be unpacked here. */
export class BadContent extends Error {
  override name = "BadContent"
}

export interface Reader {
  /** A block, whose hash was checked; an error when it did not come. */
  block: (cid: CID) => Uint8Array
  /** A CID by its bytes; an error when they are none. */
  cidOf: (bytes: Uint8Array) => CID
}

const RAW = 0x55
const DAG_PB = 0x70

/**
 * Every file below a CID. A name that climbs, hides or comes twice ends it, and so does more than the limits grant,
 * since a small graph that names its own parts again and again unfolds without end.
 */
export function filesBelow(root: CID, reader: Reader, limits: Limits): ContentFile[] {
  const left = { ...limits }
  const found: ContentFile[] = []
  walk(root, "", 0)
  return found

  function walk(cid: CID, path: string, depth: number): void {
    spend("nodes", 1)
    if (depth > limits.depth) throw new BadContent("Its folders go deeper than is unpacked here.")
    if (cid.code === RAW) {
      take(path, [counted(reader.block(cid))])
      return
    }
    const { node, entry } = opened(cid)
    if (entry.type === "directory") {
      folder(node, path, depth)
    } else if (entry.type === "file" || entry.type === "raw") {
      const pieces: Uint8Array[] = []
      gather(node, entry, pieces, depth)
      take(path, pieces)
    } else if (entry.type === "hamt-sharded-directory") {
      throw new BadContent("A folder in it has so many files that it is sharded, which this page cannot unpack.")
    } else {
      throw new BadContent(`It holds a ${JSON.stringify(entry.type)}, and only files and folders are unpacked.`)
    }
  }

  function folder(node: Node, path: string, depth: number): void {
    const names = new Set<string>()
    for (const { name, cid } of node.links) {
      if (!isPlain(name)) throw new BadContent(`A file in it is called ${JSON.stringify(name.slice(0, 80))}.`)
      if (names.has(name)) throw new BadContent(`Two files in it are called ${JSON.stringify(name.slice(0, 80))}.`)
      names.add(name)
      walk(reader.cidOf(cid), path ? `${path}/${name}` : name, depth + 1)
    }
  }

  function gather(node: Node, entry: Entry, pieces: Uint8Array[], depth: number): number {
    if (depth > limits.depth) throw new BadContent("A file in it is layered deeper than is unpacked here.")
    let size = 0
    const add = (data: Uint8Array) => {
      pieces.push(counted(data))
      size += data.byteLength
    }
    if (entry.data.byteLength > 0) add(entry.data)
    for (const link of node.links) {
      spend("nodes", 1)
      const cid = reader.cidOf(link.cid)
      if (cid.code === RAW) {
        add(reader.block(cid))
        continue
      }
      const inner = opened(cid)
      if (inner.entry.type !== "file" && inner.entry.type !== "raw") throw new BadContent("A file in it has a folder.")
      size += gather(inner.node, inner.entry, pieces, depth + 1)
    }
    if (size !== entry.size) throw new BadContent("A file in it is not as long as it says.")
    return size
  }

  function opened(cid: CID): { node: Node; entry: Entry } {
    if (cid.code !== DAG_PB) throw new BadContent("It holds a block that is neither a file nor a folder.")
    const block = reader.block(cid)
    try {
      const node = nodeOf(block)
      return { node, entry: entryOf(node.data) }
    } catch {
      throw new BadContent("A block in it is malformed.")
    }
  }

  function take(path: string, pieces: Uint8Array[]): void {
    spend("files", 1)
    found.push({ path, bytes: joined(pieces) })
  }

  function counted(data: Uint8Array): Uint8Array {
    spend("bytes", data.byteLength)
    return data
  }

  function spend(what: "bytes" | "files" | "nodes", amount: number): void {
    left[what] -= amount
    if (left[what] < 0) throw new BadContent("It is larger than this page unpacks. Fetch it with `draas results`.")
  }
}

export function joined(pieces: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((size, piece) => size + piece.byteLength, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.byteLength
  }
  return whole
}

/** Whether this is a name that every system takes for a file in its folder and for nothing else. */
function isPlain(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && name.length <= 255 && !/[/\\\u0000-\u001f\u007f]/.test(name)
}

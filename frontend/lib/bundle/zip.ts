import { Unzip, UnzipInflate, type UnzipFile } from "fflate"

import { NotABundle } from "@/lib/bundle/files"
import { joined } from "@/lib/content/unixfs"

const PIECE = 64 * 1024

export interface ZipEntry {
  path: string
  bytes: Uint8Array<ArrayBuffer>
}

/** The files of a zip, within limits. Without a worker, which the page's policy forbids; it pauses for others instead. */
export async function unzipped(data: Uint8Array, maxBytes: number, maxFiles: number): Promise<ZipEntry[]> {
  const found: ZipEntry[] = []
  const begun = new Set<string>()
  let left = maxBytes
  let fault: Error | null = null
  const take = (file: UnzipFile) => {
    const { name } = file
    if (name.endsWith("/")) return
    if (begun.size >= maxFiles) fault ??= new NotABundle(`More than ${maxFiles} files in this zip.`)
    if (fault) return
    begun.add(`${begun.size} ${name}`)
    const pieces: Uint8Array[] = []
    file.ondata = (error, piece, isLast) => {
      if (error) fault ??= unreadable(error)
      if (fault) return
      left -= piece.byteLength
      if (left < 0) {
        fault = new NotABundle("What is in this zip is larger than the scheduler takes.")
        return
      }
      pieces.push(piece)
      if (isLast) found.push({ path: name, bytes: joined(pieces) })
    }
    file.start()
  }
  const unzip = new Unzip(take)
  unzip.register(UnzipInflate)
  for (let at = 0; at < data.byteLength; at += PIECE) {
    try {
      unzip.push(data.subarray(at, at + PIECE), at + PIECE >= data.byteLength)
    } catch (error) {
      fault ??= unreadable(error)
    }
    if (fault) throw fault
    await new Promise((resolve) => setTimeout(resolve))
  }
  if (found.length < begun.size || found.length === 0) throw new NotABundle("This zip cannot be read: it is cut off.")
  return found
}

function unreadable(error: unknown): NotABundle {
  return new NotABundle(`This zip cannot be read: ${error instanceof Error ? error.message : "it is damaged"}.`)
}

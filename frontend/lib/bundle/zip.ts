import { Unzip, UnzipInflate, type UnzipFile } from "fflate"

import { NotABundle } from "@/lib/bundle/file"
import { joined } from "@/lib/content/unixfs"

const PIECE = 64 * 1024
const END = 22

export interface ZipEntry {
  path: string
  bytes: Uint8Array<ArrayBuffer>
}

/** The files of a zip, within limits. Without a worker, which the page's policy forbids; it pauses for others instead. */
export async function unzipped(data: Uint8Array, maxBytes: number, maxFiles: number): Promise<ZipEntry[]> {
  if (!hasEnd(data)) throw new NotABundle("This zip cannot be read: it is cut off, or no zip.")
  const found: ZipEntry[] = []
  let begun = 0
  let left = maxBytes
  let fault: Error | null = null
  const take = (file: UnzipFile) => {
    const { name } = file
    if (name.endsWith("/")) return
    if (begun >= maxFiles) fault ??= new NotABundle(`More than ${maxFiles} files in this zip.`)
    if (fault) return
    begun += 1
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
  if (found.length < begun) throw new NotABundle("This zip cannot be read: it is damaged.")
  return found
}

/** A zip's last record, which only a comment may follow. */
function hasEnd(data: Uint8Array): boolean {
  for (let at = data.byteLength - END; at >= Math.max(0, data.byteLength - END - 0xffff); at--) {
    if (data[at] === 0x50 && data[at + 1] === 0x4b && data[at + 2] === 5 && data[at + 3] === 6) return true
  }
  return false
}

function unreadable(error: unknown): NotABundle {
  return new NotABundle(`This zip cannot be read: ${error instanceof Error ? error.message : "it is damaged"}.`)
}

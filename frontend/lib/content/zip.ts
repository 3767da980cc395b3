import type { ContentFile } from "@/lib/content/unixfs"

/** Files as one zip. A file at a time, so that the page stays usable; without a worker, which the page's policy forbids. */
export async function zipOf(files: ContentFile[]): Promise<Blob> {
  const { Zip, ZipDeflate } = await import("fflate")
  const pieces: Uint8Array<ArrayBuffer>[] = []
  let fault: Error | null = null
  const zip = new Zip((error, piece) => {
    if (error) fault = error
    else pieces.push(new Uint8Array(piece))
  })
  for (const { path, bytes } of files) {
    const entry = new ZipDeflate(path, { level: 6 })
    zip.add(entry)
    entry.push(bytes, true)
    await new Promise((resolve) => setTimeout(resolve))
  }
  zip.end()
  if (fault) throw fault
  return new Blob(pieces, { type: "application/zip" })
}

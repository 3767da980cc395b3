/** Hands a file of ours to whoever looks at the page. */
export function download(name: string, parts: BlobPart[], type: string): void {
  const link = document.createElement("a")
  link.href = URL.createObjectURL(new Blob(parts, { type }))
  link.download = name
  link.click()
  URL.revokeObjectURL(link.href)
}

/** Tables as files that a spreadsheet opens (RFC 4180). */

export function csvOf(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [header, ...rows].map((row) => row.map(cell).join(",") + "\r\n").join("")
}

/** A name may be a stranger's: what a spreadsheet would run as a formula is made plain text by a quote before it. */
export function cell(text: string): string {
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain
}

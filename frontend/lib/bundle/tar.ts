import { joined } from "@/lib/content/unixfs"

/** One file of an archive; its path has `/` between its parts. */
export interface TarFile {
  path: string
  bytes: Uint8Array
  executable: boolean
}

const BLOCK = 512
const NAME = 100 // bytes of a name in a header; a longer one stands in a header of its own
const FILE = "0"
const EXTENDED = "x"

/** A plain tar (POSIX pax): the same bytes for the same files. */
export function tarBytes(files: TarFile[]): Uint8Array<ArrayBuffer> {
  const pieces: Uint8Array[] = []
  const add = (type: string, name: Uint8Array, bytes: Uint8Array, mode: number) => {
    pieces.push(header(type, name, bytes.byteLength, mode), bytes, new Uint8Array(-bytes.byteLength & (BLOCK - 1)))
  }
  for (const file of files) {
    const name = utf8(file.path)
    if (name.byteLength > NAME || name.byteLength !== file.path.length) {
      add(EXTENDED, utf8("path"), record("path", file.path), 0o644)
    }
    add(FILE, name, file.bytes, file.executable ? 0o755 : 0o644)
  }
  return joined([...pieces, new Uint8Array(2 * BLOCK)])
}

function header(type: string, name: Uint8Array, size: number, mode: number): Uint8Array {
  const block = new Uint8Array(BLOCK)
  const octal = (value: number, at: number, digits: number) => {
    block.set(utf8(value.toString(8).padStart(digits, "0")), at)
  }
  block.set(name.subarray(0, NAME))
  octal(mode, 100, 7)
  octal(0, 108, 7) // owner
  octal(0, 116, 7) // group
  octal(size, 124, 11)
  octal(0, 136, 11) // when: never, so that equal folders make equal archives
  block.set(utf8(type), 156)
  block.set(utf8("ustar\u000000"), 257)
  block.fill(0x20, 148, 156) // the sum is over a header whose sum is blank
  const sum = block.reduce((all, byte) => all + byte, 0)
  block.set(utf8(`${sum.toString(8).padStart(6, "0")}\u0000 `), 148)
  return block
}

/** "LENGTH KEY=VALUE\n", where the length counts itself. */
function record(key: string, value: string): Uint8Array {
  const rest = utf8(` ${key}=${value}\n`)
  let length = rest.byteLength
  while (length !== rest.byteLength + String(length).length) length = rest.byteLength + String(length).length
  return joined([utf8(String(length)), rest])
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

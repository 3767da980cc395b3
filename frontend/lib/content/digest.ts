import { sha256 } from "viem"

/** SHA-256. A page that came over plain HTTP from elsewhere than this machine has no Web Crypto. */
export async function digest(bytes: Uint8Array): Promise<Uint8Array> {
  const subtle = (globalThis.crypto as Crypto | undefined)?.subtle
  if (!subtle) return sha256(bytes, "bytes")
  return new Uint8Array(await subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>))
}

/** A file of a bundle: its path has `/`, and never climbs. */
export interface BundleFile {
  path: string
  bytes: Uint8Array<ArrayBuffer>
  executable: boolean
}

/** What was dropped makes no bundle. */
export class NotABundle extends Error {
  override name = "NotABundle"
}

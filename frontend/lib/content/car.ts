import type { CID } from "multiformats/cid"

import type { Api } from "@/lib/api"
import { headersOf, isEqual, sectionsOf } from "@/lib/content/car-sections"
import { digest } from "@/lib/content/digest"
import { BadContent, filesBelow, LIMITS, type ContentFile, type Limits } from "@/lib/content/unixfs"

export { BadContent, type ContentFile } from "@/lib/content/unixfs"

const SHA2_256 = 0x12
const OVERHEAD = 1.05 // of a CAR over what is in it

/**
 * The files under a CID, as the scheduler has them, each block checked here: nobody has to be believed.
 *
 * Throws BadContent when something else came, ApiError when nothing did.
 */
export async function fetchContent(
  api: Api,
  cid: string,
  signal?: AbortSignal,
  limits: Limits = LIMITS,
): Promise<ContentFile[]> {
  const car = await api.bytes(`/v1/content/${encodeURIComponent(cid)}`, limits.bytes * OVERHEAD, signal)
  return readCar(car, cid, limits)
}

/** Take a CAR apart. The library for CIDs is loaded when it is first needed. */
export async function readCar(car: Uint8Array, root: string, limits: Limits = LIMITS): Promise<ContentFile[]> {
  const { CID: Cid } = await import("multiformats/cid")
  const wanted = parsed(() => Cid.parse(root), "This is no CID.")
  const blocks = new Map<string, Uint8Array>()
  const [head, ...sections] = parsed(() => sectionsOf(car), "What came is no CAR, or was cut off.")
  if (!head || !headersOf(wanted).some((one) => isEqual(one, head))) {
    throw new BadContent("What came is of another CID.")
  }
  for (const section of sections) {
    const [cid, bytes] = parsed(() => Cid.decodeFirst(section), "A block in it has no CID.")
    await check(cid, bytes)
    blocks.set(key(cid), bytes)
  }
  const block = (cid: CID): Uint8Array => {
    const found = blocks.get(key(cid))
    if (!found) throw new BadContent("A part of it did not come. Try again.")
    return found
  }
  const cidOf = (bytes: Uint8Array) => parsed(() => Cid.decode(bytes), "A block in it is malformed.")
  return filesBelow(wanted, { block, cidOf }, limits)
}

async function check(cid: CID, bytes: Uint8Array): Promise<void> {
  if (cid.multihash.code !== SHA2_256) throw new BadContent("A block in it has a hash that is not checked here.")
  const hash = await digest(bytes)
  if (!isEqual(hash, cid.multihash.digest))
    throw new BadContent("What came is not what its CID names. It was thrown away.")
}

/** CIDs of both versions name the same block. */
function key(cid: CID): string {
  return cid.toV1().toString()
}

function parsed<T>(read: () => T, otherwise: string): T {
  try {
    return read()
  } catch {
    throw new BadContent(otherwise)
  }
}

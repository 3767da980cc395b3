import type { Api, BundleReceipt } from "@/lib/api"
import type { BundleFile } from "@/lib/bundle/file"
import { tarOf } from "@/lib/bundle/pack"
import { folderCid } from "@/lib/content/folder-cid"
import { t } from "@/texts/en"

/**
 * Put a folder on IPFS, through the scheduler as `draas` does, and hold what it says it stored against the CID that
 * was computed here: what is signed afterwards names these bytes and no others.
 */
export async function uploadFolder(
  api: Api,
  files: BundleFile[],
  consumer: string,
  salt: string,
  watch: boolean,
): Promise<BundleReceipt> {
  const [receipt, cid] = await Promise.all([api.upload(tarOf(files), consumer, salt, watch), folderCid(files)])
  if (receipt.cid !== cid || receipt.terms.cid !== cid) throw new Error(t.post.otherContent(receipt.cid, cid))
  return receipt
}

"use client"

import { keepPreviousData, useQuery } from "@tanstack/react-query"
import { useDeferredValue } from "react"
import { zeroAddress } from "viem"

import { useMarket } from "@/hooks/market"
import { useWallet } from "@/hooks/use-wallet"
import type { Draft } from "@/lib/bundle/draft"
import { uploadFolder } from "@/lib/bundle/upload"

/** What the scheduler says of a bundle: its manifest read and checked, what it can cost, who could take it. */
export function useReceipt(draft: Draft | null, watch: boolean) {
  const { api } = useMarket()
  const { address } = useWallet()
  const settled = useDeferredValue(draft)
  return useQuery({
    queryKey: ["receipt", settled?.salt, settled?.manifest, address, watch],
    enabled: settled !== null,
    placeholderData: keepPreviousData,
    staleTime: 30_000,
    retry: false,
    queryFn: async ({ signal }) => {
      if (!settled) throw new Error("nothing to check")
      await new Promise((resolve) => setTimeout(resolve, 300)) // for who still types
      signal.throwIfAborted()
      const { withManifest } = await import("@/lib/bundle/manifest")
      const files = withManifest(settled.files, settled.manifest)
      return uploadFolder(api, files, address ?? zeroAddress, settled.salt, watch)
    },
  })
}
